//! `/v1/sandbox/bank`: every kind of bad manners, and what the customer sees of it.

use crate::house::{House, Person, yuan};
use bank::staff::Role;
use reqwest::Method;
use serde_json::{Value, json};

const IBAN: &str = "DE89370400440532013000";
const PATH: &str = "/v1/sandbox/bank";
/// Seconds by which a top-up is decided, and a payout: the policies' defaults.
const DECIDED: [i64; 2] = [3_600, 86_400];

struct Scene {
    house: House,
    staff: String,
    one: Person,
    link: Value,
    _directory: tempfile::TempDir,
}

/// Top-up, then payout: the path, and what they ask for.
const WAYS: [&str; 2] = ["/v1/top-ups", "/v1/payouts"];

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let house = House::beside(directory.path()).await;
        // Weeks pass here, and nobody signs in again.
        let product = house.staff(Role::PRODUCT).await;
        let long = json!({"name": "session_hours", "value": 8_760, "source": "these stories take weeks"});
        house.post("/v1/staff/policies", &product, &long).await.expect(201);
        let (staff, one) = (house.staff(Role::OPERATIONS).await, house.person("@one", 50_000).await);
        let link = house.post("/v1/bank-accounts", &one.token, &json!({"number": IBAN})).await.expect(201);
        Self { house, staff, one, link: link["id"].clone(), _directory: directory }
    }

    async fn tell(&self, manners: &Value) {
        self.house.put(Method::PUT, PATH, &self.staff, manners).await.expect(200);
    }

    /// Begins a top-up (0) or payout (1) of 10.00; gives its address.
    async fn begin(&self, way: usize) -> String {
        let body = json!({"bank_account": self.link, "amount": yuan("10.00")});
        let begun = self.house.post(WAYS[way], &self.one.token, &body).await.expect(201);
        format!("{}/{}", WAYS[way], begun["id"].as_str().expect("an id"))
    }

    /// So many seconds pass; the bank works every ten of them at first, then ever more rarely, and at the end.
    fn pass(&self, seconds: i64) {
        let mut passed = 0;
        self.house.world.run_jobs();
        while passed < seconds {
            let step = (passed / 2).max(10).min(seconds - passed);
            self.house.world.clock.advance(step);
            self.house.world.run_jobs();
            passed += step;
        }
    }

    async fn look(&self, path: &str) -> Value {
        self.house.get(path, &self.one.token).await.expect(200)
    }
}

/// What a customer sees of one behaviour.
struct Case {
    manners: Value,
    /// After twenty seconds, at the moment by which it is decided, and a week later: states of top-up and payout.
    soon: [&'static str; 2],
    decided: [&'static str; 2],
    late: [&'static str; 2],
    /// What the wallet holds in the end when only the top-up, or only the payout, was made.
    holds: [&'static str; 2],
}

fn case(manners: Value, [soon, decided, late]: [[&'static str; 2]; 3], holds: [&'static str; 2]) -> Case {
    Case { manners, soon, decided, late, holds }
}

const GONE_WELL: [&str; 2] = ["succeeded", "paid"];
const WITH_THE_BANK: [&str; 2] = ["instructed", "instructed"];
const UNKNOWN: [&str; 2] = ["under_investigation", "under_investigation"];
const FAILED: [&str; 2] = ["failed", "failed"];
const MOVED: [&str; 2] = ["510.00", "490.00"];
const UNMOVED: [&str; 2] = ["500.00", "500.00"];

fn cases() -> Vec<Case> {
    let named = |name: &str| json!({"behaviour": name, "instructions": 1});
    let timed = |name: &str, seconds: u32| json!({"behaviour": name, "seconds": seconds, "instructions": 1});
    vec![
        case(named("normal"), [GONE_WELL; 3], MOVED),
        case(timed("slow", 60), [WITH_THE_BANK, GONE_WELL, GONE_WELL], MOVED),
        // It never says so; the statement comes an hour after, for a top-up just in time.
        case(named("silent"), [WITH_THE_BANK, GONE_WELL, GONE_WELL], MOVED),
        // No time-out gives money back: what was taken for the payout stays in suspense until people decide.
        case(named("dead"), [WITH_THE_BANK, UNKNOWN, UNKNOWN], ["500.00", "490.00"]),
        case(named("twice"), [GONE_WELL; 3], MOVED),
        // Refused, and executed two days later: credited late; of the payout, what was given back is now owed to the bank.
        case(timed("late", 172_800), [FAILED, FAILED, GONE_WELL], ["510.00", "500.00"]),
        case(named("contradicting"), [GONE_WELL; 3], MOVED),
        // The statement shows what really moved; the rest is for people to look at.
        case(named("wrong"), [GONE_WELL; 3], ["509.99", "490.01"]),
        case(timed("returning", 60), [GONE_WELL, ["returned", "returned"], ["returned", "returned"]], UNMOVED),
        case(named("reject_funds"), [FAILED; 3], UNMOVED),
        case(named("reject_closed"), [FAILED; 3], UNMOVED),
        // Surely never sent: given up, or back.
        case(json!({"behaviour": "unreachable"}), [["created", "created"], FAILED, FAILED], UNMOVED),
        case(named("answer_lost"), [GONE_WELL; 3], MOVED),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn by_its_deadline_everything_is_final_or_under_investigation_with_a_next_date() {
    let mut wrong = Vec::new();
    for case in cases() {
        for way in [0, 1] {
            let scene = Scene::new().await;
            let name = format!("{} {}", case.manners, WAYS[way]);
            scene.tell(&case.manners).await;
            let path = scene.begin(way).await;
            scene.pass(20);
            let soon = scene.look(&path).await;
            scene.pass(DECIDED[way] - 20);
            let seen = scene.look(&path).await;
            let investigated = seen["state"] == "under_investigation";
            assert_eq!(seen["next_date"].is_string(), investigated, "{name}: {seen}");
            assert_eq!(seen["ended_at"].is_string(), !investigated, "{name}: {seen}");
            scene.pass(7 * 86_400);
            let last = scene.look(&path).await;
            let held = scene.house.posted(&scene.one).await;
            let found = [&soon["state"], &seen["state"], &last["state"], &json!(held)].map(Value::clone);
            let due = [case.soon[way], case.decided[way], case.late[way], case.holds[way]].map(|text| json!(text));
            if found != due {
                wrong.push(format!("{name}: {found:?} instead of {due:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn manners_are_shown_and_end_with_the_instructions_they_were_set_for() {
    let scene = Scene::new().await;
    let (house, staff) = (&scene.house, &scene.staff);
    let seen = async || house.get(PATH, staff).await.expect(200);
    let normal = json!({"behaviour": "normal", "seconds": null, "instructions": null});
    assert_eq!(seen().await, normal);
    scene.tell(&json!({"behaviour": "slow", "instructions": 2})).await;
    assert_eq!(seen().await, json!({"behaviour": "slow", "seconds": 30, "instructions": 2}));
    let first = scene.begin(0).await;
    scene.pass(4);
    assert_eq!(seen().await["instructions"], 1);
    let second = scene.begin(1).await;
    scene.pass(4);
    assert_eq!(seen().await, normal);
    let third = scene.begin(1).await;
    scene.pass(10);
    for (path, state) in [(first, "instructed"), (second, "instructed"), (third, "paid")] {
        assert_eq!(scene.look(&path).await["state"], state, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_staff_who_operate_tell_it_and_only_what_it_understands() {
    let scene = Scene::new().await;
    let (house, staff) = (&scene.house, &scene.staff);
    let bad = [
        (json!({"behaviour": "polite"}), "invalid_field"),
        (json!({}), "missing_field"),
        (json!({"behaviour": "dead", "seconds": 5}), "invalid_field"),
        (json!({"behaviour": "slow", "seconds": 0}), "invalid_field"),
        (json!({"behaviour": "slow", "seconds": 31_622_401}), "invalid_field"),
        (json!({"behaviour": "slow", "instructions": 0}), "invalid_field"),
        (json!({"behaviour": "slow", "mood": 1}), "unknown_field"),
    ];
    for (body, code) in bad {
        house.put(Method::PUT, PATH, staff, &body).await.refused(422, code);
    }
    let auditor = house.staff(Role::AUDITOR).await;
    let slow = json!({"behaviour": "slow"});
    house.put(Method::PUT, PATH, &auditor, &slow).await.refused(403, "forbidden");
    house.put(Method::PUT, PATH, &scene.one.token, &slow).await.refused(403, "forbidden");
    assert_eq!(house.get(PATH, staff).await.expect(200)["behaviour"], "normal", "nothing of it was taken");
    let other = House::open().await;
    let staff = other.staff(Role::OPERATIONS).await;
    other.get(PATH, &staff).await.refused(403, "sandbox_only");
}

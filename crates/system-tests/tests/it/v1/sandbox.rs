//! `/v1/sandbox`

use crate::house::House;
use api::{Api, Metrics};
use bank::staff::Role;
use bank::testing::{ManualClock, MemoryRail, SeededEntropy, SentMessages, cny};
use bank::{Bank, BankOptions};
use edge::{Edge, Options, Tenants};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use vocabulary::{Clock, Timestamp};

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_moves_forward_only() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
    let by = json!({"advance_seconds": 3_600});
    let moved = house.put(Method::POST, "/v1/sandbox/clock", &staff, &by).await.expect(200);
    assert_eq!(moved["now"], "2026-11-23T03:00:00Z");
    let back = json!({"to": "2026-11-23T02:00:00Z"});
    house.put(Method::POST, "/v1/sandbox/clock", &staff, &back).await.refused(409, "clock_backwards");
    let far = json!({"to": "9999-01-01T00:00:00Z"});
    house.put(Method::POST, "/v1/sandbox/clock", &staff, &far).await.refused(422, "invalid_field");
    house.put(Method::POST, "/v1/sandbox/clock", &staff, &json!({})).await.refused(422, "missing_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_bank_has_no_movable_clock_and_shows_no_messages() {
    let directory = tempfile::tempdir().expect("a directory");
    let entropy = Arc::new(SeededEntropy::new(7));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment")));
    let vault = rails::FileVault::open(&directory.path().join("vault"), Arc::clone(&entropy) as _).expect("a vault");
    let options = BankOptions {
        directory: directory.path().join("bank"),
        server: None,
        clock: Arc::clone(&clock),
        entropy,
        vault: Arc::new(vault),
        rail: Arc::new(MemoryRail::default()),
        notifier: Arc::new(SentMessages::default()),
        card_vault: None,
        zone: "Asia/Shanghai".to_owned(),
        sandbox: false,
        currencies: vec![cny()],
        units: Vec::new(),
        limits: Default::default(),
        cache_kib: 1_024,
    };
    let open = move || {
        let bank = Bank::open(options).expect("a bank");
        let enrolled = bank::staff::enrol_blocking(&bank, "Somebody", Role::ADMINISTRATOR).expect("enrolled");
        (bank, enrolled.token.expose().clone())
    };
    let (bank, token) = tokio::task::spawn_blocking(open).await.expect("no panic");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let edge = Edge::new(Options::default(), Tenants::only(bank), Api::new().routes(Metrics::default()), clock);
    tokio::spawn(edge::serve(edge, listener, std::future::pending()));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let moved = client.post(format!("{base}/v1/sandbox/clock")).json(&json!({"advance_seconds": 1}));
    let outbox = client.get(format!("{base}/v1/sandbox/outbox"));
    let manners = client.get(format!("{base}/v1/sandbox/bank"));
    let told = client.put(format!("{base}/v1/sandbox/bank")).json(&json!({"behaviour": "slow"}));
    for request in [moved, outbox, client.get(format!("{base}/sandbox/outbox")), manners, told] {
        let answer = request.bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), 403);
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "sandbox_only");
    }
}

//! Who gets through the gate, and who does not.

use super::{Decision, State, decide, list};
use crate::audit::Origin;
use crate::bank::Bank;
use crate::policies::{Change, set};
use crate::staff::{Permission, Role, enrol_blocking};
use crate::testing::TestBank;
use crate::wish::{Principal, Wish};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use vocabulary::{Id, kinds};

type Staff = Id<kinds::Staff>;

fn enrolled(test: &TestBank, role: Role) -> Staff {
    tokio::task::block_in_place(|| enrol_blocking(&test.bank, "Somebody", role)).expect("enrolled").staff
}

/// A request of a member of staff, as the way in would make it.
struct Sent<'a> {
    by: Staff,
    body: &'a str,
    approval: Option<Id<kinds::Approval>>,
    emergency: Option<&'a str>,
}

impl<'a> Sent<'a> {
    const fn new(by: Staff, body: &'a str) -> Self {
        Self { by, body, approval: None, emergency: None }
    }

    fn with(self, approval: Id<kinds::Approval>) -> Self {
        Self { approval: Some(approval), ..self }
    }

    fn on(&self, bank: &Bank) -> Bank {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let line = "POST /v1/staff/policies".to_owned();
        let mut origin = Origin::new(address, "req_1".to_owned(), line, None);
        origin.keep_body(self.body.as_bytes());
        origin.note_needs(Permission::SetPolicies);
        origin.approval = self.approval;
        origin.emergency = self.emergency.map(str::to_owned);
        bank.of(Arc::new(origin))
    }

    /// Sets the refund days to the body's number: what it came to, and the approval that it waits for.
    async fn send(self, bank: &Bank) -> (String, Option<Id<kinds::Approval>>) {
        let bank = self.on(bank);
        let days: u32 = self.body.parse().expect("a number");
        let change = Change { name: "refund_days".to_owned(), value: json!(days), from: None, source: "x".to_owned() };
        let wish = Wish::internal(Principal::Staff(self.by), "policies.set");
        match set(&bank, wish, change).await.expect("no trouble").result {
            Ok(_) => ("done".to_owned(), None),
            Err(refusal) => (refusal.code.as_str().to_owned(), refusal.approval),
        }
    }
}

/// Asks, and has it approved by somebody.
async fn approved(test: &TestBank, (by, body): (Staff, &str), second: Staff) -> Id<kinds::Approval> {
    let (code, id) = Sent::new(by, body).send(&test.bank).await;
    assert_eq!(code, "approval_required");
    let id = id.expect("it waits");
    assert_eq!(say(&test.bank, second, id, true).await, "done");
    id
}

async fn digest_of(bank: &Bank, id: Id<kinds::Approval>) -> String {
    super::find(bank, id).await.expect("no trouble").expect("it is there").digest
}

async fn say(bank: &Bank, by: Staff, id: Id<kinds::Approval>, approved: bool) -> String {
    let decision = Decision { approved, digest: digest_of(bank, id).await };
    word(bank, by, id, decision).await
}

async fn word(bank: &Bank, by: Staff, id: Id<kinds::Approval>, decision: Decision) -> String {
    let wish = Wish::internal(Principal::Staff(by), "approvals.approve");
    let answer = decide(bank, wish, id, decision).await.expect("no trouble");
    answer.result.map_or_else(|refusal| refusal.code.as_str().to_owned(), |_| "done".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_waits_for_a_second_person_and_is_then_done_once() {
    let test = TestBank::new();
    let (one, two) = (enrolled(&test, Role::PRODUCT), enrolled(&test, Role::PRODUCT));
    let id = approved(&test, (one, "100"), two).await;
    assert_eq!(test.bank.policies().refund_days, 365, "nothing was done so far");
    assert_eq!(Sent::new(one, "100").with(id).send(&test.bank).await.0, "done");
    assert_eq!(test.bank.policies().refund_days, 100);
    assert_eq!(Sent::new(one, "100").with(id).send(&test.bank).await.0, "approval_not_valid");
    let used = list(&test.bank, State::Used, None, 10).await.expect("no trouble");
    assert_eq!((used.len(), used[0].decider, used[0].asked.as_str()), (1, Some(two), "POST /v1/staff/policies\n100"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_exactly_what_was_seen_and_for_whoever_asked() {
    let test = TestBank::new();
    let (one, two) = (enrolled(&test, Role::PRODUCT), enrolled(&test, Role::PRODUCT));
    let id = approved(&test, (one, "100"), two).await;
    assert_eq!(Sent::new(one, "101").with(id).send(&test.bank).await.0, "approval_not_valid");
    assert_eq!(Sent::new(two, "100").with(id).send(&test.bank).await.0, "approval_not_valid");
    test.clock.advance(25 * 3600);
    assert_eq!(Sent::new(one, "100").with(id).send(&test.bank).await.0, "approval_not_valid");
    assert_eq!(test.bank.policies().refund_days, 365);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_act_does_not_use_its_approval_up() {
    let test = TestBank::new();
    let (one, two) = (enrolled(&test, Role::PRODUCT), enrolled(&test, Role::PRODUCT));
    let id = approved(&test, (one, "99999"), two).await;
    for _ in 0..2 {
        assert_eq!(Sent::new(one, "99999").with(id).send(&test.bank).await.0, "policy_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_for_himself_without_the_right_blindly_or_twice() {
    let test = TestBank::new();
    let (one, two) = (enrolled(&test, Role::PRODUCT), enrolled(&test, Role::PRODUCT));
    let (operator, bank) = (enrolled(&test, Role::OPERATIONS), &test.bank);
    let id = Sent::new(one, "100").send(bank).await.1.expect("it waits");
    assert_eq!(say(bank, one, id, true).await, "forbidden");
    assert_eq!(say(bank, operator, id, true).await, "forbidden", "she may not set policies");
    let blind = Decision { approved: true, digest: "00".repeat(32) };
    assert_eq!(word(bank, two, id, blind).await, "approval_not_valid");
    assert_eq!(say(bank, two, id, false).await, "done");
    assert_eq!(say(bank, two, id, true).await, "approval_not_valid");
    assert_eq!(Sent::new(one, "100").with(id).send(bank).await.0, "approval_not_valid", "it was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_with_one_approval_do_one_act() {
    let test = TestBank::new();
    let (one, two) = (enrolled(&test, Role::PRODUCT), enrolled(&test, Role::PRODUCT));
    let id = approved(&test, (one, "100"), two).await;
    let (first, second) =
        tokio::join!(Sent::new(one, "100").with(id).send(&test.bank), Sent::new(one, "100").with(id).send(&test.bank));
    let mut found = [first.0, second.0];
    found.sort();
    assert_eq!(found, ["approval_not_valid", "done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_glass_needs_the_right_and_a_reason_and_leaves_a_case() {
    let test = TestBank::new();
    let (product, administrator) = (enrolled(&test, Role::PRODUCT), enrolled(&test, Role::ADMINISTRATOR));
    let reason = Some("the fee table is wrong and shops are open");
    let alone = |by, emergency| Sent { by, body: "100", approval: None, emergency };
    assert_eq!(alone(product, reason).send(&test.bank).await.0, "forbidden");
    assert_eq!(alone(administrator, Some("quick")).send(&test.bank).await.0, "invalid_field");
    assert_eq!(alone(administrator, reason).send(&test.bank).await.0, "done");
    let cases = crate::cases::list(&test.bank, true, None, 10).await.expect("no trouble");
    assert_eq!((cases.len(), cases[0].kind), (1, crate::cases::CaseKind::BrokenGlass));
    let log = crate::audit::look(&test.bank, crate::audit::Wanted { limit: 1, ..Default::default() }).await;
    let asked = log.expect("no trouble").remove(0).asked.expect("what was asked");
    assert!(asked.contains("Break-Glass: the fee table is wrong"), "{asked}");
}

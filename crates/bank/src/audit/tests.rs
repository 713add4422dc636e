//! What is recorded, and what is noticed.

use super::{Finding, Origin, Wanted, look, verify};
use crate::policies::{Change, set};
use crate::testing::TestBank;
use crate::wish::{Principal, Wish};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use store::Outcome;
use vocabulary::Id;

fn of_staff(number: u128, key: &str) -> Wish {
    Wish::new(Principal::Staff(Id::from_u128(number)), "policies.set", key, key.as_bytes())
}

fn change(name: &str) -> Change {
    Change { name: name.to_owned(), value: json!(100), from: None, source: "Decision 7".to_owned() }
}

/// Three acts of two members of staff: one done, one refused, one done.
async fn busy(test: &TestBank) {
    test.one_pair_of_eyes().await;
    let bank = &test.bank;
    for (number, key, name) in [(7, "a", "refund_days"), (8, "b", "no_such_policy"), (7, "c", "refund_days")] {
        set(bank, of_staff(number, key), change(name)).await.expect("no trouble");
    }
}

fn all() -> Wanted {
    Wanted { limit: 100, ..Wanted::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_of_staff_is_recorded_once_however_it_ends() {
    let test = TestBank::new();
    busy(&test).await;
    let again = set(&test.bank, of_staff(7, "a"), change("refund_days")).await.expect("no trouble");
    assert!(again.replayed);
    let found = look(&test.bank, all()).await.expect("no trouble");
    let told: Vec<_> = found.iter().map(|entry| (entry.number, entry.outcome.as_str())).collect();
    assert_eq!(told, [(3, "done"), (2, "policy_invalid"), (1, "done")]);
    assert_eq!(found[0].actor, Id::<vocabulary::kinds::Staff>::from_u128(7).to_string());
    let wanted = Wanted { actor: Some(found[1].actor.clone()), ..all() };
    let of_eight = look(&test.bank, wanted).await.expect("no trouble");
    assert_eq!(of_eight, [found[1].clone()]);
    let older = Wanted { action: Some("policies.set".to_owned()), before: Some(2), ..all() };
    assert_eq!(look(&test.bank, older).await.expect("no trouble"), [found[2].clone()]);
    assert_eq!(verify(&test.bank).expect("no trouble"), Finding::Whole(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_from_and_what_was_asked_for_is_told_to_readers_and_sealed_in_the_table() {
    let test = TestBank::new();
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let origin =
        Origin::new(address, "req_1".to_owned(), "POST /v1/staff/policies".to_owned(), Some("mer_1".to_owned()));
    origin.keep_body(b"{\"source\":\"a canary\"}");
    test.one_pair_of_eyes().await;
    let bank = test.bank.of(Arc::new(origin));
    set(&bank, of_staff(7, "a"), change("refund_days")).await.expect("no trouble");
    let found = look(&bank, all()).await.expect("no trouble").remove(0);
    assert_eq!(found.asked.as_deref(), Some("POST /v1/staff/policies\n{\"source\":\"a canary\"}"));
    assert_eq!((found.address.as_deref(), found.request.as_deref()), (Some("192.0.2.7"), Some("req_1")));
    assert_eq!(found.subject.as_deref(), Some("mer_1"));
    let sealed = bank.store().read(|snapshot| Ok(super::records::after(snapshot.reading(), 0, 1)?.remove(0).0.sealed));
    let sealed = sealed.await.expect("reads");
    assert!(!sealed.windows(6).any(|part| part == b"canary" || part == b"192.0."));
}

async fn tampered(sql: &'static str) -> Finding {
    let test = TestBank::new();
    busy(&test).await;
    let tampering = test.bank.store().write(move |uow| {
        uow.execute(sql, &[])?;
        Ok(Outcome::<(), ()>::Done(()))
    });
    tampering.await.expect("no trouble");
    verify(&test.bank).expect("no trouble")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_removed_or_added_record_is_named() {
    for (sql, finding) in [
        ("UPDATE audit_record SET actor = 'system' WHERE number = 1", Finding::Changed(1)),
        ("UPDATE audit_record SET at = at + 1 WHERE number = 2", Finding::Changed(2)),
        ("UPDATE audit_record SET outcome = 'done' WHERE number = 2", Finding::Changed(2)),
        ("UPDATE audit_record SET subject = '' WHERE number = 3", Finding::Changed(3)),
        ("UPDATE audit_record SET subject = 'x' WHERE number = 3", Finding::Changed(3)),
        (
            "UPDATE audit_record SET link = (SELECT link FROM audit_record WHERE number = 1) WHERE number = 2",
            Finding::Changed(2),
        ),
        (
            "UPDATE audit_record SET sealed = (SELECT sealed FROM audit_record WHERE number = 1) WHERE number = 3",
            Finding::Changed(3),
        ),
        ("DELETE FROM audit_record WHERE number = 2", Finding::Missing(2)),
        ("DELETE FROM audit_record WHERE number = 1", Finding::Missing(1)),
        (
            "INSERT INTO audit_record(number, at, actor, action, outcome, sealed, link) SELECT 4, at, actor, action, outcome, \
            sealed, link FROM audit_record WHERE number = 3",
            Finding::Changed(4),
        ),
    ] {
        assert_eq!(tampered(sql).await, finding, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_password_is_recorded_without_the_password() {
    let test = TestBank::new();
    crate::tests::registered(&test.bank, "ann@example.com", "Ann").await;
    let secret = |text: &str| vocabulary::Secret::new(text.to_owned());
    let signed = crate::sessions::sign_in(&test.bank, "ann@example.com", secret("correct horse battery"));
    let session = signed.await.expect("no trouble").expect("signed in").session;
    for (old, outcome) in [("wrong horse battery", "invalid_credentials"), ("correct horse battery", "done")] {
        let new = secret("a better horse battery");
        drop(crate::sessions::change_password(&test.bank, session, secret(old), new).await.expect("no trouble"));
        let found = look(&test.bank, all()).await.expect("no trouble").remove(0);
        assert_eq!((found.action.as_str(), found.outcome.as_str()), ("sessions.change_password", outcome));
        assert_eq!(found.subject, Some(session.customer.to_string()));
        assert_eq!(found.asked, None);
    }
}

/// Takes what it is given, or nothing.
#[derive(Default)]
struct Collector {
    taken: Vec<i64>,
    closed: bool,
}

impl ports::LogCollector for Collector {
    fn name(&self) -> String {
        "one".to_owned()
    }

    fn take(&mut self, lines: &[ports::LogLine]) -> Result<(), ports::CollectorError> {
        if self.closed {
            return Err(ports::CollectorError("closed".to_owned()));
        }
        assert!(lines.iter().all(|line| !line.json.contains('\n')));
        self.taken.extend(lines.iter().map(|line| line.number));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_every_record_once_it_takes_them() {
    let test = TestBank::new();
    busy(&test).await;
    let mut collector = Collector { closed: true, ..Collector::default() };
    let export = |collector: &mut Collector| {
        tokio::task::block_in_place(|| super::export_blocking(&test.bank, collector)).map_err(|error| error.to_string())
    };
    assert!(export(&mut collector).is_err_and(|error| error.contains("closed")));
    collector.closed = false;
    assert_eq!((export(&mut collector), export(&mut collector)), (Ok(3), Ok(0)));
    assert_eq!(collector.taken, [1, 2, 3]);
}

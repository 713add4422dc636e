//! Policies come into force when they say, and only within their ranges.

use super::{later, system};
use crate::policies::{Change, list, set};
use crate::testing::TestBank;
use crate::wallets;
use serde_json::json;

fn change(name: &str, value: serde_json::Value) -> Change {
    Change { name: name.to_owned(), value, from: None, source: "board decision 7".to_owned() }
}

#[tokio::test]
async fn a_policy_comes_into_force_when_it_says() {
    let test = TestBank::new();
    let before = test.bank.policies();
    assert_eq!(before.refund_days, 365);
    let from = Some(later(&test, 3600));
    set(&test.bank, system("p"), Change { from, ..change("refund_days", json!(30)) }).await.unwrap().result.unwrap();
    assert_eq!(test.bank.policies().refund_days, 365);
    assert_eq!(test.bank.policies().version, before.version);
    test.clock.advance(3599);
    assert_eq!(test.bank.policies().refund_days, 365);
    test.clock.advance(1);
    let after = test.bank.policies();
    assert_eq!((after.refund_days, after.version), (30, before.version + 1));
    let test = tokio::task::spawn_blocking(move || test.restart(2)).await.unwrap();
    assert_eq!((test.bank.policies().refund_days, test.bank.policies().version), (30, before.version + 1));
    assert!(list(&test.bank).await.unwrap().iter().any(|row| row.source == "board decision 7"));
}

#[tokio::test]
async fn limits_reach_the_accounts_when_they_come_into_force() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let mut limits = test.bank.policies().limits.clone();
    for row in limits.iter_mut().filter(|row| row.tier == 3 && row.currency == "CNY") {
        row.person.out_movement = Some(7);
    }
    let from = Some(later(&test, 60));
    let wanted = Change { from, ..change("limits", serde_json::to_value(limits).unwrap()) };
    set(&test.bank, system("p"), wanted).await.unwrap().result.unwrap();
    test.run_jobs();
    let of_person = |limits: Vec<(String, bool, crate::policies::Limits)>| {
        limits.into_iter().find(|(_, person, _)| *person).unwrap().2.out_movement
    };
    assert_eq!(of_person(wallets::limits(&test.bank, ann.id).await.unwrap()), Some(10_000_000));
    test.clock.advance(60);
    assert!(test.run_jobs() >= 1);
    assert_eq!(of_person(wallets::limits(&test.bank, ann.id).await.unwrap()), Some(7));
}

#[tokio::test]
async fn values_out_of_range_are_refused() {
    let test = TestBank::new();
    let version = test.bank.policies().version;
    let mut fees = serde_json::to_value(&test.bank.policies().fees).unwrap();
    fees["payment.standard"]["bps"] = json!(10_001);
    let bad = [
        change("refund_days", json!(-1)),
        change("refund_days", json!("many")),
        change("refund_days", json!(100_000)),
        change("no_such_policy", json!(1)),
        change("fees", fees),
        change("calendar", json!({"weekend": [8], "holidays": [], "working_weekends": [], "books_every_day": true})),
        change("sign_in", json!({"tries": 0, "minutes": 1})),
        Change { source: " ".to_owned(), ..change("refund_days", json!(30)) },
    ];
    for bad in bad {
        let no = set(&test.bank, system("p"), bad).await.unwrap().result.unwrap_err();
        assert_eq!(no.code.as_str(), "policy_invalid");
    }
    assert_eq!(test.bank.policies().version, version);
}

#[tokio::test]
async fn business_days_skip_weekends_and_holidays() {
    let test = TestBank::new();
    let policies = test.bank.policies();
    let day = |text: &str| vocabulary::BookingDate::parse(text).unwrap();
    // Friday, so one business day later is Monday.
    assert_eq!(policies.business_days_after(day("2026-11-27"), 1), day("2026-11-30"));
    assert_eq!(policies.business_days_after(day("2026-11-28"), 0), day("2026-11-30"));
}

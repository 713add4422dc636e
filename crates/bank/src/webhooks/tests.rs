//! Which events an endpoint wants, how long a delivery is tried, and the form of a message. Stories over HTTP are in the
//! system tests.

use super::dispatch::ending;
use super::{DeliveryState, EndpointView, NewEndpoint, forget, payload, records};
use crate::testing::TestBank;
use crate::wish::{Principal, Wish};
use crate::{Currencies, Policies};
use store::{Event, Outcome};
use vocabulary::{Id, Timestamp};

fn endpoint(kinds: &[&str]) -> EndpointView {
    EndpointView {
        id: Id::from_u128(1),
        url: "https://example.com/hooks".to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        enabled: true,
        cursor: 0,
        old_secret_until: None,
        created_at: Timestamp::from_micros(0),
    }
}

#[test]
fn an_endpoint_wants_what_it_names() {
    assert!(endpoint(&[]).wants("payment.succeeded"), "all when it names nothing");
    assert!(endpoint(&["payment.*"]).wants("payment.succeeded"));
    assert!(endpoint(&["refund.succeeded", "payment.held"]).wants("payment.held"));
    assert!(!endpoint(&["payment.*"]).wants("refund.succeeded"));
    assert!(!endpoint(&["payment"]).wants("payment.succeeded"));
}

#[test]
fn a_delivery_is_tried_for_three_days_at_most_and_ever_more_rarely() {
    let defaults = Policies::defaults(&Currencies::new(Vec::new(), Vec::new()));
    let hours = defaults.webhook_retry_seconds.iter().sum::<u32>() / 3_600;
    assert!((60..=72).contains(&hours), "{hours} hours");
    assert_eq!(defaults.check(), Ok(()));
    for pauses in [vec![0, 5], vec![5, 4], vec![1; 31], vec![129_600, 129_601]] {
        let wrong = Policies { webhook_retry_seconds: pauses.clone(), ..defaults.clone() };
        assert_eq!(wrong.check().map_err(|(name, _)| name), Err("webhook_retry_seconds"), "{pauses:?}");
    }
    let longest = Policies { webhook_retry_seconds: vec![129_600, 129_600], ..defaults };
    assert_eq!(longest.check(), Ok(()), "three days to the second");
}

#[test]
fn a_failed_attempt_is_followed_by_the_pause_of_the_policy_until_none_is_left() {
    let now = Timestamp::from_micros(0);
    let after = |tries| {
        let ending = ending(&Ok(500), (tries, &[7, 9]), now);
        (ending.state, ending.due.map(Timestamp::micros))
    };
    assert_eq!(after(0), (DeliveryState::Waiting, Some(7_000_000)));
    assert_eq!(after(1), (DeliveryState::Waiting, Some(9_000_000)));
    assert_eq!(after(2), (DeliveryState::GivenUp, None));
    assert_eq!(ending(&Ok(204), (2, &[]), now).state, DeliveryState::Delivered);
}

#[test]
fn a_message_is_one_json_object() {
    let event = Event {
        no: 7,
        at: Timestamp::from_micros(0),
        kind: "payment.succeeded".to_owned(),
        version: 1,
        owner: None,
        subject: 9,
        body: r#"{"amount":1}"#.to_owned(),
    };
    let message: serde_json::Value = serde_json::from_str(&payload(&event)).expect("JSON");
    let expected = serde_json::json!({"number": 7, "type": "payment.succeeded", "version": 1,
        "timestamp": "1970-01-01T00:00:00Z", "data": {"amount": 1}});
    assert_eq!(message, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_endpoints_log_is_gone_at_once_and_deleted_in_pieces() {
    let test = TestBank::new();
    let bank = &test.bank;
    let wish = || Wish::internal(Principal::System, "tests");
    let make = async |url: &str| {
        let new = NewEndpoint { url: url.to_owned(), kinds: Vec::new() };
        let made = super::create(bank, wish(), None, new).await.expect("no trouble");
        made.result.expect("it is made").endpoint.id
    };
    let (ended, other) = (make("https://one.example.com/").await, make("https://two.example.com/").await);
    let most = u64::from(forget::ROWS);
    let filled = bank.store().write(move |uow| {
        for event in 1..=2 * most {
            records::enqueue(uow, Id::from_u128(u128::from(event)), ended, (event, "test.happened"))?;
        }
        records::enqueue(uow, Id::from_u128(u128::MAX), other, (1, "test.happened"))?;
        Ok(Outcome::<(), ()>::Done(()))
    });
    filled.await.expect("no trouble");
    let rows = || {
        bank.store().read_blocking(|found| Ok(found.reading().number("SELECT count(*) FROM webhook_delivery", &[])?))
    };
    let left = || u64::try_from(tokio::task::block_in_place(rows).expect("reads")).expect("a count");
    test.run_jobs();
    super::remove(bank, wish(), (None, ended)).await.expect("no trouble").result.expect("it ends");
    assert!(super::log(bank, (None, ended), None, 10).await.expect("no trouble").is_none(), "nobody sees it");
    assert!(super::delivery(bank, None, Id::from_u128(1)).await.expect("no trouble").is_none());
    let due = bank.store().read(|found| records::due(found.reading(), found.now(), 10)).await.expect("reads");
    assert!(due.iter().all(|delivery| delivery.endpoint == other), "nothing of it is sent");
    assert_eq!(left(), 2 * most + 1);
    let job = bank.store().read(|found| found.due_jobs(&[super::JOB_FORGET], 10)).await.expect("reads");
    let job = job.into_iter().find(|job| job.kind == super::JOB_FORGET).expect("it is due");
    for _ in 0..2 {
        tokio::task::block_in_place(|| forget::run_forget(bank, &job)).expect("no trouble");
        assert_eq!(left(), most + 1, "one piece, however often its job comes");
    }
    test.run_jobs();
    assert_eq!(left(), 1, "another endpoint's log stays");
}

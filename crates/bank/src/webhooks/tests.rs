//! Which events an endpoint wants, how long a delivery is tried, and the form of a message. Stories over HTTP are in the
//! system tests.

use super::dispatch::ending;
use super::{DeliveryState, EndpointView, payload};
use crate::{Currencies, Policies};
use store::Event;
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

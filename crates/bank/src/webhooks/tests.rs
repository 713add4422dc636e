//! Which events an endpoint wants, how long a delivery is tried, and the form of a message. Stories over HTTP are in the
//! system tests.

use super::{EndpointView, RETRY_SECONDS, payload};
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
    let hours = RETRY_SECONDS.iter().sum::<i64>() / 3_600;
    assert!((60..=72).contains(&hours), "{hours} hours");
    assert!(RETRY_SECONDS.is_sorted());
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

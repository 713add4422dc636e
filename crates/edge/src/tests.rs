//! The way in without a bank: bodies, rates, shares, addresses behind proxies.

use crate::json;
use crate::options::Rate;
use crate::problem::Problem;
use crate::proxies::{ForwardedBy, Proxies};
use crate::rate::{RateKey, RateLimiter};
use crate::shares::Shares;
use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use vocabulary::Timestamp;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it is read matters")]
struct Outer {
    name: String,
    inner: Option<json::Object<Inner>>,
    list: Option<Vec<json::Object<Inner>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it is read matters")]
struct Inner {
    count: u8,
}

fn refusal(text: &[u8]) -> (String, Option<String>) {
    let problem: Problem = json::read::<Outer>(text).expect_err("the body is refused");
    let body = problem.body("req_x");
    let pointer = body.pointer("/errors/0/pointer").and_then(|pointer| pointer.as_str()).map(str::to_owned);
    (problem.code().as_str().to_owned(), pointer)
}

#[test]
fn a_good_body_is_read() {
    assert!(json::read::<Outer>(br#" {"name":"a","inner":{"count":1},"list":[{"count":2}]} "#).is_ok());
}

#[test]
fn a_bad_body_is_refused_with_a_code_and_a_pointer() {
    let nested = format!("{{\"name\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let cases: &[(&[u8], &str, Option<&str>)] = &[
        (b"", "malformed_json", None),
        (b"nonsense", "malformed_json", None),
        (b"[]", "malformed_json", None),
        (b"\"text\"", "malformed_json", None),
        (b"{\"name\":\"a\"", "malformed_json", None),
        (b"{\"name\":\"a\"} x", "malformed_json", None),
        (b"{\"name\":NaN}", "malformed_json", None),
        (b"{\"name\":\"\xff\"}", "malformed_json", None),
        (b"{\"name\":\"a\",\"name\":\"b\"}", "malformed_json", None),
        (b"{\"name\":\"a\",\"n\\u0061me\":\"b\"}", "malformed_json", None),
        (b"{\"name\":\"a\",\"inner\":{\"count\":1,\"count\":2}}", "malformed_json", None),
        (nested.as_bytes(), "body_too_deep", None),
        (b"{\"name\":\"a\",\"more\":1}", "unknown_field", Some("/more")),
        (b"{\"name\":\"a\",\"inner\":{\"count\":1,\"x\":1}}", "unknown_field", Some("/inner/x")),
        (b"{}", "missing_field", Some("/name")),
        (b"{\"name\":\"a\",\"list\":[{\"count\":1},{}]}", "missing_field", Some("/list/1/count")),
        (b"{\"name\":7}", "invalid_field", Some("/name")),
        (b"{\"name\":\"a\",\"inner\":[1]}", "invalid_field", Some("/inner")),
        (b"{\"name\":\"a\",\"list\":[{\"count\":300}]}", "invalid_field", Some("/list/0/count")),
    ];
    for (text, code, pointer) in cases {
        let expected = ((*code).to_owned(), pointer.map(str::to_owned));
        assert_eq!(refusal(text), expected, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn many_keys_are_checked_without_quadratic_time() {
    let mut text = String::from("{\"name\":\"a\"");
    for number in 0..5_000 {
        text.push_str(&format!(",\"k{number}\":0"));
    }
    text.push_str(",\"k4999\":0}");
    assert_eq!(refusal(text.as_bytes()).0, "malformed_json");
}

#[test]
fn a_rate_lets_a_burst_in_and_then_its_average() {
    let limiter = RateLimiter::new(Rate { per_second: 10, burst: 5 });
    let key = RateKey::Caller(7);
    let at = |millis: i64| Timestamp::from_micros(1_000_000_000 + millis * 1_000);
    for _ in 0..5 {
        assert_eq!(limiter.take(key, at(0)), Ok(()));
    }
    assert_eq!(limiter.take(key, at(0)), Err(1), "the burst is used up");
    assert_eq!(limiter.take(RateKey::Caller(8), at(0)), Ok(()), "another caller is not bothered");
    assert_eq!(limiter.take(key, at(100)), Ok(()), "a tenth of a second later one more is let in");
    assert!(limiter.take(key, at(100)).is_err());
}

#[test]
fn a_clock_that_goes_back_shuts_nobody_out() {
    let limiter = RateLimiter::new(Rate { per_second: 10, burst: 5 });
    let key = RateKey::Caller(1);
    let at = |micros: i64| vocabulary::Timestamp::from_micros(micros);
    let day = 86_400_000_000;
    assert!((0..9).filter(|_| limiter.take(key, at(2 * day)).is_ok()).count() < 9, "a burst and no more");
    assert!(limiter.take(key, at(day)).is_ok(), "a day earlier nothing is known");
    assert!((0..9).filter(|_| limiter.take(key, at(day)).is_ok()).count() < 9, "but counting goes on");
}

#[test]
fn a_rate_limiter_remembers_a_bounded_number_of_keys() {
    let limiter = RateLimiter::new(Rate { per_second: 1, burst: 1 });
    for key in 0..500_000_u128 {
        let _ = limiter.take(RateKey::Caller(key), Timestamp::from_micros(1));
    }
    assert!(limiter.remembered() <= 16 * 8_192);
}

#[test]
fn addresses_of_one_version_6_network_share_a_rate() {
    let of = |text: &str| RateKey::of(text.parse().expect("an address"));
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
}

#[test]
fn a_share_counts_only_when_more_than_half_is_taken_and_who_holds_nothing_is_forgotten() {
    let shares = Shares::new(100, 10);
    let (one, two) = (RateKey::Caller(1), RateKey::Caller(2));
    let mut held: Vec<_> = (0..50).map_while(|_| shares.take(one)).collect();
    assert_eq!(held.len(), 50, "half of it is for anybody");
    assert!(shares.take(one).is_none(), "beyond that nobody gets more than a tenth");
    let others: Vec<_> = (0..20).map_while(|_| shares.take(two)).collect();
    assert_eq!(others.len(), 10, "another one has his tenth all the same");
    held.truncate(9);
    drop(others);
    assert!(shares.take(one).is_some(), "what is given back may be taken again");
    drop(held);
    assert_eq!(shares.remembered(), 0);
}

/// Headers, by name and value.
type Lines = &'static [(&'static str, &'static str)];

#[test]
fn an_address_is_believed_only_from_the_right_and_only_of_our_own_proxies() {
    let proxies = |header| Proxies {
        end_tls: true,
        trusted: ["10.0.0.0/8", "2001:db8:1::/48"].map(|text| text.parse().expect("a network")).to_vec(),
        header,
    };
    let origin = |header: ForwardedBy, peer: &str, lines: Lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        proxies(header).origin(peer.parse().expect("an address"), &headers).to_string()
    };
    const X: &str = "x-forwarded-for";
    let cases: &[(&str, Lines, &str)] = &[
        ("198.51.100.1", &[(X, "1.2.3.4")], "198.51.100.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[(X, "1.2.3.4")], "1.2.3.4"),
        ("::ffff:10.0.0.1", &[(X, "1.2.3.4")], "1.2.3.4"),
        ("10.0.0.1", &[(X, "6.6.6.6, 1.2.3.4")], "1.2.3.4"),
        ("10.0.0.1", &[(X, "6.6.6.6, 1.2.3.4, 10.0.0.2")], "1.2.3.4"),
        ("10.0.0.1", &[(X, "6.6.6.6"), (X, "1.2.3.4")], "1.2.3.4"),
        ("10.0.0.1", &[(X, "1.2.3.4:4711")], "1.2.3.4"),
        ("10.0.0.1", &[(X, "[2001:db8:2::1]:4711")], "2001:db8:2::1"),
        ("2001:db8:1::1", &[(X, "2001:db8:2::1")], "2001:db8:2::1"),
        ("10.0.0.1", &[(X, "1.2.3.4, nonsense")], "10.0.0.1"),
        ("10.0.0.1", &[(X, "1.2.3.4, nonsense, 10.0.0.2")], "10.0.0.2"),
        ("10.0.0.1", &[(X, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        ("10.0.0.1", &[("forwarded", "for=6.6.6.6"), (X, "1.2.3.4")], "1.2.3.4"),
    ];
    for (peer, lines, expected) in cases {
        assert_eq!(&origin(ForwardedBy::XForwardedFor, peer, lines), expected, "{peer} {lines:?}");
    }
    let cases: &[(Lines, &str)] = &[
        (&[("forwarded", "for=1.2.3.4;proto=https;by=10.0.0.1")], "1.2.3.4"),
        (&[("forwarded", "for=6.6.6.6, proto=https; For=\"[2001:db8:2::1]:4711\"")], "2001:db8:2::1"),
        (&[("forwarded", "for=6.6.6.6, for=unknown")], "10.0.0.1"),
        (&[("forwarded", "for=6.6.6.6, proto=https")], "10.0.0.1"),
        (&[(X, "6.6.6.6"), ("forwarded", "for=1.2.3.4")], "1.2.3.4"),
    ];
    for (lines, expected) in cases {
        assert_eq!(&origin(ForwardedBy::Forwarded, "10.0.0.1", lines), expected, "{lines:?}");
    }
}

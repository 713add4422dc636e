//! Requests that are made to be read in two ways, to be too much, or to lead elsewhere.

use crate::house::{House, unlimited, yuan};
use edge::Options;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes and reads until the server hangs up.
async fn raw(house: &House, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.base.trim_start_matches("http://")).await.expect("a connection");
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server hung up");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answers in what was read.
fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect()
}

fn refused(text: &str, status: &str, code: &str) {
    assert_eq!(statuses(text), [status], "{text}");
    assert!(text.contains(&format!("\"code\":\"{code}\"")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_hidden_in_another_is_never_answered() {
    let house = House::open().await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = hidden.len() + 5;
    for framing in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
    ] {
        let request = format!("POST /v1/sessions HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        let text = raw(&house, request.as_bytes()).await;
        assert_eq!(statuses(&text).len(), 1, "one answer, and the connection ends: {text}");
    }
    for framing in [
        "content-length: 0\r\ncontent-length: 40",
        "content-length: 4, 40",
        "content-length: +4",
        "content-length: 0x4",
        "content-length: -1",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding : chunked",
        " transfer-encoding: chunked",
        "x: a\r\n transfer-encoding: chunked",
    ] {
        let request = format!("POST /v1/sessions HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        let text = raw(&house, request.as_bytes()).await;
        refused(&text, "400", "malformed_request");
    }
    let twice = "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\nconnection: close";
    let request = format!("POST /v1/sessions HTTP/1.1\r\nhost: x\r\n{twice}\r\n\r\n0\r\n\r\n");
    refused(&raw(&house, request.as_bytes()).await, "400", "malformed_request");
    let old = "POST /v1/sessions HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    refused(&raw(&house, old.as_bytes()).await, "400", "malformed_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_one_host() {
    let house = House::open().await;
    for head in [
        "GET /healthz HTTP/1.1\r\nconnection: close",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: a\r\nhost: b",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: a\r\nhost: a",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: ",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: a b",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: a/b",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: a@b",
        "GET http://evil.example/healthz HTTP/1.1\r\nconnection: close\r\nhost: bank.example",
        "GET http://bank.example@evil.example/healthz HTTP/1.1\r\nconnection: close\r\nhost: bank.example",
        "GET http://bank.example/healthz HTTP/1.1\r\nconnection: close",
    ] {
        refused(&raw(&house, format!("{head}\r\n\r\n").as_bytes()).await, "400", "malformed_request");
    }
    for head in [
        "GET http://Bank.example/healthz HTTP/1.1\r\nconnection: close\r\nhost: bank.example",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: [::1]:8080",
    ] {
        assert_eq!(statuses(&raw(&house, format!("{head}\r\n\r\n").as_bytes()).await), ["200"], "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_meant_to_stand_once_is_refused_twice() {
    let house = House::open().await;
    let person = house.person("@person", 10_000).await;
    let shop = house.shop("Noodles").await;
    let body = json!({"merchant": shop.id, "amount": yuan("1.00")}).to_string();
    let (token, length) = (&person.token, body.len());
    let usual =
        format!("host: x\r\nconnection: close\r\ncontent-length: {length}\r\nauthorization: Bearer {token}\r\n");
    let kind = "content-type: application/json\r\n";
    let cases = [
        (format!("{usual}{kind}idempotency-key: a\r\nidempotency-key: b\r\n"), "400", "idempotency_key_invalid"),
        (format!("{usual}{kind}idempotency-key: a\r\n{kind}"), "400", "malformed_request"),
        (format!("{usual}{kind}idempotency-key: a\r\nauthorization: Bearer x\r\n"), "401", "unauthenticated"),
        (
            format!("{usual}{kind}idempotency-key: a\r\norigin: http://x\r\norigin: null\r\n"),
            "400",
            "malformed_request",
        ),
    ];
    for (headers, status, code) in cases {
        let request = format!("POST /v1/payments HTTP/1.1\r\n{headers}\r\n{body}");
        refused(&raw(&house, request.as_bytes()).await, status, code);
    }
    for query in ["limit=1&limit=2", "limit=1&LIMIT=2", "limit[]=1", "cursor=&cursor=x"] {
        house.get(&format!("/v1/payments?{query}"), token).await.refused(400, "invalid_parameter");
    }
    let twice = format!("{{\"merchant\":\"{0}\",\"merchant\":\"{0}\"}}", shop.id);
    house.post_raw("/v1/payments", token, twice).await.refused(400, "malformed_json");
    assert_eq!(house.posted(&person).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_not_opened() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    for encoding in ["gzip", "deflate", "br", "zstd", "compress", "identity, gzip", "gzip, gzip"] {
        // Small on the wire; what it would become does not matter, because nobody looks.
        let request = house.request(Method::POST, "/v1/aliases", &person.token).header("idempotency-key", house.key());
        let request = request.header("content-type", "application/json").header("content-encoding", encoding);
        let answer = house.send(request.body(&b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"[..])).await;
        answer.refused(415, "unsupported_media_type");
    }
    let request = house.request(Method::POST, "/v1/aliases", &person.token).header("idempotency-key", house.key());
    let plain = request.header("content-encoding", "identity").json(&json!({"alias": "@x_one"}));
    assert_eq!(house.send(plain).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_compressed_since_it_may_hold_a_secret_beside_what_a_stranger_chose() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    for path in ["/", "/openapi.json", "/v1/me", "/nothing"] {
        let ask = house.request(Method::GET, path, &person.token).header("accept-encoding", "gzip, deflate, br, zstd");
        assert_eq!(house.send(ask).await.header("content-encoding"), "", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_climb_lead_nowhere() {
    let house = House::open().await;
    for path in [
        "/docs/../v1/me",
        "/docs/..%2fv1/me",
        "/docs/%2e%2e/v1/me",
        "/docs/../../../../../../etc/passwd",
        "/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/docs/..%252f..%252fetc/passwd",
        "/docs/....//....//etc/passwd",
        "/docs/..\\..\\etc\\passwd",
        "/docs//etc/passwd",
        "/docs/%00",
        "/v1/../metrics",
        "/v1/./me",
        "/v1//me",
        "/v1/me/",
        "/V1/me",
        "//v1/me",
        "/v1/me%2f",
        "/v1/me;x=/docs/",
        "/v1/%6de/",
    ] {
        let text = raw(&house, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await;
        let status = statuses(&text);
        assert!(matches!(status[..], ["400" | "401" | "404"]), "{path}: {text}");
        assert!(!text.contains("root:") && !text.contains("jiaozi_http"), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_what_the_request_line_says() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let request = house.request(Method::GET, "/v1/me", &person.token).header(name, "DELETE");
        assert_eq!(house.send(request).await.status, 200);
        let request = house.request(Method::POST, "/v1/sessions/current?_method=DELETE", &person.token);
        house.send(request.header(name, "DELETE")).await.refused(405, "method_not_allowed");
    }
    assert_eq!(house.get("/v1/me", &person.token).await.status, 200, "the session goes on");
    for method in ["TRACE", "PROPFIND", "FOO"] {
        let request = format!("{method} / HTTP/1.1\r\nhost: x\r\nx-secret: abc\r\nconnection: close\r\n\r\n");
        let text = raw(&house, request.as_bytes()).await;
        refused(&text, "405", "method_not_allowed");
        assert!(!text.contains("abc"), "nothing is echoed: {text}");
    }
    let connect = "CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\nconnection: close\r\n\r\n";
    refused(&raw(&house, connect.as_bytes()).await, "405", "method_not_allowed");
    let upgrade = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n";
    assert_eq!(statuses(&raw(&house, upgrade.as_bytes()).await), ["200"], "no other protocol is taken up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_what_a_stranger_chose_makes_no_header() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let breaks = "%0d%0aset-cookie:%20a=b%0d%0a%0d%0ahello";
    for path in [format!("/{breaks}"), format!("/v1/payments/{breaks}"), format!("/v1/payments?cursor={breaks}")] {
        let answer = house.get(&path, &person.token).await;
        assert!(matches!(answer.status, 400 | 404), "{}", answer.text);
        assert_eq!(answer.header("set-cookie"), "");
    }
    for break_in_head in ["x-request-id: a\rset-cookie: a=b", "x-request-id: a\nset-cookie: a=b", "x-a: a\0b"] {
        let request = format!("GET /v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{break_in_head}\r\n\r\n");
        let text = raw(&house, request.as_bytes()).await;
        let head = text.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        assert!(!head.contains("set-cookie") && statuses(&text).len() == 1, "{text}");
    }
    let ours = house.send(house.request(Method::GET, "/healthz", "").header("x-request-id", "req_theirs")).await;
    assert!(!ours.header("x-request-id").contains("theirs"), "an id is ours and nobody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_addresses_and_bodies_end_somewhere() {
    let house = House::open().await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000));
    refused(&raw(&house, long.as_bytes()).await, "414", "address_too_long");
    let wide = format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: {}\r\n\r\n", "a".repeat(33_000));
    refused(&raw(&house, wide.as_bytes()).await, "431", "head_too_large");
    let person = house.person("@person", 0).await;
    let usual = format!("POST /v1/aliases HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n", person.token);
    let usual = format!("{usual}idempotency-key: k\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let announced = format!("{usual}content-length: 9999999999\r\n\r\n{}", "a".repeat(70_000));
    refused(&raw(&house, announced.as_bytes()).await, "413", "body_too_large");
    let chunk = format!("8000\r\n{}\r\n", "a".repeat(0x8000));
    let chunked = format!("{usual}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(4));
    refused(&raw(&house, chunked.as_bytes()).await, "413", "body_too_large");
    let deep = format!("{{\"alias\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000));
    house.post_raw("/v1/aliases", &person.token, deep).await.refused(400, "body_too_deep");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_drips_is_cut_wherever_it_does() {
    let times = Options { head: Duration::from_millis(400), body: Duration::from_millis(400), ..unlimited() };
    let house = House::with(times).await;
    let address = house.base.trim_start_matches("http://").to_owned();
    let person = house.person("@person", 0).await;
    let head = "GET /healthz HTTP/1.1\r\nhost: x\r\nx-drip: ".to_owned();
    let body = format!(
        "POST /v1/aliases HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: 60000\r\nconnection: close\r\n\r\n{{\"alias\":\"",
        person.token
    );
    for (beginning, answered) in [(head, false), (body, true)] {
        let stream = TcpStream::connect(&address).await.expect("a connection");
        let (mut reading, mut writing) = stream.into_split();
        writing.write_all(beginning.as_bytes()).await.expect("written");
        // One byte after the other, as long as the server takes them.
        let drip = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            loop {
                ticks.tick().await;
                if writing.write_all(b"a").await.is_err() {
                    return;
                }
            }
        });
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the server hung up");
        drip.abort();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(answer.contains("malformed_json"), answered, "{answer}");
    }
}

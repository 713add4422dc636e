//! One client cannot starve the others: rates by address, caller and credential, shares of connections and of requests at once.

use crate::house::{House, PASSWORD, unlimited};
use edge::{Options, Proxies, Rate};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.base.trim_start_matches("http://")).await.expect("a connection")
}

/// Sends bytes and reads what comes of it until the server hangs up.
async fn said(mut stream: TcpStream, request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server hung up");
    String::from_utf8_lossy(&answer).into_owned()
}

const ASK: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn one_address_holds_its_share_of_connections_and_no_more_when_they_are_scarce() {
    // Of forty, half are for anybody; beyond them one address holds eight at most.
    let house = House::with(Options { connections: 40, fair_share: Some(5), ..unlimited() }).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(&house).await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
        assert!(stream.read(&mut [0; 4_096]).await.expect("an answer") > 0, "it is served and stays");
        idle.push(stream);
    }
    assert_eq!(said(connect(&house).await, ASK).await, "", "the next of the same address is hung up on");
    idle.truncate(4);
    let mut served = false;
    for _ in 0..1_000 {
        // As soon as the server has seen the others end.
        served = said(connect(&house).await, ASK).await.starts_with("HTTP/1.1 200");
        if served {
            break;
        }
    }
    assert!(served, "who gives places back is served again");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_proxy_brings_as_many_connections_as_it_has() {
    let trusted = vec!["127.0.0.0/8".parse().expect("a network")];
    let proxies = Proxies { end_tls: true, trusted, ..Proxies::default() };
    let house = House::with(Options { connections: 40, fair_share: Some(5), proxies, ..unlimited() }).await;
    let mut idle = Vec::new();
    for _ in 0..30 {
        let mut stream = connect(&house).await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
        assert!(stream.read(&mut [0; 4_096]).await.expect("an answer") > 0);
        idle.push(stream);
    }
}

/// A request whose body does not come: it is worked on until it does.
async fn begun(house: &House, token: &str, from: &str) -> TcpStream {
    let mut stream = connect(house).await;
    let head = format!(
        "POST /v1/payees/lookup HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nx-forwarded-for: {from}\r\n\
         content-type: application/json\r\ncontent-length: 40\r\nconnection: close\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    // The server asks for the body: the request was let in.
    let mut answer = vec![0; 4_096];
    let count = stream.read(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_and_one_address_have_their_share_of_requests_at_once() {
    let trusted = vec!["127.0.0.1/32".parse().expect("a network")];
    let proxies = Proxies { end_tls: true, trusted, ..Proxies::default() };
    let house = House::with(Options { requests: 16, fair_share: Some(2), proxies, ..unlimited() }).await;
    let (one, two) = (house.person("@one", 0).await, house.person("@two", 0).await);
    let mut held = Vec::new();
    for number in 0..8 {
        held.push(begun(&house, &one.token, &format!("198.51.100.{number}")).await);
    }
    let ask = |token: &str, from: &str| {
        let request = house.request(Method::GET, "/v1/me", token).header("x-forwarded-for", from);
        house.send(request)
    };
    let caller = ask(&one.token, "198.51.100.99").await;
    caller.refused(429, "rate_limited");
    assert_eq!(caller.header("retry-after"), "1");
    assert_eq!(ask(&two.token, "198.51.100.99").await.status, 200, "another caller is served meanwhile");
    let three = house.person("@three", 0).await;
    drop(held);
    let mut again = 0;
    for _ in 0..1_000 {
        again = ask(&one.token, "198.51.100.99").await.status;
        if again == 200 {
            break;
        }
    }
    assert_eq!(again, 200, "who has got his answers is served again");
    let mut held = Vec::new();
    for number in 0..8 {
        let token = if number % 2 == 0 { &one.token } else { &two.token };
        held.push(begun(&house, token, "203.0.113.7").await);
    }
    ask(&three.token, "203.0.113.7").await.refused(429, "rate_limited");
    let probe = house.request(Method::GET, "/readyz", "").header("x-forwarded-for", "203.0.113.7");
    assert_eq!(house.send(probe).await.status, 200, "who watches the server is never turned away");
    assert_eq!(ask(&three.token, "203.0.113.8").await.status, 200, "another address is served meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_credential_has_a_rate_of_its_own_below_the_callers() {
    let rate = |burst| Some(Rate { per_second: 1, burst });
    let options = Options { credential_rate: rate(3), caller_rate: rate(5), ..unlimited() };
    let house = House::with(options).await;
    let person = house.person("@person", 0).await;
    let body = json!({"sign_in": "@person", "password": PASSWORD});
    let second = house.put(Method::POST, "/v1/sessions", "", &body).await.expect(201);
    let second = second["token"].as_str().expect("a token");
    for _ in 0..3 {
        assert_eq!(house.get("/v1/me", &person.token).await.status, 200);
    }
    house.get("/v1/me", &person.token).await.refused(429, "rate_limited");
    for _ in 0..2 {
        assert_eq!(house.get("/v1/me", second).await.status, 200, "her other session goes on");
    }
    house.get("/v1/me", second).await.refused(429, "rate_limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_forwarding_headers_change_nothing() {
    let rate = Some(Rate { per_second: 1, burst: 3 });
    let house = House::with(Options { address_rate: rate, ..unlimited() }).await;
    let ask = |number: u32| {
        let request = house.request(Method::GET, "/", "").header("x-forwarded-for", format!("198.51.100.{number}"));
        let request = request.header("forwarded", format!("for=198.51.100.{number}"));
        house.send(request.header("x-real-ip", format!("198.51.100.{number}")))
    };
    for number in 0..3 {
        assert_eq!(ask(number).await.status, 200);
    }
    ask(3).await.refused(429, "rate_limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_proxy_is_believed_for_the_hop_that_it_saw_itself() {
    let rate = Some(Rate { per_second: 1, burst: 2 });
    let trusted = vec!["127.0.0.1/32".parse().expect("a network")];
    let proxies = Proxies { end_tls: true, trusted, ..Proxies::default() };
    let house = House::with(Options { address_rate: rate, proxies, ..unlimited() }).await;
    let ask = |hops: String| house.send(house.request(Method::GET, "/", "").header("x-forwarded-for", hops));
    assert_eq!(ask("203.0.113.9".to_owned()).await.status, 200);
    assert_eq!(ask("203.0.113.9".to_owned()).await.status, 200);
    // What stands left of it, the client has written.
    for forged in ["1.2.3.4, 203.0.113.9", "203.0.113.10,203.0.113.9", "10.0.0.1, 203.0.113.9:4711"] {
        ask(forged.to_owned()).await.refused(429, "rate_limited");
    }
    assert_eq!(ask("203.0.113.9, 203.0.113.10".to_owned()).await.status, 200, "another client");
    let other = house.request(Method::GET, "/", "").header("x-forwarded-for", "203.0.113.9");
    house.send(other.header("forwarded", "for=198.51.100.1")).await.refused(429, "rate_limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut() {
    let house = House::with(Options { taking: Duration::from_millis(300), ..unlimited() }).await;
    // More than the buffers of both sides hold, asked for again and again and never read.
    let address = house.base.trim_start_matches("http://");
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let mut stream = socket.connect(address.parse().expect("an address")).await.expect("a connection");
    let ask = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20);
    let mut cut = false;
    for _ in 0..100_000 {
        let written = tokio::time::timeout(Duration::from_secs(10), stream.write_all(ask.as_bytes())).await;
        if written.is_ok_and(|written| written.is_err()) {
            cut = true;
            break;
        }
    }
    assert!(cut, "the server hung up");
    // The place is free again, and others are served.
    assert_eq!(house.get("/healthz", "").await.status, 200);
}

//! The way in: methods, paths, headers, rates, panics, slow and many clients, the end.

use crate::house::{House, PASSWORD};
use edge::{Options, Rate};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_problems() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    house.get("/nothing", &person.token).await.refused(404, "not_found");
    house.get("/v1/nothing", &person.token).await.refused(404, "not_found");
    house.get("/v1/nothing", "").await.refused(401, "unauthenticated");
    let answer = house.delete("/v1/transfers", &person.token).await;
    answer.refused(405, "method_not_allowed");
    assert!(answer.header("allow").contains("POST"), "{:?}", answer.headers);
    house.get("/v1/sessions/refresh", "").await.refused(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_and_the_headers_of_caution() {
    let house = House::open().await;
    for path in ["/", "/docs/errors", "/healthz", "/v1/me", "/nothing"] {
        let answer = house.get(path, "").await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    let answer = house.get("/v1/me", "").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_wait() {
    let rate = Some(Rate { per_second: 1, burst: 3 });
    let house = House::with(Options { address_rate: rate, ..Options::default() }).await;
    for _ in 0..3 {
        assert_eq!(house.get("/", "").await.status, 200);
    }
    let answer = house.get("/", "").await;
    answer.refused(429, "rate_limited");
    assert_eq!(house.get("/healthz", "").await.status, 200, "who watches the server is never turned away");
    assert_eq!(house.get("/readyz", "").await.status, 200);
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    house.world.clock.advance(2);
    assert_eq!(house.get("/", "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_failed_sign_ins_wait_even_with_the_right_password() {
    let house = House::open().await;
    house.person("@person", 0).await;
    let wrong = json!({"sign_in": "@person", "password": "not the password"});
    let mut last = house.put(Method::POST, "/v1/sessions", "", &wrong).await;
    last.refused(401, "invalid_credentials");
    for _ in 0..20 {
        if last.code() == "too_many_attempts" {
            break;
        }
        last = house.put(Method::POST, "/v1/sessions", "", &wrong).await;
    }
    last.refused(429, "too_many_attempts");
    assert!(!last.header("retry-after").is_empty());
    let right = json!({"sign_in": "@person", "password": PASSWORD});
    house.put(Method::POST, "/v1/sessions", "", &right).await.refused(429, "too_many_attempts");
    house.world.clock.advance(3_600);
    assert_eq!(house.put(Method::POST, "/v1/sessions", "", &right).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_is_hung_up_on() {
    let options = Options { head: Duration::from_millis(200), ..Options::default() };
    let house = House::with(options).await;
    let mut stream = TcpStream::connect(house.base.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").await.expect("written");
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the server hung up");
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_refused() {
    let options = Options { body: Duration::from_millis(200), ..Options::default() };
    let house = House::with(options).await;
    let mut stream = TcpStream::connect(house.base.trim_start_matches("http://")).await.expect("a connection");
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut buffer = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
    let count = read.expect("in time").expect("an answer");
    let text = String::from_utf8_lossy(&buffer[..count]);
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("malformed_json"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_clients_than_places_wait_and_are_served() {
    let house = House::with(Options { connections: 2, address_rate: None, ..Options::default() }).await;
    let all = (0..20).map(|_| async {
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        client.get(format!("{}/healthz", house.base)).send().await.expect("an answer").status().as_u16()
    });
    assert!(futures::future::join_all(all).await.iter().all(|status| *status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_chosen_by_host_and_do_not_see_each_other() {
    use api::{Api, Metrics};
    use bank::testing::TestBank;
    use edge::{Edge, Tenants};
    let (first, second) = (TestBank::new(), TestBank::new());
    let tenants = Tenants::only(first.bank.clone()).with("Second.example", second.bank.clone());
    let clock = std::sync::Arc::clone(&first.clock) as std::sync::Arc<dyn vocabulary::Clock>;
    let edge = Edge::new(Options::default(), tenants, Api::new().routes(Metrics::default()), clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(edge::serve(edge, listener, async {
        let _ = stopped.await;
    }));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let new = json!({"sign_in": "@person", "display_name": "Person", "password": PASSWORD, "currencies": ["CNY"]});
    let register = |host: &'static str, key: &'static str| {
        let request = client.post(format!("{base}/v1/customers")).header("host", host).header("idempotency-key", key);
        request.json(&new).send()
    };
    assert_eq!(register("first.example", "k").await.expect("an answer").status(), 201);
    assert_eq!(register("first.example:80", "k2").await.expect("an answer").status(), 409, "customer_exists");
    let second_answer = register("second.EXAMPLE:8080", "k").await.expect("an answer");
    assert_eq!(second_answer.status(), 201, "another bank knows nothing of it");
    let sign_in = json!({"sign_in": "@person", "password": PASSWORD});
    let session: serde_json::Value = client
        .post(format!("{base}/v1/sessions"))
        .json(&sign_in)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let token = session["token"].as_str().expect("a token").to_owned();
    let elsewhere = client.get(format!("{base}/v1/me")).header("host", "second.example").bearer_auth(&token);
    assert_eq!(elsewhere.send().await.expect("an answer").status(), 401, "a session is good at its own bank only");
    drop(stop);
    let ended = tokio::time::timeout(Duration::from_secs(20), served).await;
    assert!(ended.is_ok(), "the server drains and stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_problem_and_the_others_are_served() {
    use axum::Router;
    use axum::routing::get;
    use bank::testing::TestBank;
    use edge::{Edge, Routes, Tenants};
    let world = TestBank::new();
    let clock = std::sync::Arc::clone(&world.clock) as std::sync::Arc<dyn vocabulary::Clock>;
    let router = Router::new()
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("a mistake")
                }
            }),
        )
        .route("/fine", get(|| async {}));
    let routes =
        Routes { router: router.fallback(edge::not_found), open: |_| true, still: |_| false, probe: |_| false };
    let edge = Edge::new(Options::default(), Tenants::only(world.bank.clone()), routes, clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(edge::serve(edge, listener, std::future::pending()));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{base}/panic")).send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].as_bytes()),
        (500, b"application/problem+json".as_slice())
    );
    let problem: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "internal");
    assert!(!problem.to_string().contains("mistake,"), "nothing of the inside is told");
    assert_eq!(client.get(format!("{base}/fine")).send().await.expect("an answer").status(), 200);
}

/// Sends bytes and reads until the server hangs up.
async fn raw(house: &House, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.base.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(request).await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server hung up");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answer is one whole problem.
fn is_problem(text: &str, status: u16, code: &str) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
    let header = |name: &str| {
        head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
    };
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("content-length"), body.len().to_string());
    assert_eq!(header("connection"), "close");
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((body["code"].as_str(), body["status"].as_u64()), (Some(code), Some(u64::from(status))));
    assert!(!header("x-request-id").is_empty() && body["request_id"] == header("x-request-id"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_with_a_problem_too() {
    let house = House::with(Options { address_rate: None, ..Options::default() }).await;
    for broken in [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    ] {
        is_problem(&raw(&house, broken.as_bytes()).await, 400, "malformed_request");
    }
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    is_problem(&raw(&house, format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).await, 431, "head_too_large");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(65_535));
    is_problem(&raw(&house, long.as_bytes()).await, 414, "address_too_long");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_request_after_a_good_one_is_refused_with_a_problem_and_ours_stay_as_they_are() {
    let house = House::with(Options { address_rate: None, ..Options::default() }).await;
    let mut stream = TcpStream::connect(house.base.trim_start_matches("http://")).await.expect("a connection");
    for path in ["/healthz", "/v1/me", "/nowhere"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut text = String::new();
        let mut buffer = vec![0; 4_096];
        // One answer each, as long as it says.
        loop {
            let count = stream.read(&mut buffer).await.expect("an answer");
            assert!(count > 0, "the connection stays: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            let whole = text.split_once("\r\n\r\n").and_then(|(head, body)| {
                let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "))?;
                Some(body.len() == length.parse::<usize>().ok()?)
            });
            if whole == Some(true) {
                break;
            }
        }
        assert!(text.contains("x-request-id") && !text.contains("malformed_request"), "{text}");
    }
    stream.write_all(b"nonsense\r\n\r\n").await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an end");
    is_problem(&String::from_utf8_lossy(&answer), 400, "malformed_request");
}

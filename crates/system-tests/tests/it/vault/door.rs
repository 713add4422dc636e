//! The vault's way in: who may ask what, bounds, rates, browsers.

use super::{PAN, Vaulted};
use card_vault::HttpOptions;
use formats::card_link::LinkSecret;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_asks_nobody_else_may() {
    let world = Vaulted::open().await;
    let person = world.house.person("@li_na", 0).await;
    let token = world.token(&person, PAN).await;
    let question = json!({"token": token, "owner": person.customer});
    for path in ["/internal/cards/describe", "/internal/cards/destroy"] {
        world.post(path, &question).await.refused(401, "unauthenticated");
        let other = LinkSecret::new([6; 32]).bearer();
        for bearer in ["", "jzv_", person.token.as_str(), other.expose().as_str()] {
            let request = world.house.client.post(format!("{}{path}", world.base)).bearer_auth(bearer).json(&question);
            world.house.send(request).await.refused(401, "unauthenticated");
        }
    }
    let bearer = LinkSecret::new([5; 32]).bearer();
    let ask = async |body: serde_json::Value| {
        let url = format!("{}/internal/cards/describe", world.base);
        world.house.send(world.house.client.post(url).bearer_auth(bearer.expose()).json(&body)).await
    };
    assert_eq!(ask(question).await.expect(200)["last4"], "1234");
    let stranger = world.house.person("@wang", 0).await.customer;
    ask(json!({"token": token, "owner": stranger})).await.refused(404, "card_not_found");
    ask(json!({"token": token, "owner": stranger, "number": true})).await.refused(400, "malformed_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_nothing_and_every_answer_is_cautious() {
    let world = Vaulted::open().await;
    let get = async |method: Method, path: &str| {
        world.house.send(world.house.client.request(method, format!("{}{path}", world.base))).await
    };
    for path in ["/", "/v1", "/v1/cards/ctk_1", "/v1/keys/", "/internal/cards", "/metrics", "/v1/cards?number=1"] {
        let answer = get(Method::GET, path).await;
        assert!(matches!(answer.status, 404 | 405), "{path}");
    }
    get(Method::DELETE, "/v1/cards").await.refused(405, "method_not_allowed");
    get(Method::GET, "/internal/cards/describe").await.refused(405, "method_not_allowed");
    for path in ["/v1/keys", "/healthz", "/nothing"] {
        let answer = get(Method::GET, path).await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
        assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_json_bounded_and_closed() {
    let world = Vaulted::open().await;
    let url = format!("{}/v1/cards", world.base);
    let post = async |kind: &str, body: String| {
        let request = world.house.client.post(&url).header("content-type", kind).body(body);
        world.house.send(request).await
    };
    post("text/plain", "{}".to_owned()).await.refused(415, "unsupported_media_type");
    post("application/json", "{".to_owned()).await.refused(400, "malformed_json");
    post("application/json", r#"{"ticket":"a","card":"b","x":1}"#.to_owned()).await.refused(400, "malformed_json");
    let answer = post("application/json", format!(r#"{{"number":"{PAN}"}}"#)).await;
    answer.refused(400, "malformed_json");
    assert!(!answer.text.contains("4000"), "a number sent in the clear is not sent back: {}", answer.text);
    let large = json!({"ticket": "a", "card": "b".repeat(20_000)}).to_string();
    post("application/json", large).await.refused(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_listed_origins_may_ask_and_no_others() {
    let origins = vec!["https://wallet.example.com".to_owned()];
    let world = Vaulted::with(HttpOptions { origins, address_rate: None, ..HttpOptions::default() }).await;
    let ask = async |method: Method, path: &str, origin: &str| {
        let request = world.house.client.request(method, format!("{}{path}", world.base)).header("origin", origin);
        world.house.send(request.header("access-control-request-method", "POST")).await
    };
    let allowed = ask(Method::OPTIONS, "/v1/cards", "https://wallet.example.com").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, "https://wallet.example.com"));
    assert_eq!(allowed.header("access-control-allow-headers"), "content-type");
    assert_eq!(allowed.header("vary"), "Origin");
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    for origin in
        ["https://evil.example.com", "https://wallet.example.com.evil.com", "null", "http://wallet.example.com"]
    {
        for (method, path) in [(Method::OPTIONS, "/v1/cards"), (Method::GET, "/v1/keys")] {
            let answer = ask(method, path, origin).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        }
    }
    let bank = ask(Method::OPTIONS, "/internal/cards/describe", "https://wallet.example.com").await;
    assert_eq!((bank.status, bank.header("access-control-allow-origin")), (405, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_waits_but_the_bank_does_not() {
    let world = Vaulted::with(HttpOptions { address_rate: Some(1), ..HttpOptions::default() }).await;
    let keys = async || world.house.send(world.house.client.get(format!("{}/v1/keys", world.base))).await;
    for _ in 0..10 {
        assert_eq!(keys().await.status, 200);
    }
    let answer = keys().await;
    answer.refused(429, "rate_limited");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    let url = format!("{}/internal/cards/destroy", world.base);
    let question = json!({"token": "ctk_06f5t2c9wk7v1xq4mz8rhd3bne", "owner": "cus_06f5t2c9wk7v1xq4mz8rhd3bne"});
    let bearer = LinkSecret::new([5; 32]).bearer();
    let asked = world.house.client.post(url).bearer_auth(bearer.expose()).json(&question);
    assert_eq!(world.house.send(asked).await.status, 204);
    world.house.world.clock.advance(2);
    assert_eq!(keys().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut() {
    let short = Duration::from_millis(200);
    let world = Vaulted::with(HttpOptions { head: short, body: short, ..HttpOptions::default() }).await;
    let whole = "POST /v1/cards HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{";
    for (text, expected) in [("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ", ""), (whole, "HTTP/1.1 400")] {
        let mut stream = TcpStream::connect(world.base.trim_start_matches("http://")).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the vault hung up");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(expected) && !answer.contains("200 OK"), "{answer}");
    }
}

//! `/v1/webhooks`: signed messages that arrive, are tried again, resent and replayed.

use crate::house::{House, Shop, yuan};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bank::webhooks::{self, WebhookSender};
use formats::standard_webhooks::{Headers, SigningSecret, verify};
use rails::{HttpWebhookSender, Reach};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Received {
    messages: Mutex<Vec<(HeaderMap, String)>>,
    status: AtomicU16,
}

impl Received {
    fn count(&self) -> usize {
        self.messages.lock().expect("a lock").len()
    }

    fn last(&self) -> (HeaderMap, String) {
        self.messages.lock().expect("a lock").last().expect("a message").clone()
    }
}

/// A receiver on a loopback port that answers what it is told.
async fn receiver() -> (String, Arc<Received>) {
    let received = Arc::new(Received::default());
    received.status.store(200, Ordering::SeqCst);
    let kept = Arc::clone(&received);
    let router = Router::new().route(
        "/hooks",
        post(move |headers: HeaderMap, body: String| async move {
            kept.messages.lock().expect("a lock").push((headers, body));
            StatusCode::from_u16(kept.status.load(Ordering::SeqCst)).expect("a status")
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn sender() -> Arc<dyn WebhookSender> {
    Arc::new(HttpWebhookSender::new(Reach::Loopback, Duration::from_secs(5)).expect("a sender"))
}

async fn sold(house: &House, shop: &Shop) {
    let payer = house.person(&format!("@payer_{}", house.key().replace("key-", "no")), 10_000).await;
    let pay = json!({"merchant": shop.id, "amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
}

async fn round(house: &House) -> usize {
    webhooks::round(&house.world.bank, &sender()).await.expect("a round")
}

async fn hooked(house: &House, shop: &Shop, url: &str) -> Value {
    let new = json!({"url": url, "types": ["payment.*"]});
    house.post("/v1/webhooks", &shop.token, &new).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_signed_and_says_what_happened() {
    let house = House::open().await;
    let (shop, (url, received)) = (house.shop("Noodles").await, receiver().await);
    let hook = hooked(&house, &shop, &url).await;
    sold(&house, &shop).await;
    assert_eq!(round(&house).await, 1);
    let (headers, body) = received.last();
    let header = |name: &str| headers[name].to_str().expect("a text");
    let secret = SigningSecret::parse(hook["secret"].as_str().expect("a secret")).expect("a secret");
    let given = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    assert_eq!(verify(&[secret], given, body.as_bytes(), house.world.bank.now()), Ok(()));
    let event: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(event["type"], "payment.succeeded");
    let pulled = house.get("/v1/events?limit=500", &shop.token).await.expect(200);
    assert!(pulled["data"].as_array().expect("rows").contains(&event), "the same object is pulled");
    assert_eq!(round(&house).await, 0, "once is enough");
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().expect("an id"));
    assert!(house.get(&path, &shop.token).await.expect(200)["secret"].is_null(), "the secret is shown once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_is_tried_again_for_three_days_and_then_given_up() {
    let house = House::open().await;
    let (shop, (url, received)) = (house.shop("Noodles").await, receiver().await);
    let hook = hooked(&house, &shop, &url).await;
    received.status.store(503, Ordering::SeqCst);
    sold(&house, &shop).await;
    let begun = house.world.bank.now();
    let mut attempts = 0;
    for _ in 0..2_000 {
        attempts += round(&house).await;
        if attempts == 10 {
            break;
        }
        house.world.clock.advance(300);
    }
    let hours = (house.world.bank.now().micros() - begun.micros()) / 3_600_000_000;
    assert!(attempts == 10 && (60..=73).contains(&hours), "{attempts} attempts in {hours} hours");
    let path = format!("/v1/webhooks/{}/deliveries", hook["id"].as_str().expect("an id"));
    let log = house.get(&path, &shop.token).await.expect(200);
    let row = &log["data"][0];
    assert_eq!((&row["state"], &row["attempts"]), (&json!("given_up"), &json!(10)));
    assert_eq!(row["last_status"], 503);
    house.world.clock.advance(10 * 86_400);
    assert_eq!(round(&house).await, 0);

    received.status.store(204, Ordering::SeqCst);
    let first_id = received.last().0["webhook-id"].clone();
    let resend = format!("/v1/webhook-deliveries/{}/resend", row["id"].as_str().expect("an id"));
    house.post(&resend, &shop.token, &json!({})).await.expect(200);
    assert_eq!(round(&house).await, 1);
    assert_eq!(received.last().0["webhook-id"], first_id, "the message keeps its id");
    assert_eq!(house.get(&path, &shop.token).await.expect(200)["data"][0]["state"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_since_an_event_is_sent_again() {
    let house = House::open().await;
    let (shop, (url, received)) = (house.shop("Noodles").await, receiver().await);
    let hook = hooked(&house, &shop, &url).await;
    for _ in 0..2 {
        sold(&house, &shop).await;
    }
    assert_eq!(round(&house).await, 2);
    let path = format!("/v1/webhooks/{}/replay", hook["id"].as_str().expect("an id"));
    house.post(&path, &shop.token, &json!({"after": 0})).await.expect(200);
    assert_eq!(round(&house).await, 2);
    assert_eq!(received.count(), 4);
    house.post(&path, &shop.token, &json!({"after": 1_000_000})).await.refused(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_overlaps_and_a_disabled_endpoint_is_silent() {
    let house = House::open().await;
    let (shop, (url, received)) = (house.shop("Noodles").await, receiver().await);
    let hook = hooked(&house, &shop, &url).await;
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().expect("an id"));
    let rotated = house.post(&format!("{path}/rotate"), &shop.token, &json!({})).await.expect(200);
    assert_ne!(rotated["secret"], hook["secret"]);
    sold(&house, &shop).await;
    round(&house).await;
    let signatures = |headers: &HeaderMap| headers["webhook-signature"].to_str().expect("a text").split(' ').count();
    assert_eq!(signatures(&received.last().0), 2, "both secrets sign");
    house.world.clock.advance(86_401);
    sold(&house, &shop).await;
    round(&house).await;
    assert_eq!(signatures(&received.last().0), 1, "a day later only the new one");
    house.put(Method::PATCH, &path, &shop.token, &json!({"enabled": false})).await.expect(200);
    sold(&house, &shop).await;
    assert_eq!(round(&house).await, 0);
    house.post(&format!("{path}/replay"), &shop.token, &json!({"after": 0})).await.refused(409, "webhook_disabled");
    assert_eq!(house.delete(&path, &shop.token).await.status, 204);
    house.get(&path, &shop.token).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_not_bothered_again_and_a_redirect_is_not_followed() {
    let house = House::open().await;
    let (shop, (url, received)) = (house.shop("Noodles").await, receiver().await);
    let hook = hooked(&house, &shop, &url).await;
    received.status.store(308, Ordering::SeqCst);
    sold(&house, &shop).await;
    assert_eq!((round(&house).await, received.count()), (1, 1));
    received.status.store(410, Ordering::SeqCst);
    house.world.clock.advance(10);
    assert_eq!(round(&house).await, 1);
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().expect("an id"));
    assert_eq!(house.get(&path, &shop.token).await.expect(200)["enabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_inside_are_refused_and_endpoints_are_ones_own() {
    let house = House::open().await;
    let (shop, other) = (house.shop("Noodles").await, house.shop("Dumplings").await);
    for url in
        ["http://example.com/x", "https://10.0.0.1/x", "https://169.254.169.254/", "https://x.internal/", "nonsense"]
    {
        let answer = house.post("/v1/webhooks", &shop.token, &json!({"url": url})).await;
        answer.refused(422, "webhook_url_refused");
    }
    let bad = json!({"url": "https://example.com/x", "types": ["Not A Type"]});
    house.post("/v1/webhooks", &shop.token, &bad).await.refused(422, "invalid_field");
    let hook = house.post("/v1/webhooks", &shop.token, &json!({"url": "https://example.com/x"})).await.expect(201);
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().expect("an id"));
    house.get(&path, &other.token).await.refused(404, "not_found");
    house.get(&format!("{path}/deliveries"), &other.token).await.refused(404, "not_found");
    house.delete(&path, &other.token).await.refused(404, "not_found");
    assert_eq!(house.get("/v1/webhooks", &other.token).await.expect(200)["data"], json!([]));
}

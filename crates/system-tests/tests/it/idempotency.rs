//! Retries: a wish acts at most once, whatever happens to its answer.

use crate::house::{House, yuan};
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_gives_the_stored_answer() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    let first = house.post_under("k1", "/v1/payments", &payer.token, &body).await;
    let again = house.post_under("k1", "/v1/payments", &payer.token, &body).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", first.text);
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(first.body, again.body);
    assert_eq!(house.posted(&payer).await, "75.00", "it was paid once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_body_is_refused() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    house.post_under("k1", "/v1/payments", &payer.token, &body).await.expect(201);
    let other = json!({"merchant": shop.id, "amount": yuan("26.00")});
    let answer = house.post_under("k1", "/v1/payments", &payer.token, &other).await;
    answer.refused(422, "idempotency_key_reused");
    assert_eq!(house.posted(&payer).await, "75.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_stored_too() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 1_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    house.post_under("k1", "/v1/payments", &payer.token, &body).await.refused(409, "insufficient_funds");
    house.fund(&payer, 10_000);
    let again = house.post_under("k1", "/v1/payments", &payer.token, &body).await;
    again.refused(409, "insufficient_funds");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(house.posted(&payer).await, "110.00", "a late retry does not pay");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requests_at_once_under_one_key_pay_once() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    let all = (0..200).map(|_| house.post_under("k1", "/v1/payments", &payer.token, &body));
    let answers = join_all(all).await;
    let paid: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    let fresh = paid.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count();
    assert_eq!(fresh, 1, "exactly one of them acted");
    for answer in &answers {
        assert!(answer.status == 201 || answer.code() == "idempotency_in_flight", "{}", answer.text);
        assert!(answer.status != 201 || answer.body["id"] == paid[0].body["id"]);
    }
    assert_eq!(house.posted(&payer).await, "75.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_different_people_and_operations_do_not_meet() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 10_000).await, house.person("@two", 10_000).await);
    let shop = house.shop("Noodles").await;
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    for person in [&one, &two] {
        let answer = house.post_under("k1", "/v1/payments", &person.token, &body).await;
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (201, ""), "{}", answer.text);
    }
    let alias = json!({"alias": "@another"});
    assert_eq!(house.post_under("k1", "/v1/aliases", &one.token, &alias).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_needed_and_must_be_usable() {
    let house = House::open().await;
    let payer = house.person("@payer", 0).await;
    let body = json!({"alias": "@payer_too"});
    let without = house.put(Method::POST, "/v1/aliases", &payer.token, &body).await;
    without.refused(400, "idempotency_key_missing");
    let long = "k".repeat(256);
    for key in ["", "two words", "schl\u{fc}ssel", long.as_str()] {
        let request = house.request(Method::POST, "/v1/aliases", &payer.token).json(&body);
        let answer = house.send(request.header("idempotency-key", key.as_bytes())).await;
        answer.refused(400, "idempotency_key_invalid");
    }
    assert_eq!(house.get("/v1/aliases", &payer.token).await.expect(200)["data"], json!([]));
}

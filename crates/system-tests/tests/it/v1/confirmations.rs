//! `/v1/confirmations`, `/v1/me/small-payments`

use super::factors::PIN;
use crate::house::{Answer, House, PASSWORD, Person, yuan};
use reqwest::Method;
use serde_json::{Value, json};

/// A person with 5,000.00 who set a PIN more than a day ago.
async fn with_pin(house: &House, name: &str) -> Person {
    let person = house.person(name, 500_000).await;
    let body = json!({"pin": "739164", "proof": {"password": PASSWORD}});
    house.put(Method::PUT, PIN, &person.token, &body).await.expect(200);
    house.world.clock.advance(24 * 3600);
    house.again(&person, name).await
}

async fn pay(house: &House, token: &str, body: &Value, confirmation: &str) -> Answer {
    let request = house.request(Method::POST, "/v1/payments", token).header("idempotency-key", house.key());
    let request = if confirmation.is_empty() { request } else { request.header("confirmation", confirmation) };
    house.send(request.json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_small_goes_out_once_as_it_was_confirmed() {
    let house = House::open().await;
    let (ann, shop) = (with_pin(&house, "ann@example.com").await, house.shop("Tea House").await);
    let of = |amount: &str| json!({"merchant": shop.id, "amount": yuan(amount)});
    let own = json!({"each": yuan("50.00")});
    house.put(Method::PUT, "/v1/me/small-payments", &ann.token, &own).await.expect(200);
    let small = pay(&house, &ann.token, &of("50.00"), "").await;
    assert_eq!(small.status, 201, "{}", small.text);
    let key = house.key();
    let asked = house.post_under(&key, "/v1/payments", &ann.token, &of("50.01")).await;
    asked.refused(403, "step_up_required");
    let what = &asked.body["confirmation"];
    assert_eq!(
        (&what["payee"], &what["amount"], &what["reason"]),
        (&json!("Tea House"), &yuan("50.01"), &json!("amount"))
    );
    let again = house.post_under(&key, "/v1/payments", &ann.token, &of("50.01")).await;
    assert_eq!(again.body["confirmation"]["id"], what["id"], "a retry is answered the same");
    let id = what["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/confirmations/{id}");
    assert_eq!(house.get(&path, &ann.token).await.expect(200)["state"], "asked");
    let bob = house.person("bob@example.com", 0).await;
    house.get(&path, &bob.token).await.refused(404, "not_found");
    let proof = |pin: &str| json!({"proof": {"pin": pin}});
    house.put(Method::POST, &path, &bob.token, &proof("739164")).await.refused(404, "not_found");
    house.put(Method::POST, &path, &ann.token, &proof("905853")).await.refused(403, "factor_wrong");
    assert_eq!(house.put(Method::POST, &path, &ann.token, &proof("739164")).await.expect(200)["state"], "confirmed");
    pay(&house, &ann.token, &of("50.02"), &id).await.refused(409, "confirmation_not_valid");
    let other = house.shop("Noodles").await;
    let elsewhere = json!({"merchant": other.id, "amount": yuan("50.01")});
    pay(&house, &ann.token, &elsewhere, &id).await.refused(409, "confirmation_not_valid");
    assert_eq!(house.posted(&ann).await, "4950.00");
    assert_eq!(pay(&house, &ann.token, &of("50.01"), &id).await.status, 201);
    pay(&house, &ann.token, &of("50.01"), &id).await.refused(409, "confirmation_not_valid");
    assert_eq!(house.posted(&ann).await, "4899.99");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_unconfirmed_goes_down_at_once_and_up_with_a_factor() {
    let house = House::open().await;
    let (ann, shop) = (with_pin(&house, "ann@example.com").await, house.shop("Tea House").await);
    let path = "/v1/me/small-payments";
    let shown = house.get(&format!("{path}?currency=CNY"), &ann.token).await.expect(200);
    assert_eq!((&shown["each"], &shown["left"]), (&yuan("200.00"), &yuan("800.00")));
    let down = json!({"each": yuan("0.00")});
    assert_eq!(house.put(Method::PUT, path, &ann.token, &down).await.expect(200)["each"], yuan("0.00"));
    let cent = json!({"merchant": shop.id, "amount": yuan("0.01")});
    pay(&house, &ann.token, &cent, "").await.refused(403, "step_up_required");
    let up = |proof: Value| json!({"each": yuan("200.00"), "proof": proof});
    house.put(Method::PUT, path, &ann.token, &json!({"each": yuan("1.00")})).await.refused(422, "missing_field");
    house.put(Method::PUT, path, &ann.token, &up(json!({"pin": "905853"}))).await.refused(403, "factor_wrong");
    house.put(Method::PUT, path, &ann.token, &up(json!({"pin": "739164"}))).await.expect(200);
    let more = json!({"each": yuan("200.01"), "proof": {"pin": "739164"}});
    house.put(Method::PUT, path, &ann.token, &more).await.refused(409, "limit_exceeded");
    assert_eq!(pay(&house, &ann.token, &cent, "").await.status, 201);
}

//! `/v1/wallet`, `/v1/limits`

use crate::house::{House, yuan};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_opens_one_account_in_each_currency() {
    let house = House::open().await;
    let person = house.person("@person", 1_234).await;
    let wallet = house.get("/v1/wallet", &person.token).await.expect(200);
    assert_eq!(wallet["accounts"][0]["available"], yuan("12.34"));
    let opened = house.post("/v1/wallet/accounts", &person.token, &json!({"currency": "JPY"})).await.expect(201);
    assert_eq!(opened["currency"], "JPY");
    let again = house.post("/v1/wallet/accounts", &person.token, &json!({"currency": "JPY"})).await;
    again.refused(409, "wallet_currency_exists");
    let unknown = house.post("/v1/wallet/accounts", &person.token, &json!({"currency": "XYZ"})).await;
    unknown.refused(422, "currency_unknown");
    let wallet = house.get("/v1/wallet", &person.token).await.expect(200);
    assert_eq!(wallet["accounts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_ones_own_refuses_says_what_is_left_and_when_it_resets() {
    let house = House::open().await;
    let (person, shop) = (house.person("@person", 10_000).await, house.shop("Noodles").await);
    let own = json!({"currency": "CNY", "limits": {"out_day": yuan("20.00")}});
    house.put(Method::PUT, "/v1/limits", &person.token, &own).await.expect(200);
    let pay = |amount: &str| json!({"merchant": shop.id, "amount": yuan(amount)});
    house.post("/v1/payments", &person.token, &pay("15.00")).await.expect(201);
    let answer = house.post("/v1/payments", &person.token, &pay("6.00")).await;
    answer.refused(409, "limit_exceeded");
    let limit = &answer.body["limit"];
    assert_eq!((&limit["window"], &limit["direction"]), (&json!("day"), &json!("out")));
    assert_eq!((&limit["limit"], &limit["left"]), (&yuan("20.00"), &yuan("5.00")));
    assert_eq!(limit["resets_at"], "2026-11-23T16:00:00Z", "midnight in Shanghai");
    assert_eq!(house.posted(&person).await, "85.00");
    house.world.clock.advance(86_400);
    let person = house.again(&person, "@person").await;
    house.post("/v1/payments", &person.token, &pay("6.00")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_ones_own_are_in_their_own_currency() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let body = json!({"currency": "CNY", "limits": {"out_day": {"amount": "20.00", "currency": "EUR"}}});
    let answer = house.put(Method::PUT, "/v1/limits", &person.token, &body).await;
    answer.refused(409, "currency_mismatch");
    let limits = house.get("/v1/limits", &person.token).await.expect(200);
    assert!(limits["data"].as_array().is_some_and(|rows| rows.len() >= 2), "{limits}");
}

//! `/v1/customers`, `/v1/sessions`, `/v1/me`

use crate::house::{House, PASSWORD};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_registers_signs_in_and_sees_herself() {
    let house = House::open().await;
    let person = house.person("li@example.com", 0).await;
    let me = house.get("/v1/me", &person.token).await.expect(200);
    assert_eq!(me["id"], person.customer.as_str());
    assert_eq!(me["wallet"], person.wallet.as_str());
    assert_eq!(me["sign_in"], "li@example.com");
    assert_eq!(me["tier"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_once_and_a_password_must_be_strong() {
    let house = House::open().await;
    house.person("@person", 0).await;
    let new = |sign_in: &str, password: &str, currency: &str| json!({"sign_in": sign_in, "display_name": "A", "password": password, "currencies": [currency]});
    let post = async |body| house.post("/v1/customers", "", &body).await;
    post(new("@person", PASSWORD, "CNY")).await.refused(409, "customer_exists");
    post(new("@other", "short", "CNY")).await.refused(422, "password_too_weak");
    post(new("@other", PASSWORD, "XXX")).await.refused(422, "currency_unknown");
    post(new("@other", PASSWORD, "USD")).await.refused(422, "currency_unknown");
    post(new("no name at all", PASSWORD, "CNY")).await.refused(422, "alias_invalid");
    let answer = house.put(Method::POST, "/v1/sessions", "", &json!({"sign_in": "@other", "password": PASSWORD})).await;
    answer.refused(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_time() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    house.world.clock.advance(400 * 86_400);
    house.get("/v1/me", &person.token).await.refused(401, "unauthenticated");
}

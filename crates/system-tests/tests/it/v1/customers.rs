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

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changes_with_the_present_one_and_signs_everybody_else_out() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let other = house.again(&person, "@person").await;
    let put = async |token: &str, current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        house.put(Method::PUT, "/v1/me/password", token, &body).await
    };
    let new = "another long password";
    put("", PASSWORD, new).await.refused(401, "unauthenticated");
    put(&person.token, PASSWORD, "short").await.refused(422, "password_too_weak");
    put(&person.token, "a wrong long password", new).await.refused(401, "invalid_credentials");
    assert_eq!(house.get("/v1/me", &other.token).await.status, 200, "a refusal ends nothing");
    assert_eq!(put(&person.token, PASSWORD, new).await.status, 204);
    assert_eq!(house.get("/v1/me", &person.token).await.status, 200);
    house.get("/v1/me", &other.token).await.refused(401, "unauthenticated");
    let sign_in = async |password: &str| {
        let body = json!({"sign_in": "@person", "password": password});
        house.put(Method::POST, "/v1/sessions", "", &body).await
    };
    sign_in(PASSWORD).await.refused(401, "invalid_credentials");
    assert_eq!(sign_in(new).await.status, 201);
    for _ in 0..5 {
        put(&person.token, "a wrong long password", PASSWORD).await.refused(401, "invalid_credentials");
    }
    let paused = put(&person.token, new, PASSWORD).await;
    assert_eq!(paused.header("retry-after"), "900");
    paused.refused(429, "too_many_attempts");
}

//! `/v1/me/factors`

use crate::house::{House, PASSWORD, Person};
use reqwest::Method;
use serde_json::{Value, json};

pub const PIN: &str = "/v1/me/factors/pin";

fn password() -> Value {
    json!({"password": PASSWORD})
}

async fn set_pin(house: &House, person: &Person, pin: &str, proof: Value) -> crate::house::Answer {
    house.put(Method::PUT, PIN, &person.token, &json!({"pin": pin, "proof": proof})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_set_with_the_password_shown_without_it_and_removed() {
    let house = House::open().await;
    let person = house.person("ann@example.com", 0).await;
    set_pin(&house, &person, "123456", password()).await.refused(422, "pin_too_weak");
    set_pin(&house, &person, "739164", json!({})).await.refused(422, "missing_field");
    let two = json!({"password": PASSWORD, "pin": "739164"});
    set_pin(&house, &person, "739164", two).await.refused(422, "invalid_field");
    set_pin(&house, &person, "739164", json!({"password": "a wrong password"})).await.refused(403, "factor_wrong");
    let set = set_pin(&house, &person, "739164", password()).await.expect(200);
    let listed = house.get("/v1/me/factors", &person.token).await.expect(200);
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["kind"]), (&set["id"], &json!("pin")));
    assert!(!listed.to_string().contains("739164"));
    let path = format!("/v1/me/factors/{}/remove", set["id"].as_str().expect("an id"));
    let stranger = house.person("bob@example.com", 0).await;
    let proved = json!({"proof": password()});
    house.put(Method::POST, &path, &stranger.token, &proved).await.refused(404, "not_found");
    let itself = json!({"proof": {"pin": "739164"}});
    house.put(Method::POST, &path, &person.token, &itself).await.refused(422, "invalid_field");
    assert_eq!(house.put(Method::POST, &path, &person.token, &proved).await.status, 204);
    assert_eq!(house.get("/v1/me/factors", &person.token).await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tries_lead_to_a_pause_that_says_how_long() {
    let house = House::open().await;
    let person = house.person("ann@example.com", 0).await;
    for _ in 0..5 {
        let wrong = json!({"password": "a wrong password"});
        set_pin(&house, &person, "739164", wrong).await.refused(403, "factor_wrong");
    }
    let refused = set_pin(&house, &person, "739164", password()).await;
    refused.refused(429, "too_many_attempts");
    assert_eq!(refused.header("retry-after"), "900");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_and_recovery_codes_are_shown_once() {
    let house = House::open().await;
    let person = house.person("ann@example.com", 0).await;
    let proved = json!({"proof": password()});
    let begun = house.put(Method::POST, "/v1/me/factors/totp", &person.token, &proved).await.expect(201);
    assert_eq!(begun["secret"].as_str().map(str::len), Some(32));
    let confirm = "/v1/me/factors/totp/confirm";
    let wrong = json!({"code": "00000"});
    house.put(Method::POST, confirm, &person.token, &wrong).await.refused(403, "factor_wrong");
    let listed = house.get("/v1/me/factors", &person.token).await.expect(200);
    assert_eq!(listed["data"], json!([]), "it does not count before it has shown a code");
    let codes = "/v1/me/factors/recovery-codes";
    let made = house.put(Method::POST, codes, &person.token, &proved).await.expect(201);
    let codes = made["codes"].as_array().expect("codes").clone();
    assert_eq!(codes.len(), 10);
    let first = json!({"recovery_code": codes[0]});
    set_pin(&house, &person, "739164", first.clone()).await.expect(200);
    set_pin(&house, &person, "480297", first).await.refused(403, "factor_wrong");
    assert_eq!(house.get("/v1/me/factors", &person.token).await.expect(200)["recovery_codes_left"], 9);
}

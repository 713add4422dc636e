//! `/v1/sessions`: beginning, refreshing, seeing, ending

use crate::house::{Answer, House, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};

async fn begin(house: &House, sign_in: &str, device: &str) -> Value {
    let body = json!({"sign_in": sign_in, "password": PASSWORD, "device_name": device, "refresh": true});
    house.put(Method::POST, "/v1/sessions", "", &body).await.expect(201)
}

async fn refresh(house: &House, token: &str) -> Answer {
    house.put(Method::POST, "/v1/sessions/refresh", "", &json!({"refresh_token": token})).await
}

fn text<'a>(session: &'a Value, field: &str) -> &'a str {
    session[field].as_str().unwrap_or_else(|| panic!("{field}: {session}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_refreshed_by_a_token_that_is_good_once() {
    let house = House::open().await;
    house.person("li@example.com", 0).await;
    let first = begin(&house, "li@example.com", "Phone").await;
    house.world.clock.advance(600);
    house.get("/v1/me", text(&first, "token")).await.refused(401, "unauthenticated");
    let second = refresh(&house, text(&first, "refresh_token")).await.expect(200);
    assert_eq!(house.get("/v1/me", text(&second, "token")).await.status, 200);
    assert_eq!(first["id"], second["id"]);
    let again = refresh(&house, text(&first, "refresh_token")).await.expect(200);
    assert_eq!(again, second, "the answer may have been lost");
    house.world.clock.advance(30);
    refresh(&house, text(&first, "refresh_token")).await.refused(401, "refresh_token_invalid");
    house.get("/v1/me", text(&second, "token")).await.refused(401, "unauthenticated");
    refresh(&house, text(&second, "refresh_token")).await.refused(401, "refresh_token_invalid");
    house.get("/v1/me", text(&second, "refresh_token")).await.refused(401, "unauthenticated");
    refresh(&house, text(&second, "token")).await.refused(401, "refresh_token_invalid");
    refresh(&house, &"jzr_".repeat(60)).await.refused(401, "refresh_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_chooses_the_session_that_he_signs_in_to() {
    let house = House::open().await;
    let stranger = house.person("@stranger", 0).await;
    let person = house.person("@person", 0).await;
    let planted = begin(&house, "@stranger", "Planted").await;
    for field in ["id", "session", "token", "refresh_token", "customer", "expires_at"] {
        let mut body = json!({"sign_in": "@person", "password": PASSWORD});
        body[field] = planted["id"].clone();
        house.put(Method::POST, "/v1/sessions", "", &body).await.refused(422, "unknown_field");
    }
    // Signed in while another session's token is sent along: a new session all the same.
    let body = json!({"sign_in": "@person", "password": PASSWORD, "refresh": true});
    let made = house.put(Method::POST, "/v1/sessions", text(&planted, "token"), &body).await.expect(201);
    assert!(made["id"] != planted["id"] && made["token"] != planted["token"]);
    assert_eq!(text(&made, "customer"), person.customer);
    let me = house.get("/v1/me", text(&planted, "token")).await.expect(200);
    assert_eq!(text(&me, "id"), stranger.customer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_only_her_sessions_and_ends_only_them() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let stranger = house.person("@stranger", 0).await;
    house.world.clock.advance(1);
    let phone = begin(&house, "@person", "My phone").await;
    let token = text(&phone, "token");
    let shown = house.get("/v1/sessions", token).await.expect(200);
    let rows = shown["data"].as_array().expect("rows");
    assert_eq!((rows.len(), text(&rows[0], "device_name"), text(&rows[0], "network")), (2, "My phone", "127.0.0.0/24"));
    assert_eq!((&rows[0]["current"], &rows[1]["current"]), (&json!(true), &json!(false)));
    assert!(!shown.to_string().contains("jz"), "no token is shown again");
    let path = format!("/v1/sessions/{}", text(&rows[1], "id"));
    house.delete(&path, &stranger.token).await.refused(404, "not_found");
    assert_eq!(house.get("/v1/me", &person.token).await.status, 200);
    assert_eq!(house.delete(&path, token).await.status, 204);
    house.get("/v1/me", &person.token).await.refused(401, "unauthenticated");
    house.delete(&path, token).await.refused(404, "not_found");
    let tablet = begin(&house, "@person", "Tablet").await;
    assert_eq!(house.delete("/v1/sessions/others", token).await.status, 204);
    house.get("/v1/me", text(&tablet, "token")).await.refused(401, "unauthenticated");
    refresh(&house, text(&tablet, "refresh_token")).await.refused(401, "refresh_token_invalid");
    assert_eq!(house.get("/v1/me", token).await.status, 200);
    assert_eq!(house.get("/v1/me", &stranger.token).await.status, 200);
    house
        .put(Method::POST, "/v1/sessions", "", &json!({"sign_in": "@person", "password": PASSWORD, "device_name": ""}))
        .await
        .refused(422, "invalid_field");
}

//! `/v1/devices`: binding, proving, revoking

use crate::house::{Answer, House, PASSWORD};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
}

fn sign(key: &Ed25519KeyPair, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()))
}

async fn proof(house: &House, key: &Ed25519KeyPair, name: &str) -> Value {
    let made = house.put(Method::POST, "/v1/devices/challenge", "", &json!({})).await.expect(200);
    let challenge = made["challenge"].as_str().expect("a text");
    let signature = sign(key, &format!("jiaozi sign-in\n{challenge}\n{name}"));
    json!({"public_key": URL_SAFE_NO_PAD.encode(key.public_key()), "challenge": challenge, "signature": signature})
}

async fn sign_in(house: &House, name: &str, device: &Value) -> Answer {
    let body = json!({"sign_in": name, "password": PASSWORD, "device_name": "My phone", "device": device});
    house.put(Method::POST, "/v1/sessions", "", &body).await
}

async fn refresh(house: &House, session: &Value, key: &Ed25519KeyPair) -> Answer {
    let token = session["refresh_token"].as_str().expect("a text");
    let signature = sign(key, &format!("jiaozi refresh\n{token}"));
    let body = json!({"refresh_token": token, "device_signature": signature});
    house.put(Method::POST, "/v1/sessions/refresh", "", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_signs_in_refreshes_and_is_revoked_by_its_owner_only() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let stranger = house.person("@stranger", 0).await;
    let phone = key(1);
    let good = proof(&house, &phone, "@person").await;
    let session = sign_in(&house, "@person", &good).await.expect(201);
    sign_in(&house, "@person", &good).await.refused(422, "device_proof_invalid");
    let of_another = proof(&house, &phone, "@stranger").await;
    sign_in(&house, "@person", &of_another).await.refused(422, "device_proof_invalid");
    let mut odd = proof(&house, &phone, "@person").await;
    odd["signature"] = json!("not base64url!");
    sign_in(&house, "@person", &odd).await.refused(422, "invalid_field");

    refresh(&house, &session, &key(2)).await.refused(401, "refresh_token_invalid");
    let bare = json!({"refresh_token": session["refresh_token"]});
    let answer = house.put(Method::POST, "/v1/sessions/refresh", "", &bare).await;
    answer.refused(401, "refresh_token_invalid");
    house.world.clock.advance(20 * 86_400);
    let next = refresh(&house, &session, &phone).await.expect(200);
    let token = next["token"].as_str().expect("a text");

    let devices = house.get("/v1/devices", token).await.expect(200);
    let rows = devices["data"].as_array().expect("rows");
    assert_eq!((rows.len(), &rows[0]["name"], &rows[0]["algorithm"]), (1, &json!("My phone"), &json!("ed25519")));
    let path = format!("/v1/devices/{}", rows[0]["id"].as_str().expect("an id"));
    let stranger = house.again(&stranger, "@stranger").await;
    house.delete(&path, &stranger.token).await.refused(404, "not_found");
    assert_eq!(house.get("/v1/me", token).await.status, 200);
    let person = house.again(&person, "@person").await;
    assert_eq!(house.delete(&path, &person.token).await.status, 204);
    house.get("/v1/me", token).await.refused(401, "unauthenticated");
    refresh(&house, &next, &phone).await.refused(401, "refresh_token_invalid");
    let again = proof(&house, &phone, "@person").await;
    sign_in(&house, "@person", &again).await.refused(422, "device_proof_invalid");
    assert_eq!(house.get("/v1/me", &person.token).await.status, 200);
}

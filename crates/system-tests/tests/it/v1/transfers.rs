//! `/v1/payees`, `/v1/transfers`

use crate::house::{House, Person, yuan};
use reqwest::Method;
use serde_json::{Value, json};

async fn confirmation(house: &House, payer: &Person, payee: &Value) -> Value {
    let found = house.put(Method::POST, "/v1/payees/lookup", &payer.token, payee).await.expect(200);
    found["confirmation"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_to_whom_the_payer_confirmed() {
    let house = House::open().await;
    let (payer, payee) = (house.person("@payer", 10_000).await, house.person("@payee", 0).await);
    let to = json!({"wallet": payee.wallet});
    let found = house.put(Method::POST, "/v1/payees/lookup", &payer.token, &to).await.expect(200);
    assert_ne!(found["masked_name"], "Person @payee", "the name is masked");
    let mut body = json!({"wallet": payee.wallet, "amount": yuan("8.88")});
    house.post("/v1/transfers", &payer.token, &body).await.refused(409, "confirmation_required");
    body["confirmation"] = found["confirmation"].clone();
    let sent = house.post("/v1/transfers", &payer.token, &body).await.expect(201);
    assert_eq!((&sent["state"], &sent["direction"]), (&json!("completed"), &json!("sent")));
    assert_eq!((house.posted(&payer).await, house.posted(&payee).await), ("91.12".to_owned(), "8.88".to_owned()));
    let path = format!("/v1/transfers/{}", sent["id"].as_str().expect("an id"));
    assert_eq!(house.get(&path, &payee.token).await.expect(200)["direction"], "received");
    let third = house.person("@third", 0).await;
    house.get(&path, &third.token).await.refused(404, "not_found");
    body["wallet"] = json!(third.wallet);
    house.post("/v1/transfers", &payer.token, &body).await.refused(409, "payee_changed");
    body["wallet"] = json!(payer.wallet);
    house.post("/v1/transfers", &payer.token, &body).await.refused(422, "payee_is_payer");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_nobody_waits_and_can_be_taken_back() {
    let house = House::open().await;
    let payer = house.person("@payer", 10_000).await;
    let to = json!({"alias": "+8613812345678"});
    let confirmation = confirmation(&house, &payer, &to).await;
    let body = json!({"alias": "+8613812345678", "amount": yuan("5.00"), "confirmation": confirmation});
    let sent = house.post("/v1/transfers", &payer.token, &body).await.expect(201);
    assert_eq!(sent["state"], "waiting");
    let path = format!("/v1/transfers/{}/cancel", sent["id"].as_str().expect("an id"));
    let back = house.post(&path, &payer.token, &json!({})).await.expect(200);
    assert_eq!(back["state"], "cancelled");
    house.post(&path, &payer.token, &json!({})).await.refused(409, "transfer_not_pending");
    assert_eq!(house.posted(&payer).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gaps_or_repetition() {
    let house = House::open().await;
    let (payer, payee) = (house.person("@payer", 10_000).await, house.person("@payee", 0).await);
    let to = json!({"wallet": payee.wallet});
    let confirmation = confirmation(&house, &payer, &to).await;
    for cents in 1..=7 {
        house.world.clock.advance(1);
        let body =
            json!({"wallet": payee.wallet, "amount": yuan(&format!("0.0{cents}")), "confirmation": confirmation});
        house.post("/v1/transfers", &payer.token, &body).await.expect(201);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/transfers?limit=3".to_owned());
    loop {
        let page = house.get(&path, &payer.token).await.expect(200);
        let rows = page["data"].as_array().expect("rows");
        seen.extend(rows.iter().map(|row| row["amount"]["amount"].as_str().expect("an amount").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/transfers?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, ["0.07", "0.06", "0.05", "0.04", "0.03", "0.02", "0.01"]);
}

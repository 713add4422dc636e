//! `/v1/orders`

use crate::house::{House, yuan};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_as_a_code_and_paid_once() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let new = json!({"amount": yuan("25.00"), "reference": "A-1001", "description": "Two bowls"});
    let order = house.post("/v1/orders", &shop.token, &new).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
    let code = house.get(&format!("{path}/code"), &shop.token).await.expect(200);
    assert_eq!(code["kind"], "dynamic");
    let scanned = json!({"qr": code["payload"]});
    let meaning = house.put(Method::POST, "/v1/codes/resolve", &payer.token, &scanned).await.expect(200);
    assert_eq!((&meaning["order"], &meaning["amount"]), (&order["id"], &yuan("25.00")));
    house.post("/v1/payments", &payer.token, &scanned).await.expect(201);
    house.post("/v1/payments", &payer.token, &scanned).await.refused(409, "order_not_open");
    assert_eq!(house.get(&path, &shop.token).await.expect(200)["state"], "paid");
    assert_eq!(house.posted(&payer).await, "75.00");
    house.post(&format!("{path}/cancel"), &shop.token, &json!({})).await.refused(409, "order_not_open");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_time_is_over_is_not_paid_and_a_reference_is_used_once() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let new = json!({"amount": yuan("25.00"), "reference": "A-1001", "expires_in": 60});
    let order = house.post("/v1/orders", &shop.token, &new).await.expect(201);
    let other = json!({"amount": yuan("26.00"), "reference": "A-1001"});
    house.post("/v1/orders", &shop.token, &other).await.refused(409, "reference_reused");
    house.world.clock.advance(61);
    let body = json!({"order": order["id"]});
    house.post("/v1/payments", &payer.token, &body).await.refused(409, "order_expired");
    let list = house.get("/v1/orders", &shop.token).await.expect(200);
    assert_eq!(list["data"][0]["state"], "expired");
    assert_eq!(house.posted(&payer).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_is_not_paid_and_a_foreign_one_is_nothing() {
    let house = House::open().await;
    let (payer, shop, other) =
        (house.person("@payer", 10_000).await, house.shop("Noodles").await, house.shop("Dumplings").await);
    let new = json!({"amount": yuan("25.00"), "reference": "A-1"});
    let order = house.post("/v1/orders", &shop.token, &new).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
    house.get(&path, &other.token).await.refused(404, "not_found");
    house.get(&format!("{path}/code"), &other.token).await.refused(404, "not_found");
    house.post(&format!("{path}/cancel"), &other.token, &json!({})).await.refused(404, "not_found");
    let cancelled = house.post(&format!("{path}/cancel"), &shop.token, &json!({})).await.expect(200);
    assert_eq!(cancelled["state"], "cancelled");
    house.post("/v1/payments", &payer.token, &json!({"order": order["id"]})).await.refused(409, "order_not_open");
}

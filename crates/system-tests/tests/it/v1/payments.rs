//! `/v1/payments`, `/v1/codes`

use crate::house::{House, yuan};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_code_is_looked_at_and_paid() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let code = house.get(&format!("/v1/stores/{}/code?currency=CNY", shop.store), &shop.token).await.expect(200);
    assert!(code["svg"].as_str().is_some_and(|svg| svg.starts_with("<svg")));
    let scanned = json!({"qr": code["payload"]});
    let meaning = house.put(Method::POST, "/v1/codes/resolve", &payer.token, &scanned).await.expect(200);
    assert_eq!((&meaning["merchant"], &meaning["amount"]), (&json!(shop.id), &json!(null)));
    let body = json!({"qr": code["payload"], "amount": yuan("3.50")});
    let paid = house.post("/v1/payments", &payer.token, &body).await.expect(201);
    assert_eq!(paid["store"], shop.store.as_str());
    let other = house.shop("Dumplings").await;
    let foreign = house.get(&format!("/v1/stores/{}/code?currency=CNY", other.store), &shop.token).await;
    foreign.refused(404, "store_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_once_or_voided() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let hold = json!({"merchant": shop.id, "amount": yuan("40.00"), "hold": true});
    let held = house.post("/v1/payments", &payer.token, &hold).await.expect(201);
    assert_eq!(held["state"], "held");
    let path = format!("/v1/payments/{}", held["id"].as_str().expect("an id"));
    let over = house.post(&format!("{path}/capture"), &shop.token, &json!({"amount": yuan("41.00")})).await;
    over.refused(409, "capture_exceeds_hold");
    let other = json!({"amount": {"amount": "1.00", "currency": "EUR"}});
    house.post(&format!("{path}/capture"), &shop.token, &other).await.refused(409, "currency_mismatch");
    let part = json!({"amount": yuan("30.00")});
    let captured = house.post(&format!("{path}/capture"), &shop.token, &part).await.expect(200);
    assert_eq!((&captured["state"], &captured["captured"]), (&json!("captured"), &yuan("30.00")));
    house.post(&format!("{path}/void"), &shop.token, &json!({})).await.refused(409, "hold_already_captured");
    assert_eq!(house.posted(&payer).await, "70.00");

    let held = house.post("/v1/payments", &payer.token, &hold).await.expect(201);
    let path = format!("/v1/payments/{}", held["id"].as_str().expect("an id"));
    let voided = house.post(&format!("{path}/void"), &shop.token, &json!({})).await.expect(200);
    assert_eq!(voided["state"], "voided");
    house.post(&format!("{path}/capture"), &shop.token, &json!({})).await.refused(409, "hold_already_voided");
    let wallet = house.get("/v1/wallet", &payer.token).await.expect(200);
    assert_eq!(wallet["accounts"][0]["available"], yuan("70.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_with_its_time_and_what_was_paid_at_once_holds_nothing() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let hold = json!({"merchant": shop.id, "amount": yuan("40.00"), "hold": true, "hold_seconds": 60});
    let held = house.post("/v1/payments", &payer.token, &hold).await.expect(201);
    house.world.clock.advance(61);
    let path = format!("/v1/payments/{}", held["id"].as_str().expect("an id"));
    house.post(&format!("{path}/capture"), &shop.token, &json!({})).await.refused(409, "hold_expired");
    house.world.run_jobs();
    let wallet = house.get("/v1/wallet", &payer.token).await.expect(200);
    assert_eq!(wallet["accounts"][0]["available"], yuan("100.00"));
    let pay = json!({"merchant": shop.id, "amount": yuan("1.00")});
    let paid = house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    let path = format!("/v1/payments/{}", paid["id"].as_str().expect("an id"));
    house.post(&format!("{path}/void"), &shop.token, &json!({})).await.refused(409, "payment_not_held");
    let lone = json!({"merchant": shop.id, "amount": yuan("1.00"), "hold_seconds": 60});
    house.post("/v1/payments", &payer.token, &lone).await.refused(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payer_does_not_see_the_merchants_fee_nor_the_merchant_the_wallet() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00"), "reference": "till-1"});
    let paid = house.post("/v1/payments", &payer.token, &body).await.expect(201);
    assert!(paid["fee"].is_null() && paid["wallet"] == payer.wallet.as_str());
    let list = house.get("/v1/merchant/payments", &shop.token).await.expect(200);
    let seen = &list["data"][0];
    assert!(seen["wallet"].is_null() && !seen["fee"].is_null(), "{seen}");
    let list = house.get("/v1/payments?currency=CNY", &payer.token).await.expect(200);
    assert_eq!(list["data"][0]["id"], paid["id"]);
    let other = json!({"merchant": shop.id, "amount": yuan("26.00"), "reference": "till-1"});
    house.post("/v1/payments", &payer.token, &other).await.refused(409, "reference_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_payments_at_once_never_overdraw() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("1.50"), "wallet": payer.wallet});
    let all = (0..200).map(|_| house.post("/v1/payments", &payer.token, &body));
    let answers = futures::future::join_all(all).await;
    let paid = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.code() == "insufficient_funds"));
    assert_eq!(paid, 66);
    assert_eq!(house.posted(&payer).await, "1.00");
}

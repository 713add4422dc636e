//! `/v1/payments/…/refunds`, `/v1/refunds`, disputes

use crate::house::{House, yuan};
use bank::staff::Role;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn refunds_never_exceed_the_payment_and_a_reference_is_one_refund() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    // Another payment leaves the merchant enough for the fee of a whole refund.
    for amount in ["50.00", "40.00"] {
        house.world.clock.advance(1);
        let body = json!({"merchant": shop.id, "amount": yuan(amount)});
        house.post("/v1/payments", &payer.token, &body).await.expect(201);
    }
    let list = house.get("/v1/payments", &payer.token).await.expect(200);
    let path = format!("/v1/payments/{}/refunds", list["data"][0]["id"].as_str().expect("an id"));
    let part = json!({"amount": yuan("30.00"), "reference": "R-1", "reason": "cold"});
    let refund = house.post(&path, &shop.token, &part).await.expect(201);
    assert_eq!(refund["state"], "succeeded");
    let again = house.post(&path, &shop.token, &part).await.expect(201);
    assert_eq!(again["id"], refund["id"], "the same reference is the same refund");
    let over = house.post(&path, &shop.token, &json!({"amount": yuan("10.01")})).await;
    over.refused(409, "refund_exceeds_payment");
    house.post(&path, &shop.token, &json!({})).await.expect(201);
    assert_eq!(house.posted(&payer).await, "50.00");
    let all = house.get(&path, &shop.token).await.expect(200);
    assert_eq!(all["data"].as_array().map(Vec::len), Some(2));
    let one = format!("/v1/refunds/{}", refund["id"].as_str().expect("an id"));
    assert_eq!(house.get(&one, &shop.token).await.expect(200)["reference"], "R-1");
    let other = house.shop("Dumplings").await;
    house.get(&one, &other.token).await.refused(404, "not_found");
    house.post(&path, &other.token, &json!({})).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_comes_too_late_is_refused() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("50.00")});
    let paid = house.post("/v1/payments", &payer.token, &body).await.expect(201);
    house.world.clock.advance(366 * 86_400);
    let path = format!("/v1/payments/{}/refunds", paid["id"].as_str().expect("an id"));
    house.post(&path, &shop.token, &json!({"amount": yuan("1.00")})).await.refused(409, "refund_too_late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_opened_by_the_payer_and_decided_by_staff() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    for _ in 0..2 {
        let body = json!({"merchant": shop.id, "amount": yuan("40.00")});
        house.post("/v1/payments", &payer.token, &body).await.expect(201);
    }
    let list = house.get("/v1/payments", &payer.token).await.expect(200);
    let path = format!("/v1/payments/{}/disputes", list["data"][0]["id"].as_str().expect("an id"));
    let dispute = house.post(&path, &payer.token, &json!({"amount": yuan("40.00")})).await.expect(201);
    let compliance = house.staff(Role::COMPLIANCE).await;
    let decide = format!("/v1/staff/disputes/{}/decide", dispute["id"].as_str().expect("an id"));
    house.post(&decide, &compliance, &json!({"winner": "payer"})).await.expect(200);
    assert_eq!(house.posted(&payer).await, "60.00");
}

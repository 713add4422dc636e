//! `/v1/statement`, `/v1/merchant/statement`, `/v1/settlements`

use crate::house::{House, yuan};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_adds_up_in_json_and_csv() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    house.post("/v1/payments", &payer.token, &body).await.expect(201);
    let path = "/v1/statement?currency=CNY&from=2026-11-23&to=2026-11-23";
    let statement = house.get(path, &payer.token).await.expect(200);
    assert_eq!((&statement["opening"], &statement["closing"]), (&yuan("0.00"), &yuan("75.00")));
    assert_eq!(statement["records"][1]["amount"], yuan("-25.00"));
    let csv = house.get(&format!("{path}&format=csv"), &payer.token).await;
    assert!(csv.header("content-type").starts_with("text/csv") && csv.text.contains("-25.00"), "{}", csv.text);
    let merchant = house.get("/v1/merchant/statement?currency=CNY&from=2026-11-23&to=2026-11-23", &shop.token).await;
    assert!(merchant.expect(200)["records"].as_array().is_some_and(|rows| !rows.is_empty()));
    let upside = "/v1/statement?currency=CNY&from=2026-11-24&to=2026-11-23";
    house.get(upside, &payer.token).await.refused(400, "invalid_parameter");
    let never = "/v1/statement?currency=CNY&from=2026-02-30&to=2026-11-23";
    house.get(never, &payer.token).await.refused(400, "invalid_parameter");
    let none = "/v1/statement?currency=JPY&from=2026-11-23&to=2026-11-23";
    house.get(none, &payer.token).await.refused(404, "account_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_sees_its_balance_and_no_settlement_yet() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let body = json!({"merchant": shop.id, "amount": yuan("25.00")});
    house.post("/v1/payments", &payer.token, &body).await.expect(201);
    let balance = house.get("/v1/merchant/balance", &shop.token).await.expect(200);
    assert_eq!(balance["data"][0]["posted"]["currency"], "CNY");
    assert_ne!(balance["data"][0]["posted"]["amount"], "0.00");
    assert_eq!(house.get("/v1/settlements", &shop.token).await.expect(200)["data"], json!([]));
    assert_eq!(house.get("/v1/merchant", &shop.token).await.expect(200)["id"], shop.id.as_str());
}

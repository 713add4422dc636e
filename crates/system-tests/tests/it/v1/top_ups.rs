//! `/v1/bank-accounts`, `/v1/top-ups`, `/v1/payouts`

use crate::house::{House, yuan};
use reqwest::Method;
use serde_json::json;

const IBAN: &str = "DE89370400440532013000";

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_account_is_linked_shown_masked_and_removed() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 0).await, house.person("@two", 0).await);
    let wrong = json!({"number": "DE89370400440532013001"});
    house.post("/v1/bank-accounts", &one.token, &wrong).await.refused(422, "bank_account_invalid");
    let link = house.post("/v1/bank-accounts", &one.token, &json!({"number": IBAN})).await.expect(201);
    assert!(!link["masked"].as_str().expect("a text").contains("370400"));
    let path = format!("/v1/bank-accounts/{}", link["id"].as_str().expect("an id"));
    house.delete(&path, &two.token).await.refused(404, "bank_account_not_found");
    assert_eq!(house.delete(&path, &one.token).await.status, 204);
    assert_eq!(house.get("/v1/bank-accounts", &one.token).await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_and_a_payout_begin_and_belong_to_their_owner() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 10_000).await, house.person("@two", 0).await);
    let link = house.post("/v1/bank-accounts", &one.token, &json!({"number": IBAN})).await.expect(201);
    let body = json!({"bank_account": link["id"], "amount": yuan("50.00")});
    for (what, first) in [("top-ups", "created"), ("payouts", "created")] {
        let begun = house.post(&format!("/v1/{what}"), &one.token, &body).await.expect(201);
        assert_eq!(begun["state"], first);
        let path = format!("/v1/{what}/{}", begun["id"].as_str().expect("an id"));
        assert_eq!(house.get(&path, &one.token).await.status, 200);
        house.get(&path, &two.token).await.refused(404, "not_found");
        assert_eq!(house.get(&format!("/v1/{what}"), &one.token).await.expect(200)["data"][0]["id"], begun["id"]);
        house.post(&format!("/v1/{what}"), &two.token, &body).await.refused(404, "bank_account_not_found");
    }
    let quote = json!({"payout": {"bank_account": link["id"], "amount": yuan("10.00")}});
    house.put(Method::POST, "/v1/quotes", &one.token, &quote).await.expect(200);
    let quote = json!({"top_up": {"bank_account": link["id"], "amount": yuan("10.00")}});
    house.put(Method::POST, "/v1/quotes", &one.token, &quote).await.expect(200);
}

//! `/v1/staff`

use crate::house::{House, yuan};
use bank::staff::Role;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_is_opened_suspended_and_cannot_be_paid_meanwhile() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
    let payer = house.person("@payer", 10_000).await;
    let new = json!({"name": "Noodle House", "category": "5812", "country": "CN", "city": "Chengdu",
        "fee_plan": "payment.standard", "settlement_plan": "standard", "currencies": ["CNY"]});
    let made = house.post("/v1/staff/merchants", &staff, &new).await.expect(201);
    let path = format!("/v1/staff/merchants/{}", made["id"].as_str().expect("an id"));
    let pay = json!({"merchant": made["id"], "amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    house.put(Method::PATCH, &path, &staff, &json!({"status": "suspended"})).await.expect(200);
    house.post("/v1/payments", &payer.token, &pay).await.refused(409, "merchant_not_active");
    house.put(Method::PATCH, &path, &staff, &json!({"status": "active"})).await.expect(200);
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    let store = json!({"name": "Wuhou", "category": "5812", "country": "CN", "city": "Chengdu"});
    house.post(&format!("{path}/stores"), &staff, &store).await.expect(201);
    assert_eq!(house.get(&path, &staff).await.expect(200)["stores"].as_array().map(Vec::len), Some(2));
    assert_eq!(house.get("/v1/staff/merchants", &staff).await.expect(200)["data"][0]["id"], made["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated_with_an_overlap() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
    let shop = house.shop("Noodles").await;
    let keys = house.get(&format!("/v1/staff/merchants/{}/keys", shop.id), &staff).await.expect(200);
    let path =
        format!("/v1/staff/merchants/{}/keys/{}/rotate", shop.id, keys["data"][0]["id"].as_str().expect("an id"));
    let made = house.post(&path, &staff, &json!({"overlap_hours": 1})).await.expect(201);
    let new = made["key"].as_str().expect("a key");
    assert_eq!(
        (house.get("/v1/merchant", &shop.token).await.status, house.get("/v1/merchant", new).await.status),
        (200, 200)
    );
    house.world.clock.advance(3_601);
    house.get("/v1/merchant", &shop.token).await.refused(401, "unauthenticated");
    assert_eq!(house.get("/v1/merchant", new).await.status, 200);
    let wrong = json!({"label": "x", "scopes": ["everything"]});
    let answer = house.post(&format!("/v1/staff/merchants/{}/keys", shop.id), &staff, &wrong).await;
    answer.refused(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_frozen_released_and_closed_when_it_is_empty() {
    let house = House::open().await;
    let compliance = house.staff(Role::COMPLIANCE).await;
    let (payer, shop) = (house.person("@payer", 1_000).await, house.shop("Noodles").await);
    let wallet = house.get("/v1/wallet", &payer.token).await.expect(200);
    let path = format!("/v1/staff/accounts/{}", wallet["accounts"][0]["id"].as_str().expect("an id"));
    let pay = json!({"merchant": shop.id, "amount": yuan("10.00")});
    assert_eq!(house.post(&format!("{path}/freeze"), &compliance, &json!({"debit": true})).await.status, 204);
    house.post("/v1/payments", &payer.token, &pay).await.refused(409, "account_frozen");
    assert_eq!(house.post(&format!("{path}/freeze"), &compliance, &json!({})).await.status, 204);
    house.post("/v1/payments", &payer.token, &pay).await.refused(409, "account_frozen");
    assert_eq!(house.post(&format!("{path}/release"), &compliance, &json!({"debit": true})).await.status, 204);
    house.post(&format!("{path}/close"), &compliance, &json!({})).await.refused(409, "account_not_empty");
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    assert_eq!(house.post(&format!("{path}/close"), &compliance, &json!({})).await.status, 204);
    house.post("/v1/payments", &payer.token, &pay).await.refused(409, "account_closed");
    let nobody = "/v1/staff/accounts/acc_06f5t2c9wk7v1xq4mz8rhd3bne/close";
    house.post(nobody, &compliance, &json!({})).await.refused(404, "account_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_with_its_source_and_a_bad_one_is_refused() {
    let house = House::open().await;
    let staff = house.staff(Role::PRODUCT).await;
    let set = json!({"name": "refund_days", "value": 180, "source": "Decision 31"});
    let row = house.post("/v1/staff/policies", &staff, &set).await.expect(201);
    assert_eq!((&row["value"], &row["source"]), (&json!(180), &json!("Decision 31")));
    for (name, value) in [("refund_days", json!(-1)), ("no_such_policy", json!(1)), ("refund_days", json!("many"))] {
        let body = json!({"name": name, "value": value, "source": "x"});
        house.post("/v1/staff/policies", &staff, &body).await.refused(422, "policy_invalid");
    }
    let rows = house.get("/v1/staff/policies", &staff).await.expect(200);
    assert!(rows["data"].as_array().is_some_and(|rows| rows.len() >= 15));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_closed_after_its_cut_off_and_the_trial_balance_is_zero() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let pay = json!({"merchant": shop.id, "amount": yuan("10.00")});
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    let day = json!({"day": "2026-11-23"});
    house.put(Method::PUT, "/v1/staff/closed-days", &staff, &day).await.refused(409, "day_not_over");
    house.world.clock.advance(86_400);
    house.put(Method::PUT, "/v1/staff/closed-days", &staff, &day).await.expect(200);
    house.put(Method::PUT, "/v1/staff/closed-days", &staff, &day).await.refused(409, "day_already_closed");
    for path in ["/v1/staff/trial-balance", "/v1/staff/trial-balance?day=2026-11-23"] {
        let trial = house.get(path, &staff).await.expect(200);
        let cents = |row: &serde_json::Value| row["closing"]["amount"].as_str().expect("an amount").replace('.', "");
        let rows = trial["rows"].as_array().expect("rows");
        let sum: i64 = rows.iter().map(|row| cents(row).parse::<i64>().expect("a number")).sum();
        assert!(!rows.is_empty() && sum == 0, "{trial}");
    }
    house.get("/v1/staff/trial-balance?day=2020-01-01", &staff).await.refused(404, "not_found");
    let export = house.get("/v1/staff/general-ledger?from=2026-11-23&to=2026-11-23", &staff).await;
    assert!(export.status == 200 && export.header("content-type").starts_with("text/csv"), "{}", export.text);
    let lines = house.get("/v1/staff/general-ledger?from=2026-11-23&to=2026-11-23&format=json", &staff).await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert_eq!(house.get("/v1/staff/reconciliation", &staff).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_moves_to_another_tier_and_is_erased_when_empty() {
    let house = House::open().await;
    let compliance = house.staff(Role::COMPLIANCE).await;
    let person = house.person("@person", 100).await;
    let path = format!("/v1/staff/customers/{}", person.customer);
    let tier = format!("{path}/tier");
    assert_eq!(house.put(Method::PUT, &tier, &compliance, &json!({"tier": 2})).await.status, 204);
    house.put(Method::PUT, &tier, &compliance, &json!({"tier": 9})).await.refused(422, "invalid_field");
    assert_eq!(house.get(&path, &compliance).await.expect(200)["tier"], 2);
    house.delete(&path, &compliance).await.refused(409, "account_not_empty");
    let empty = house.person("@empty", 0).await;
    let path = format!("/v1/staff/customers/{}", empty.customer);
    assert_eq!(house.delete(&path, &compliance).await.status, 204);
    house.get("/v1/me", &empty.token).await.refused(401, "unauthenticated");
    assert_eq!(house.get(&path, &compliance).await.expect(200)["display_name"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_merchant_is_settled_is_changed_by_staff_alone() {
    let house = House::open().await;
    let (shop, other) = (house.shop("Noodles").await, house.shop("Books").await);
    let staff = house.staff(Role::OPERATIONS).await;
    let link = async |shop: &crate::house::Shop, number: &str| {
        let made = house.post("/v1/merchant/bank-accounts", &shop.token, &json!({"number": number})).await.expect(201);
        made["id"].as_str().expect("an id").to_owned()
    };
    let list = format!("/v1/staff/merchants/{}/bank-accounts", shop.id);
    let settled = async || house.get(&list, &staff).await.expect(200)["settlement_account"].clone();
    assert_eq!(settled().await, serde_json::Value::Null);
    let first = link(&shop, "DE89370400440532013000").await;
    let second = link(&shop, "6222021234567890").await;
    let foreign = link(&other, "6222021234567891").await;
    assert_eq!(settled().await, first.as_str());
    let path = format!("/v1/staff/merchants/{}/settlement-account", shop.id);
    let put = async |token: &str, id: &str| house.put(Method::PUT, &path, token, &json!({"bank_account": id})).await;
    put(&shop.token, &second).await.refused(403, "forbidden");
    put(&house.staff(Role::AUDITOR).await, &second).await.refused(403, "forbidden");
    put(&staff, &foreign).await.refused(404, "bank_account_not_found");
    assert_eq!(settled().await, first.as_str(), "no refusal changes anything");
    assert_eq!(put(&staff, &second).await.status, 204);
    assert_eq!(settled().await, second.as_str());
    let events = house.get("/v1/events", &shop.token).await.expect(200);
    let changed = "merchant.settlement_account_changed";
    let told = events["data"].as_array().expect("events").iter().filter(|event| event["type"] == changed).count();
    assert_eq!(told, 2);
}

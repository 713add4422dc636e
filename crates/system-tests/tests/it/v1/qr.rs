//! `/v1/qr`

use crate::house::{House, yuan};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encoded_is_decoded_the_same() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let parts = json!({"initiation": "dynamic", "category": "5812", "currency": "CNY", "country": "CN",
        "merchant_name": "NOODLE HOUSE", "city": "CHENGDU", "amount": yuan("25.00"), "reference": "A-1001",
        "account": {"tag": 29, "guid": "org.example.pay", "fields": [{"tag": 1, "value": "M-1001"}]},
        "local_name": {"language": "ZH", "name": "面馆"}});
    let made = house.put(Method::POST, "/v1/qr/encode", &person.token, &parts).await.expect(200);
    let scanned = json!({"payload": made["payload"]});
    let read = house.put(Method::POST, "/v1/qr/decode", &person.token, &scanned).await.expect(200);
    assert_eq!((&read["merchant_name"], &read["amount"]), (&json!("NOODLE HOUSE"), &json!("25.00")));
    assert_eq!((&read["initiation"], &read["currency"]), (&json!("dynamic"), &json!("CNY")));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_make_no_code_are_refused() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let parts = json!({"initiation": "static", "category": "5812", "currency": "CNY", "country": "CN",
        "merchant_name": "面馆", "city": "CHENGDU", "account": {"tag": 29, "guid": "org.example.pay", "fields": []}});
    let answer = house.put(Method::POST, "/v1/qr/encode", &person.token, &parts).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let tag = json!({"initiation": "static", "category": "5812", "currency": "CNY", "country": "CN",
        "merchant_name": "A", "city": "B", "account": {"tag": 200, "guid": "org.example.pay", "fields": []}});
    house.put(Method::POST, "/v1/qr/encode", &person.token, &tag).await.refused(422, "qr_invalid_field");
}

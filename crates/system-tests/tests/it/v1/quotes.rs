//! `/v1/quotes`, `/v1/payments/{payment}/capture/quote`, `…/void/quote`, `…/refunds/quote`

use crate::house::{House, Person, yuan};
use reqwest::Method;
use serde_json::{Value, json};

const IBAN: &str = "DE89370400440532013000";

async fn quoted(house: &House, who: &Person, what: &str, body: &Value) -> Value {
    let asked = json!({ what: body });
    house.put(Method::POST, "/v1/quotes", &who.token, &asked).await.expect(200)
}

/// The members of an object, in order.
fn names(value: &Value) -> Vec<&String> {
    value.as_object().expect("an object").keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_moves_nothing_and_its_fee_is_kept() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let payment = json!({"merchant": shop.id, "amount": yuan("25.00")});
    let quote = quoted(&house, &payer, "payment", &payment).await;
    assert_eq!((&quote["movement"], &quote["balance_after"]), (&json!("payment"), &yuan("75.00")));
    assert_eq!(house.posted(&payer).await, "100.00");
    let mut body = payment.clone();
    body["quote"] = quote["id"].clone();
    body["amount"] = yuan("26.00");
    house.post("/v1/payments", &payer.token, &body).await.refused(409, "quote_differs");
    body["amount"] = yuan("25.00");
    let key = house.key();
    let paid = house.post_under(&key, "/v1/payments", &payer.token, &body).await.expect(201);
    assert_eq!((&paid["state"], &paid["balance_after"]), (&json!("succeeded"), &yuan("75.00")));
    let again = house.post_under(&key, "/v1/payments", &payer.token, &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    house.post("/v1/payments", &payer.token, &body).await.refused(409, "quote_used");
    body["quote"] = quoted(&house, &payer, "payment", &payment).await["id"].clone();
    house.world.clock.advance(3_600);
    house.post("/v1/payments", &payer.token, &body).await.refused(409, "quote_expired");
    assert_eq!(house.posted(&payer).await, "75.00");
    let again = house.put(Method::POST, "/v1/quotes", &payer.token, &json!({"payment": body})).await;
    again.refused(422, "invalid_field");
    let seconds = json!({"payment": {"merchant": shop.id, "amount": yuan("25.00"), "hold_seconds": 60}});
    house.put(Method::POST, "/v1/quotes", &payer.token, &seconds).await.refused(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_movement_has_quotes_of_one_shape_and_a_customers_serve_once() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 50_000).await, house.person("@two", 0).await);
    let shop = house.shop("Noodles").await;
    let link = house.post("/v1/bank-accounts", &one.token, &json!({"number": IBAN})).await.expect(201);
    let payee = json!({"wallet": two.wallet});
    let seen = house.put(Method::POST, "/v1/payees/lookup", &one.token, &payee).await.expect(200);
    let to = json!({"wallet": two.wallet, "confirmation": seen["confirmation"]});
    let with = |mut body: Value| {
        body["amount"] = yuan("10.00");
        body
    };
    let table = [
        ("payment", "payments", with(json!({"merchant": shop.id}))),
        ("top_up", "top-ups", with(json!({"bank_account": link["id"]}))),
        ("payout", "payouts", with(json!({"bank_account": link["id"]}))),
        ("transfer", "transfers", with(to)),
    ];
    let mut shape = None;
    for (what, path, mut body) in table {
        let quote = quoted(&house, &one, what, &body).await;
        let known = shape.get_or_insert_with(|| quote.clone());
        assert_eq!((names(&quote), &quote["movement"]), (names(known), &json!(what)));
        body["quote"] = quote["id"].clone();
        let path = format!("/v1/{path}");
        body["amount"] = yuan("10.01");
        house.post(&path, &one.token, &body).await.refused(409, "quote_differs");
        body["amount"] = yuan("10.00");
        house.post(&path, &one.token, &body).await.expect(201);
        house.post(&path, &one.token, &body).await.refused(409, "quote_used");
    }
    let held = json!({"merchant": shop.id, "amount": yuan("10.00"), "hold": true});
    let held = house.post("/v1/payments", &one.token, &held).await.expect(201);
    let path = format!("/v1/payments/{}", held["id"].as_str().expect("an id"));
    let preview = house.put(Method::POST, &format!("{path}/capture/quote"), &shop.token, &json!({})).await.expect(200);
    assert_eq!(names(&preview), names(shape.as_ref().expect("a quote")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_its_customers_own() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 10_000).await, house.person("@two", 10_000).await);
    let shop = house.shop("Noodles").await;
    let mut payment = json!({"merchant": shop.id, "amount": yuan("25.00")});
    payment["quote"] = quoted(&house, &one, "payment", &payment).await["id"].clone();
    house.post("/v1/payments", &two.token, &payment).await.refused(404, "not_found");
    assert_eq!(house.posted(&two).await, "100.00");
    house.post("/v1/payments", &one.token, &payment).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_sees_what_capture_void_and_refund_would_come_to() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let hold = json!({"merchant": shop.id, "amount": yuan("40.00"), "hold": true});
    let held = house.post("/v1/payments", &payer.token, &hold).await.expect(201);
    let path = format!("/v1/payments/{}", held["id"].as_str().expect("an id"));
    let preview = async |what: &str, body: &Value| {
        house.put(Method::POST, &format!("{path}/{what}/quote"), &shop.token, body).await
    };
    let capture = preview("capture", &json!({"amount": yuan("30.00")})).await.expect(200);
    assert_eq!((&capture["id"], &capture["expires_at"]), (&json!(null), &json!(null)));
    assert_eq!((&capture["fee"], &capture["payee_receives"]), (&yuan("0.18"), &yuan("29.82")));
    preview("capture", &json!({"amount": yuan("41.00")})).await.refused(409, "capture_exceeds_hold");
    let euro = json!({"amount": {"amount": "1.00", "currency": "EUR"}});
    preview("capture", &euro).await.refused(409, "currency_mismatch");
    let void = house.send(house.request(Method::POST, &format!("{path}/void/quote"), &shop.token)).await.expect(200);
    assert_eq!((&void["amount"], &void["payee_receives"]), (&yuan("40.00"), &yuan("40.00")));
    preview("refunds", &json!({})).await.refused(409, "payment_not_captured");
    let after = house.get(&path.replace("/v1/", "/v1/merchant/"), &shop.token).await.expect(200);
    assert_eq!(after["state"], "held", "nothing was done");
    house.post(&format!("{path}/capture"), &shop.token, &json!({"amount": yuan("30.00")})).await.expect(200);
    let refund = preview("refunds", &json!({"amount": yuan("10.00")})).await.expect(200);
    assert_eq!((&refund["fee"], &refund["total"]), (&yuan("0.06"), &yuan("9.94")));
    assert_eq!(refund["arrival"], "at_once");
    let other = house.shop("Dumplings").await;
    for what in ["capture", "void", "refunds"] {
        let request = house.request(Method::POST, &format!("{path}/{what}/quote"), &other.token).json(&json!({}));
        house.send(request).await.refused(404, "not_found");
    }
}

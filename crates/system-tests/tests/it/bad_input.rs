//! Bad input: every refusal is a problem with a stable code, and moves nothing.

use crate::house::{House, yuan};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_none_move_nothing() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let cases = [
        ("0", "amount_not_positive"),
        ("0.00", "amount_not_positive"),
        ("-1", "amount_malformed"),
        ("-1.00", "amount_malformed"),
        ("+1.00", "amount_malformed"),
        ("1e2", "amount_malformed"),
        ("1E2", "amount_malformed"),
        ("NaN", "amount_malformed"),
        ("Infinity", "amount_malformed"),
        ("", "amount_malformed"),
        (" 1.00", "amount_malformed"),
        ("1.", "amount_malformed"),
        (".5", "amount_malformed"),
        ("01.00", "amount_malformed"),
        ("1,000.00", "amount_malformed"),
        ("1 000", "amount_malformed"),
        ("0x10", "amount_malformed"),
        ("１.００", "amount_malformed"),
        ("١٢", "amount_malformed"),
        ("१२", "amount_malformed"),
        ("一百", "amount_malformed"),
        ("1.001", "amount_too_precise"),
        ("92233720368547758.08", "amount_too_large"),
        ("99999999999999999999999999", "amount_too_large"),
    ];
    for (amount, code) in cases {
        let body = json!({"merchant": shop.id, "amount": yuan(amount)});
        let answer = house.post("/v1/payments", &payer.token, &body).await;
        answer.refused(422, code);
        assert_eq!(answer.at("/errors/0/pointer"), "/amount/amount", "{amount}");
    }
    assert_eq!(house.posted(&payer).await, "100.00");
    assert_eq!(house.get("/v1/payments", &payer.token).await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_no_text_are_refused() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    for amount in [json!(1), json!(1.5), json!(null), json!(true), json!(["1.00"]), json!({"minor": 1})] {
        let body = json!({"merchant": shop.id, "amount": {"amount": amount, "currency": "CNY"}});
        let answer = house.post("/v1/payments", &payer.token, &body).await;
        answer.refused(422, "invalid_field");
        assert_eq!(answer.at("/errors/0/pointer"), "/amount/amount", "{amount}");
    }
    let body = json!({"merchant": shop.id, "amount": ["1.00", "CNY"]});
    house.post("/v1/payments", &payer.token, &body).await.refused(422, "invalid_field");
    assert_eq!(house.posted(&payer).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_that_are_unknown_or_differ_are_refused() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    for code in ["", "cny", "XXX", "RMB", "￥", "CNYY"] {
        let body = json!({"merchant": shop.id, "amount": {"amount": "1.00", "currency": code}});
        house.post("/v1/payments", &payer.token, &body).await.refused(422, "currency_unknown");
    }
    let order = json!({"amount": yuan("5.00"), "reference": "A-1"});
    let order = house.post("/v1/orders", &shop.token, &order).await.expect(201);
    let body = json!({"order": order["id"], "amount": {"amount": "5.00", "currency": "EUR"}});
    house.post("/v1/payments", &payer.token, &body).await.refused(409, "currency_mismatch");
    let body = json!({"order": order["id"], "amount": yuan("6.00")});
    house.post("/v1/payments", &payer.token, &body).await.refused(422, "order_amount_differs");
    assert_eq!(house.posted(&payer).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_one_strict_object_are_refused() {
    let house = House::open().await;
    let payer = house.person("@payer", 0).await;
    let deep = format!("{{\"alias\":{}1{}}}", "[".repeat(17), "]".repeat(17));
    let large = format!("{{\"alias\":\"{}\"}}", "a".repeat(70_000));
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (b"".to_vec(), 400, "malformed_json"),
        (b"alias=@x".to_vec(), 400, "malformed_json"),
        (b"[{\"alias\":\"@x\"}]".to_vec(), 400, "malformed_json"),
        (b"{\"alias\":\"@x\"".to_vec(), 400, "malformed_json"),
        (b"{\"alias\":\"@x\"}{}".to_vec(), 400, "malformed_json"),
        (b"{\"alias\":\"@x\",\"alias\":\"@y\"}".to_vec(), 400, "malformed_json"),
        (b"{\"alias\":\"@x\",\"\\u0061lias\":\"@y\"}".to_vec(), 400, "malformed_json"),
        (b"{\"alias\":\"\xff\xfe\"}".to_vec(), 400, "malformed_json"),
        (b"{\"alias\":\"\xed\xa0\x80\"}".to_vec(), 400, "malformed_json"),
        (b"\xef\xbb\xbf{\"alias\":\"@x\"}".to_vec(), 400, "malformed_json"),
        (deep.into_bytes(), 400, "body_too_deep"),
        (large.into_bytes(), 413, "body_too_large"),
        (b"{\"alias\":\"@x\",\"more\":1}".to_vec(), 422, "unknown_field"),
        (b"{}".to_vec(), 422, "missing_field"),
        (b"{\"alias\":null}".to_vec(), 422, "invalid_field"),
        (b"{\"alias\":\"nothing of the kind\"}".to_vec(), 422, "alias_invalid"),
    ];
    for (body, status, code) in cases {
        let text = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = house.post_raw("/v1/aliases", &payer.token, body).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{text}: {}", answer.text);
        answer.refused(status, code);
    }
    assert_eq!(house.get("/v1/aliases", &payer.token).await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn content_types_other_than_json_are_refused() {
    let house = House::open().await;
    let payer = house.person("@payer", 0).await;
    for kind in
        ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=gbk"]
    {
        let mut request =
            house.request(Method::POST, "/v1/aliases", &payer.token).header("idempotency-key", house.key());
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        house.send(request.body("{\"alias\":\"@x_one\"}")).await.refused(415, "unsupported_media_type");
    }
    let request = house.request(Method::POST, "/v1/aliases", &payer.token).header("idempotency-key", house.key());
    let request = request.header("content-type", "Application/JSON; charset=\"UTF-8\"");
    assert_eq!(house.send(request.body("{\"alias\":\"@x_one\"}")).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_malformed_or_foreign_are_refused() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 10_000).await, house.person("@two", 0).await);
    let shop = house.shop("Noodles").await;
    for id in [
        "x",
        "pay_",
        "pay_06f5t2c9wk7v1xq4mz8rhd3bn",
        "pay_86f5t2c9wk7v1xq4mz8rhd3bne",
        "%FF",
        "pay_06f5t2c9wk7v1xq4mz8rhd3bnu",
        "ord_06f5t2c9wk7v1xq4mz8rhd3bne",
        "PAY_06F5T2C9WK7V1XQ4MZ8RHD3BNE",
    ] {
        house.get(&format!("/v1/payments/{id}"), &one.token).await.refused(400, "invalid_id");
    }
    let body = json!({"merchant": "nobody", "amount": yuan("1.00")});
    let answer = house.post("/v1/payments", &one.token, &body).await;
    answer.refused(422, "invalid_field");
    assert_eq!(answer.at("/errors/0/pointer"), "/merchant");
    let body = json!({"merchant": shop.id, "amount": yuan("1.00")});
    let paid = house.post("/v1/payments", &one.token, &body).await.expect(201);
    let path = format!("/v1/payments/{}", paid["id"].as_str().expect("an id"));
    assert_eq!(house.get(&path, &one.token).await.status, 200);
    house.get(&path, &two.token).await.refused(404, "not_found");
    let other = house.shop("Dumplings").await;
    let path = format!("/v1/merchant{}", &path[3..]);
    assert_eq!(house.get(&path, &shop.token).await.status, 200);
    house.get(&path, &other.token).await.refused(404, "not_found");
    let body = json!({"wallet": one.wallet, "merchant": shop.id, "amount": yuan("1.00")});
    let answer = house.post("/v1/payments", &two.token, &body).await;
    assert_eq!(answer.status, 404, "a foreign wallet cannot pay: {}", answer.text);
    assert_eq!(house.posted(&one).await, "99.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_wrong_are_refused() {
    let house = House::open().await;
    let payer = house.person("@payer", 0).await;
    for query in ["limit=0", "limit=101", "limit=x", "limit=-1", "unknown=1", "limit=1&limit=2"] {
        let answer = house.get(&format!("/v1/transfers?{query}"), &payer.token).await;
        answer.refused(400, "invalid_parameter");
    }
    for cursor in ["x", "AAAAAAAAAAAAAAAAAAAAAAA", "%F0%9F"] {
        let answer = house.get(&format!("/v1/transfers?cursor={cursor}"), &payer.token).await;
        assert!(matches!(answer.code(), "invalid_cursor" | "invalid_parameter"), "{}", answer.text);
    }
    house.get("/v1/transfers?cursor=x", &payer.token).await.refused(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_are_broken_are_refused() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let path = format!("/v1/stores/{}/code?currency=CNY", shop.store);
    let good = house.get(&path, &shop.token).await.expect(200);
    let good = good["payload"].as_str().expect("a payload").to_owned();
    let decode = |payload: String| {
        let (house, token) = (&house, payer.token.clone());
        async move { house.put(Method::POST, "/v1/qr/decode", &token, &json!({"payload": payload})).await }
    };
    assert_eq!(decode(good.clone()).await.status, 200);
    let swapped = if good.ends_with('0') { "1" } else { "0" };
    let bad_crc = format!("{}{swapped}", &good[..good.len() - 1]);
    decode(bad_crc.clone()).await.refused(422, "qr_crc_mismatch");
    decode(good[..good.len() - 2].to_owned()).await.refused(422, "qr_malformed");
    decode("not a code".to_owned()).await.refused(422, "qr_malformed");
    decode("0002010102116304A13A".to_owned()).await;
    let no_name = with_crc("000201010211520458125303156580 2CN6007CHENGDU6304".replace(' ', ""));
    let answer = decode(no_name).await;
    answer.refused(422, "qr_missing_field");
    let bad_country = good.replacen("5802CN", "5802c1", 1);
    let answer = decode(with_crc(bad_country[..bad_country.len() - 4].to_owned())).await;
    answer.refused(422, "qr_invalid_field");
    let foreign = with_crc(
        "00020101021129300012D156000000000510A93FO3230Q52044111530315658 02CN5914BEST TRANSPORT6007BEIJING6304"
            .replacen("58 02", "5802", 1),
    );
    let body = json!({"qr": foreign, "amount": yuan("1.00")});
    let answer = house.post("/v1/payments", &payer.token, &body).await;
    answer.refused(422, "qr_foreign");
    let body = json!({"qr": bad_crc, "amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &body).await.refused(422, "qr_crc_mismatch");
    assert_eq!(house.posted(&payer).await, "100.00");
}

/// A payload that ends with `6304`, with its right check sum.
fn with_crc(text: String) -> String {
    let sum = formats::emvco::crc16(text.as_bytes());
    format!("{text}{sum:04X}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_must_be_made_exactly_once() {
    let house = House::open().await;
    let payer = house.person("@payer", 10_000).await;
    let shop = house.shop("Noodles").await;
    let none: Value = json!({"amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &none).await.refused(422, "missing_field");
    let two = json!({"merchant": shop.id, "qr": "x", "amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &two).await.refused(422, "invalid_field");
    house.post("/v1/transfers", &payer.token, &none).await.refused(422, "missing_field");
    house.put(Method::POST, "/v1/quotes", &payer.token, &json!({})).await.refused(422, "missing_field");
}

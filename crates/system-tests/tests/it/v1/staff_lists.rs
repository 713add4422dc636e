//! `/v1/staff/jobs`, `/v1/staff/customers`, `/v1/staff/customers/search`

use crate::house::{House, yuan};
use bank::staff::Role;
use reqwest::Method;
use serde_json::{Value, json};

const SEARCH: &str = "/v1/staff/customers/search";

/// Every row of a list, two at a time.
async fn all(house: &House, path: &str, token: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = house.get(&format!("{path}?limit=2{cursor}"), token).await.expect(200);
        rows.extend(page["data"].as_array().expect("rows").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_which_jobs_wait_how_often_they_were_tried_and_why_they_failed() {
    let house = House::open().await;
    let auditor = house.staff(Role::AUDITOR).await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let hold = json!({"merchant": shop.id, "amount": yuan("40.00"), "hold": true, "hold_seconds": 600});
    house.post("/v1/payments", &payer.token, &hold).await.expect(201);
    house.world.sent.refuse_next(2);
    let phone = json!({"alias": "+8613912345678"});
    house.post("/v1/aliases", &payer.token, &phone).await.expect(201);
    let of = async |kind: &str| {
        let rows = all(&house, "/v1/staff/jobs", &auditor).await;
        let numbers: Vec<u64> = rows.iter().map(|row| row["number"].as_u64().expect("a number")).collect();
        assert!(numbers.is_sorted() && !numbers.is_empty(), "each once, in order: {numbers:?}");
        rows.into_iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("no job {kind}"))
    };
    let fresh = of("notices.send").await;
    assert_eq!((&fresh["attempts"], &fresh["last_error"]), (&json!(0), &json!(null)));
    house.world.run_jobs();
    house.world.clock.advance(5);
    house.world.run_jobs();
    let failed = of("notices.send").await;
    assert_eq!(failed["attempts"], 2);
    let why = failed["last_error"].as_str().expect("a reason");
    assert!(why.ends_with("something outside did not take it"), "no more than that somebody did: {why}");
    assert_eq!(failed["due_at"], "2026-11-23T02:00:15Z", "ten seconds after the second try");
    let expiry = of("payment.expire").await;
    assert_eq!((&expiry["due_at"], &expiry["attempts"]), (&json!("2026-11-23T02:10:00Z"), &json!(0)));
    house.world.clock.advance(600);
    house.world.run_jobs();
    let rows = all(&house, "/v1/staff/jobs", &auditor).await;
    let done = ["payment.expire", "notices.send"];
    assert!(rows.iter().all(|row| done.iter().all(|kind| row["kind"] != *kind)), "what is done is no longer here");
    house.get("/v1/staff/jobs?limit=0", &auditor).await.refused(400, "invalid_parameter");
    house.get("/v1/staff/jobs?cursor=x", &auditor).await.refused(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_list_customers_newest_first_without_anything_personal_but_a_masked_name() {
    let house = House::open().await;
    let auditor = house.staff(Role::AUDITOR).await;
    let mut made = Vec::new();
    for name in ["@one", "@two", "@three", "@four", "@five"] {
        house.world.clock.advance(1);
        made.push(house.person(name, 0).await.customer);
    }
    made.reverse();
    let rows = all(&house, "/v1/staff/customers", &auditor).await;
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, made);
    for row in &rows {
        let names: Vec<&String> = row.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["created_at", "erased_at", "id", "masked_name", "tier", "wallet"]);
        let masked = row["masked_name"].as_str().expect("a name");
        assert!(masked.contains('*') && !masked.contains("Person"), "{masked}");
    }
    let compliance = house.staff(Role::COMPLIANCE).await;
    let path = format!("/v1/staff/customers/{}", made[0]);
    assert_eq!(house.delete(&path, &compliance).await.status, 204);
    let erased = &all(&house, "/v1/staff/customers", &auditor).await[0];
    assert_eq!((&erased["masked_name"], erased["erased_at"].is_string()), (&json!(null), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_found_by_id_wallet_alias_and_sign_in_name() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
    let (one, two) = (house.person("@one", 0).await, house.person("@two", 0).await);
    let phone = "+8613912345678";
    let claim = house.post("/v1/aliases", &one.token, &json!({"alias": phone})).await.expect(201);
    let found = async |body: Value| {
        let page = house.put(Method::POST, SEARCH, &staff, &body).await.expect(200);
        let rows = page["data"].as_array().expect("rows").clone();
        let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().expect("an id")).collect();
        ids.join(" ")
    };
    assert_eq!(found(json!({"customer": one.customer})).await, one.customer);
    assert_eq!(found(json!({"wallet": two.wallet})).await, two.customer);
    assert_eq!(found(json!({"alias": "@two"})).await, two.customer);
    assert!(found(json!({"alias": phone})).await.is_empty(), "it is claimed, and not yet proven");
    let code = house.world.last_code(phone).expect("a code was sent");
    let path = format!("/v1/aliases/{}/verify", claim["id"].as_str().expect("an id"));
    house.post(&path, &one.token, &json!({"code": code})).await.expect(200);
    assert_eq!(found(json!({"alias": phone})).await, one.customer);
    assert!(found(json!({"alias": "@nobody"})).await.is_empty());
    let nobody = "cus_06f5t2c9wk7v1xq4mz8rhd3bne";
    assert!(found(json!({"customer": nobody})).await.is_empty());
    let bad = [
        (json!({}), "missing_field"),
        (json!({"customer": one.customer, "alias": "@one"}), "invalid_field"),
        (json!({"alias": "no alias at all"}), "alias_invalid"),
        (json!({"name": "Person"}), "unknown_field"),
    ];
    for (body, code) in bad {
        house.put(Method::POST, SEARCH, &staff, &body).await.refused(422, code);
    }
    let auditor = house.staff(Role::AUDITOR).await;
    house.put(Method::POST, SEARCH, &auditor, &json!({"alias": "@one"})).await.refused(403, "forbidden");
    house.put(Method::POST, SEARCH, &one.token, &json!({"alias": "@two"})).await.refused(403, "forbidden");
}

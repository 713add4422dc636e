//! `/v1/staff/approvals`

use crate::house::{Answer, House};
use bank::staff::Role;
use reqwest::Method;
use serde_json::{Value, json};

const POLICIES: &str = "/v1/staff/policies";

fn days(days: u32) -> Value {
    json!({"name": "refund_days", "value": days, "source": "Decision 31"})
}

async fn set(house: &House, token: &str, body: &Value, (header, value): (&str, &str)) -> Answer {
    let request = house.request(Method::POST, POLICIES, token).header("idempotency-key", house.key());
    house.send(request.header(header, value).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_fees_change_only_after_a_second_person_has_approved_exactly_that() {
    let house = House::strict().await;
    let (one, two) = (house.staff(Role::PRODUCT).await, house.staff(Role::PRODUCT).await);
    let asked = house.post(POLICIES, &one, &days(180)).await;
    asked.refused(403, "approval_required");
    let id = asked.at("/approval").to_owned();
    let path = format!("/v1/staff/approvals/{id}");
    let shown = house.get(&path, &two).await.expect(200);
    assert!(shown["asked"].as_str().is_some_and(|asked| asked.starts_with("POST /v1/staff/policies\n{")), "{shown}");
    let about = json!({"digest": shown["digest"]});
    house.post(&format!("{path}/approve"), &one, &about).await.refused(403, "forbidden");
    let operator = house.staff(Role::OPERATIONS).await;
    house.post(&format!("{path}/approve"), &operator, &about).await.refused(403, "forbidden");
    let other = json!({"digest": "0".repeat(64)});
    house.post(&format!("{path}/approve"), &two, &other).await.refused(409, "approval_not_valid");
    assert_eq!(house.post(&format!("{path}/approve"), &two, &about).await.expect(200)["state"], "approved");
    set(&house, &one, &days(181), ("approval", &id)).await.refused(409, "approval_not_valid");
    set(&house, &two, &days(180), ("approval", &id)).await.refused(409, "approval_not_valid");
    assert_eq!(set(&house, &one, &days(180), ("approval", &id)).await.expect(201)["value"], 180);
    set(&house, &one, &days(180), ("approval", &id)).await.refused(409, "approval_not_valid");
    let used = house.get("/v1/staff/approvals?state=used", &two).await.expect(200);
    assert_eq!(used["data"][0]["id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn glass_is_broken_by_those_who_may_and_everybody_hears_it() {
    let house = House::strict().await;
    let (product, administrator) = (house.staff(Role::PRODUCT).await, house.staff(Role::ADMINISTRATOR).await);
    let why = ("break-glass", "the fee table is wrong and the shops are open");
    set(&house, &product, &days(180), why).await.refused(403, "forbidden");
    set(&house, &administrator, &days(180), ("break-glass", "hurry")).await.refused(422, "invalid_field");
    set(&house, &administrator, &days(180), why).await.expect(201);
    let cases = house.get("/v1/staff/cases", &product).await.expect(200);
    assert_eq!(cases["data"][0]["kind"], "broken_glass");
    let events = house.get("/v1/events", &product).await.expect(200);
    let loud = events["data"].as_array().expect("events").iter().any(|event| event["type"] == "staff.broke_glass");
    assert!(loud);
}

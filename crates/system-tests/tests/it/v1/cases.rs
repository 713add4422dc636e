//! `/v1/staff/cases`

use crate::house::{House, yuan};
use bank::staff::Role;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_without_a_result_opens_a_case_that_is_closed_with_evidence() {
    let house = House::open().await;
    let staff = house.staff(Role::Operations).await;
    let person = house.person("@person", 0).await;
    let link = json!({"number": "DE89370400440532013000"});
    let link = house.post("/v1/bank-accounts", &person.token, &link).await.expect(201);
    let body = json!({"bank_account": link["id"], "amount": yuan("50.00")});
    let top_up = house.post("/v1/top-ups", &person.token, &body).await.expect(201);
    house.world.run_jobs();
    house.world.clock.advance(4 * 86_400);
    house.world.run_jobs();
    let person = house.again(&person, "@person").await;
    let path = format!("/v1/top-ups/{}", top_up["id"].as_str().expect("an id"));
    let seen = house.get(&path, &person.token).await.expect(200);
    assert_eq!(seen["state"], "under_investigation");
    assert!(seen["next_date"].is_string(), "the next date is shown");
    let cases = house.get("/v1/staff/cases?open_only=true", &staff).await.expect(200);
    let case = &cases["data"][0];
    assert_eq!((&case["kind"], &case["subject"]), (&json!("no_result"), &top_up["id"]));
    let path = format!("/v1/staff/cases/{}", case["id"].as_str().expect("an id"));
    house.post(&format!("{path}/notes"), &staff, &json!({"text": "asked the bank"})).await.expect(201);
    let empty = json!({"reason": " ", "evidence": "letter 7"});
    house.post(&format!("{path}/close"), &staff, &empty).await.refused(422, "missing_field");
    let closing = json!({"reason": "the bank never had it", "evidence": "letter 7"});
    let closed = house.post(&format!("{path}/close"), &staff, &closing).await.expect(200);
    assert_eq!(closed["open"], false);
    house.post(&format!("{path}/close"), &staff, &closing).await.refused(409, "case_closed");
    assert!(house.get(&path, &staff).await.expect(200)["notes"].as_array().is_some_and(|notes| notes.len() >= 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_investigation_ends_by_two_people_and_never_by_one() {
    let house = House::open().await;
    let (one, two) = (house.staff(Role::Operations).await, house.staff(Role::Operations).await);
    let person = house.person("@person", 0).await;
    let link = json!({"number": "DE89370400440532013000"});
    let link = house.post("/v1/bank-accounts", &person.token, &link).await.expect(201);
    let body = json!({"bank_account": link["id"], "amount": yuan("50.00")});
    let top_up = house.post("/v1/top-ups", &person.token, &body).await.expect(201);
    house.world.run_jobs();
    house.world.clock.advance(4 * 86_400);
    house.world.run_jobs();
    let case = house.get("/v1/staff/cases?open_only=true", &one).await.expect(200)["data"][0]["id"].clone();
    let path = format!("/v1/staff/cases/{}", case.as_str().expect("an id"));
    let finding = json!({"finding": "executed", "amount": yuan("50.00")});
    let proposal = json!({"finding": "executed", "amount": yuan("50.00"), "reason": "it paid", "evidence": "letter 7"});
    let bare = json!({"finding": "executed", "reason": "it paid", "evidence": "letter 7"});
    house.post(&format!("{path}/proposal"), &one, &bare).await.refused(422, "missing_field");
    house.post(&format!("{path}/proposal"), &one, &proposal).await.expect(200);
    house.post(&format!("{path}/approval"), &one, &finding).await.refused(403, "forbidden");
    let other = json!({"finding": "not_executed"});
    house.post(&format!("{path}/approval"), &two, &other).await.refused(422, "invalid_field");
    let closed = house.post(&format!("{path}/approval"), &two, &finding).await.expect(200);
    assert_eq!(closed["open"], false);
    let person = house.again(&person, "@person").await;
    let top_up = format!("/v1/top-ups/{}", top_up["id"].as_str().expect("an id"));
    assert_eq!(house.get(&top_up, &person.token).await.expect(200)["state"], "succeeded");
}

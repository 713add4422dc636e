//! `/v1/staff/cases`

use crate::house::{House, yuan};
use bank::staff::Role;
use bank::testing::Outcome;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_without_a_result_opens_a_case_that_is_closed_with_evidence() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
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
    let (one, two) = (house.staff(Role::OPERATIONS).await, house.staff(Role::OPERATIONS).await);
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

#[tokio::test(flavor = "multi_thread")]
async fn money_that_came_for_a_closed_wallet_is_released_by_two_people() {
    let house = House::open().await;
    let (one, two) = (house.staff(Role::OPERATIONS).await, house.staff(Role::OPERATIONS).await);
    let compliance = house.staff(Role::COMPLIANCE).await;
    let person = house.person("@person", 0).await;
    let link = json!({"number": "DE89370400440532013000"});
    let link = house.post("/v1/bank-accounts", &person.token, &link).await.expect(201);
    let body = json!({"bank_account": link["id"], "amount": yuan("50.00")});
    let top_up = house.post("/v1/top-ups", &person.token, &body).await.expect(201);
    house.world.run_jobs();
    let end_to_end = house.world.rail.instructions()[0].end_to_end.clone();
    house.world.rail.say(&end_to_end, Outcome::Rejected { reason: "no such account".to_owned() });
    house.world.clock.advance(2);
    house.world.run_jobs();
    let wallet = house.get("/v1/wallet", &person.token).await.expect(200);
    let account = format!("/v1/staff/accounts/{}", wallet["accounts"][0]["id"].as_str().expect("an id"));
    assert_eq!(house.post(&format!("{account}/close"), &compliance, &json!({})).await.status, 204);
    house.world.rail.say(&end_to_end, Outcome::Done { amount: 5_000 });
    house.world.clock.advance(2);
    house.world.run_jobs();

    let case = house.get("/v1/staff/cases?open_only=true", &one).await.expect(200)["data"][0].clone();
    assert_eq!((&case["kind"], &case["subject"]), (&json!("not_creditable"), &top_up["id"]));
    let path = format!("/v1/staff/cases/{}", case["id"].as_str().expect("an id"));
    let closing = json!({"reason": "done with", "evidence": "letter 7"});
    house.post(&format!("{path}/close"), &one, &closing).await.refused(409, "money_waiting");
    let release = json!({"finding": "release", "wallet": wallet["id"]});
    let proposal = json!({"finding": "release", "wallet": wallet["id"], "reason": "reopened", "evidence": "letter 7"});
    let wrong = json!({"finding": "send_back", "wallet": wallet["id"], "reason": "x", "evidence": "y"});
    house.post(&format!("{path}/proposal"), &one, &wrong).await.refused(422, "invalid_field");
    house.post(&format!("{path}/proposal"), &person.token, &proposal).await.refused(403, "forbidden");
    house.post(&format!("{path}/proposal"), &one, &proposal).await.expect(200);
    house.post(&format!("{path}/approval"), &one, &release).await.refused(403, "forbidden");
    house.post(&format!("{path}/approval"), &two, &release).await.refused(409, "account_closed");
    house.post(&format!("{account}/reopen"), &one, &json!({})).await.refused(403, "forbidden");
    assert_eq!(house.post(&format!("{account}/reopen"), &compliance, &json!({})).await.status, 204);
    let key = house.key();
    for _ in 0..2 {
        let closed = house.post_under(&key, &format!("{path}/approval"), &two, &release).await.expect(200);
        assert_eq!(closed["open"], false);
    }
    assert_eq!(house.posted(&person).await, "50.00");
    let events = house.get("/v1/events?limit=100", &one).await.expect(200);
    let of = |kind: &str| events["data"].as_array().is_some_and(|all| all.iter().any(|event| event["type"] == kind));
    assert!(of("suspense.released") && of("account.reopened"), "{events}");
}

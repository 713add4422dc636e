//! `/v1/staff/audit-log`

use crate::house::House;
use bank::staff::Role;
use serde_json::{Value, json};

fn told(page: &Value) -> Vec<(&str, &str)> {
    let rows = page["data"].as_array().expect("rows");
    rows.iter()
        .map(|row| (row["action"].as_str().expect("an action"), row["outcome"].as_str().expect("an outcome")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_did_what_to_what_from_where_and_how_it_ended() {
    let house = House::open().await;
    let (compliance, auditor) = (house.staff(Role::COMPLIANCE).await, house.staff(Role::AUDITOR).await);
    let payer = house.person("@payer", 1_000).await;
    let wallet = house.get("/v1/wallet", &payer.token).await.expect(200);
    let account = wallet["accounts"][0]["id"].as_str().expect("an id");
    let freeze = format!("/v1/staff/accounts/{account}/freeze");
    assert_eq!(house.post(&freeze, &compliance, &json!({"debit": true})).await.status, 204);
    let close = format!("/v1/staff/accounts/{account}/close");
    house.post(&close, &compliance, &json!({})).await.refused(409, "account_not_empty");
    let log = house.get(&format!("/v1/staff/audit-log?subject={account}"), &auditor).await.expect(200);
    assert_eq!(told(&log), [("accounts.close", "account_not_empty"), ("accounts.freeze", "done")]);
    let row = &log["data"][1];
    assert_eq!(row["address"], "127.0.0.1");
    assert_eq!(row["asked"], format!("POST {freeze}\n{{\"debit\":true}}"));
    assert!(row["actor"].as_str().is_some_and(|actor| actor.starts_with("stf_")));
    let actor = row["actor"].as_str().expect("an actor");
    let by_actor = house.get(&format!("/v1/staff/audit-log?actor={actor}&limit=1"), &auditor).await.expect(200);
    let next = by_actor["next_cursor"].as_str().expect("a cursor");
    let rest = house.get(&format!("/v1/staff/audit-log?actor={actor}&cursor={next}"), &auditor).await.expect(200);
    assert_eq!((told(&by_actor).len(), told(&rest).last()), (1, Some(&("accounts.freeze", "done"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_person_is_an_act() {
    let house = House::open().await;
    let (compliance, auditor) = (house.staff(Role::COMPLIANCE).await, house.staff(Role::AUDITOR).await);
    let payer = house.person("@payer", 1_000).await;
    let who = house.get("/v1/me", &payer.token).await.expect(200)["id"].as_str().expect("an id").to_owned();
    house.get(&format!("/v1/staff/customers/{who}"), &compliance).await.expect(200);
    house.post("/v1/staff/customers/search", &compliance, &json!({"customer": who})).await.expect(200);
    let views = house.get(&format!("/v1/staff/audit-log?subject={who}"), &auditor).await.expect(200);
    assert_eq!(told(&views), [("customers.view", "done")]);
    let searches = house.get("/v1/staff/audit-log?action=customers.search", &auditor).await.expect(200);
    assert!(searches["data"][0]["asked"].as_str().is_some_and(|asked| asked.contains(&who)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_more_than_one_step_is_recorded_before_it_begins() {
    let house = House::open().await;
    let (operator, auditor) = (house.staff(Role::OPERATIONS).await, house.staff(Role::AUDITOR).await);
    house.post("/v1/sandbox/clock", &operator, &json!({"advance_seconds": 60})).await.expect(200);
    let today = json!({"day": "2026-11-20"});
    house.put(reqwest::Method::PUT, "/v1/staff/closed-days", &operator, &today).await;
    house.get("/v1/staff/general-ledger?from=2026-11-20&to=2026-11-21", &operator).await;
    let log = house.get("/v1/staff/audit-log?limit=3", &auditor).await.expect(200);
    let acts = [("books.export", "done"), ("books.close_day", "begun"), ("sandbox.move_clock", "begun")];
    assert_eq!(told(&log), acts);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_by_those_who_inspect_only() {
    let house = House::open().await;
    for role in [Role::OPERATIONS, Role::PRODUCT] {
        let staff = house.staff(role).await;
        house.get("/v1/staff/audit-log", &staff).await.refused(403, "forbidden");
    }
    let person = house.person("@person", 1_000).await;
    house.get("/v1/staff/audit-log", &person.token).await.refused(403, "forbidden");
}

//! `/v1/registrations`

use crate::house::{Answer, House, PASSWORD};
use bank::staff::Role;
use reqwest::Method;
use serde_json::json;

async fn start(house: &House, contact: &str) -> Answer {
    house.post("/v1/registrations", "", &json!({"contact": contact})).await
}

async fn finish(house: &House, id: &str, contact: &str, code: &str) -> Answer {
    let body = json!({"registration": id, "contact": contact, "code": code, "display_name": "Li Wei",
        "password": PASSWORD, "currencies": ["CNY"]});
    house.post("/v1/registrations/finish", "", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_proves_her_number_registers_and_signs_in() {
    let house = House::open().await;
    let phone = "+8613800000001";
    let started = start(&house, phone).await.expect(201);
    let id = started["id"].as_str().expect("an id");
    let code = house.world.last_code(phone).expect("a code was sent");
    let staff = house.staff(Role::ADMINISTRATOR).await;
    let outbox = house.get("/v1/sandbox/outbox", &staff).await;
    assert!(outbox.text.contains(&code), "a sandbox shows it");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    finish(&house, id, phone, wrong).await.refused(422, "code_wrong");
    finish(&house, id, "eve@example.com", &code).await.refused(422, "code_wrong");
    let made = finish(&house, id, phone, &code).await.expect(201);
    finish(&house, id, phone, &code).await.refused(409, "code_expired");
    let body = json!({"sign_in": phone, "password": PASSWORD});
    let session = house.put(Method::POST, "/v1/sessions", "", &body).await.expect(201);
    assert_eq!(session["customer"], made["customer"]);
    start(&house, "@handle").await.refused(422, "alias_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_from_answers_who_has_a_wallet() {
    let house = House::open().await;
    house.person("li@example.com", 0).await;
    let mut told = Vec::new();
    for contact in ["li@example.com", "no@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            let started = start(&house, contact).await;
            let fields: Vec<String> = started.body.as_object().expect("an object").keys().cloned().collect();
            let shape = (started.status, fields, started.text.len(), started.at("/code_expires_at").to_owned());
            let id = started.at("/id").to_owned();
            let refused = finish(&house, &id, contact, "wrong").await;
            answers.push((shape, refused.status, refused.at("/code").to_owned(), refused.at("/detail").to_owned()));
        }
        let more = start(&house, contact).await;
        told.push((answers, more.status, more.at("/code").to_owned(), more.at("/detail").to_owned()));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].2, "too_many_attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_wants_proof_registers_nobody_without() {
    let house = House::open().await;
    let staff = house.staff(Role::ADMINISTRATOR).await;
    let policy = json!({"name": "registration_needs_contact", "value": true, "source": "a test"});
    house.post("/v1/staff/policies", &staff, &policy).await.expect(201);
    house.world.clock.advance(1);
    let new = json!({"sign_in": "@li", "display_name": "Li", "password": PASSWORD, "currencies": ["CNY"]});
    house.post("/v1/customers", "", &new).await.refused(403, "contact_required");
    assert_eq!(start(&house, "li@example.com").await.status, 201);
}

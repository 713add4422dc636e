//! Who may do what. Generated from the OpenAPI document, so that no operation can be forgotten: every one is called as
//! nobody, and as every kind of stranger.

use crate::house::House;
use crate::openapi::each_operation;
use api::Api;
use bank::staff::Role;
use reqwest::Method;
use serde_json::{Value, json};

/// Operations that need no caller. Reviewed: add one here only with a reason.
const OPEN: &[(&str, &str)] = &[
    // Nobody is known before registering.
    ("post", "/v1/customers"),
    ("post", "/v1/registrations"),
    ("post", "/v1/registrations/finish"),
    // Nobody is known before signing in.
    ("post", "/v1/sessions"),
    // The refresh token is the credential.
    ("post", "/v1/sessions/refresh"),
    // Asked for before signing in.
    ("post", "/v1/devices/challenge"),
];

struct Operation {
    method: Method,
    path: String,
    name: String,
    schemes: Vec<String>,
    body: Value,
}

/// Every operation, with ids that belong to nobody and the example as its body.
fn operations() -> Vec<Operation> {
    let document = Api::new().document;
    let mut found = Vec::new();
    each_operation(&document, |path, method, operation| {
        let schemes = operation["security"].as_array().expect("security").iter();
        let schemes = schemes.flat_map(|row| row.as_object().expect("a scheme").keys().cloned()).collect();
        let mut filled = path.to_owned();
        let mut query = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().unwrap_or("x").to_owned();
            if parameter["in"] == "path" {
                filled = filled.replace(&format!("{{{name}}}"), &example);
            } else if parameter["in"] == "query" && parameter["required"] == true {
                query.push(format!("{name}={example}"));
            }
        }
        if !query.is_empty() {
            filled = format!("{filled}?{}", query.join("&"));
        }
        let body = operation["requestBody"]["content"]["application/json"]["example"].clone();
        let name = format!("{method} {path}");
        let method = method.to_uppercase().parse().expect("a method");
        found.push(Operation { method, path: filled, name, schemes, body });
    });
    found
}

async fn call(house: &House, operation: &Operation, token: &str) -> crate::house::Answer {
    let mut request = house.request(operation.method.clone(), &operation.path, token);
    request = request.header("idempotency-key", house.key());
    if !operation.body.is_null() {
        request = request.json(&operation.body);
    }
    house.send(request).await
}

fn is_open(operation: &Operation) -> bool {
    OPEN.iter().any(|(method, path)| operation.name == format!("{method} {path}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_nothing_but_what_is_open() {
    let house = House::open().await;
    let mut checked = 0;
    for operation in operations() {
        if is_open(&operation) {
            assert!(operation.schemes.is_empty(), "{} is open and says so", operation.name);
            continue;
        }
        assert!(!operation.schemes.is_empty(), "{} names who may", operation.name);
        call(&house, &operation, "").await.refused(401, "unauthenticated");
        for wrong in ["x", "jzs_0000", "jzt_0000", "jz_test_0000"] {
            call(&house, &operation, wrong).await.refused(401, "unauthenticated");
        }
        checked += 1;
    }
    assert!(checked > 70, "only {checked} operations were checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_of_another_kind_is_forbidden() {
    let house = House::open().await;
    let person = house.person("@stranger", 0).await;
    let shop = house.shop("Stranger").await;
    let staff = house.staff(Role::ADMINISTRATOR).await;
    let strangers = [("customer_session", &person.token), ("merchant_key", &shop.token), ("staff_token", &staff)];
    for operation in operations().iter().filter(|operation| !is_open(operation)) {
        for (scheme, token) in &strangers {
            if !operation.schemes.iter().any(|allowed| allowed == scheme) {
                let answer = call(&house, operation, token).await;
                assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{} as {scheme}", operation.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_of_the_same_kind_finds_nothing() {
    let house = House::open().await;
    let person = house.person("@stranger", 0).await;
    let shop = house.shop("Stranger").await;
    for operation in
        operations().iter().filter(|operation| operation.name.contains("_") || operation.name.contains('{'))
    {
        for (scheme, token) in [("customer_session", &person.token), ("merchant_key", &shop.token)] {
            let own = operation.schemes.iter().any(|allowed| allowed == scheme);
            if own && operation.name.contains('{') {
                let answer = call(&house, operation, token).await;
                assert_eq!(answer.status, 404, "{} as {scheme}: {}", operation.name, answer.text);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_sees_and_changes_nothing() {
    let house = House::open().await;
    let auditor = house.staff(Role::AUDITOR).await;
    for operation in operations().iter().filter(|operation| operation.path.starts_with("/v1/staff/")) {
        let answer = call(&house, operation, &auditor).await;
        if operation.method == Method::GET {
            assert!(matches!(answer.status, 200 | 404), "{}: {}", operation.name, answer.text);
        } else {
            assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{}", operation.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_scope_is_forbidden() {
    let house = House::open().await;
    let shop = house.shop("Noodles").await;
    let staff = house.staff(Role::ADMINISTRATOR).await;
    let body = json!({"label": "reader", "scopes": ["payments:read"]});
    let made = house.post(&format!("/v1/staff/merchants/{}/keys", shop.id), &staff, &body).await.expect(201);
    let key = made["key"].as_str().expect("a key");
    assert_eq!(house.get("/v1/orders", key).await.status, 200);
    house.get("/v1/settlements", key).await.refused(403, "forbidden");
    house.get("/v1/events", key).await.refused(403, "forbidden");
    house.get("/v1/webhooks", key).await.refused(403, "forbidden");
    let order = json!({"amount": {"amount": "1.00", "currency": "CNY"}, "reference": "A"});
    house.post("/v1/orders", key, &order).await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_is_taken_back() {
    let house = House::open().await;
    let person = house.person("@leaver", 0).await;
    assert_eq!(house.get("/v1/me", &person.token).await.status, 200);
    assert_eq!(house.delete("/v1/sessions/current", &person.token).await.status, 204);
    house.get("/v1/me", &person.token).await.refused(401, "unauthenticated");
    let shop = house.shop("Noodles").await;
    let staff = house.staff(Role::OPERATIONS).await;
    let keys = house.get(&format!("/v1/staff/merchants/{}/keys", shop.id), &staff).await.expect(200);
    let key = keys["data"][0]["id"].as_str().expect("an id");
    assert_eq!(house.get("/v1/merchant", &shop.token).await.status, 200);
    let path = format!("/v1/staff/merchants/{}/keys/{key}", shop.id);
    assert_eq!(house.delete(&path, &staff).await.status, 204);
    house.get("/v1/merchant", &shop.token).await.refused(401, "unauthenticated");
}

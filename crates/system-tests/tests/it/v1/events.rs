//! `/v1/events`

use crate::house::{House, yuan};
use bank::staff::Role;
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_banks_sequence_has_no_gaps_and_each_sees_her_own() {
    let house = House::open().await;
    let staff = house.staff(Role::OPERATIONS).await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let other = house.shop("Dumplings").await;
    let pay = json!({"merchant": shop.id, "amount": yuan("1.00")});
    let all = (0..20).map(|_| house.post("/v1/payments", &payer.token, &pay));
    futures::future::join_all(all).await;
    let (mut numbers, mut after) = (Vec::new(), 0);
    loop {
        let page = house.get(&format!("/v1/events?after={after}&limit=7"), &staff).await.expect(200);
        let rows = page["data"].as_array().expect("rows").clone();
        if rows.is_empty() {
            break;
        }
        numbers.extend(rows.iter().map(|row| row["number"].as_u64().expect("a number")));
        after = page["last"].as_u64().expect("a number");
    }
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "in order, from 1, without gaps");
    let own = house.get("/v1/events?limit=500", &shop.token).await.expect(200);
    let paid = |row: &&Value| row["type"] == "payment.succeeded";
    assert_eq!(own["data"].as_array().expect("rows").iter().filter(paid).count(), 20);
    let none = house.get("/v1/events?limit=500", &other.token).await.expect(200);
    assert!(none["data"].as_array().expect("rows").iter().all(|row| row["type"] != "payment.succeeded"));
    house.get("/v1/events?limit=501", &staff).await.refused(400, "invalid_parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_after_what_was_seen_and_goes_on() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let pay = json!({"merchant": shop.id, "amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    let before = house.get("/v1/events?limit=500", &shop.token).await.expect(200)["last"].as_u64().expect("a number");
    let request = house.request(reqwest::Method::GET, "/v1/events/stream?after=0", &shop.token);
    let request = request.header("last-event-id", before.to_string());
    let answer = request.send().await.expect("a stream");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.bytes_stream();
    for _ in 0..3 {
        house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    }
    let mut text = String::new();
    while text.matches("\ndata:").count() + usize::from(text.starts_with("data:")) < 3 {
        let chunk = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("in time");
        text.push_str(&String::from_utf8_lossy(&chunk.expect("more").expect("bytes")));
    }
    let numbers: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix("id:")?.trim().parse().ok()).collect();
    assert!(numbers.len() >= 3 && numbers.iter().all(|number| *number > before), "{text}");
    assert!(numbers.is_sorted(), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_nothing_after_the_key_it_was_begun_with_has_ended() {
    let house = House::open().await;
    let (payer, shop) = (house.person("@payer", 10_000).await, house.shop("Noodles").await);
    let operator = house.staff(Role::OPERATIONS).await;
    let before = house.get("/v1/events?limit=500", &shop.token).await.expect(200)["last"].as_u64().expect("a number");
    let path = format!("/v1/events/stream?after={before}");
    let answer = house.request(reqwest::Method::GET, &path, &shop.token).send().await.expect("a stream");
    assert_eq!(answer.status(), 200);
    let keys = format!("/v1/staff/merchants/{}/keys", shop.id);
    let key = house.get(&keys, &operator).await.expect(200)["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(house.delete(&format!("{keys}/{key}"), &operator).await.status, 204);
    let pay = json!({"merchant": shop.id, "amount": yuan("1.00")});
    house.post("/v1/payments", &payer.token, &pay).await.expect(201);
    let text = tokio::time::timeout(Duration::from_secs(60), answer.text()).await.expect("it ends").expect("text");
    assert!(!text.contains("payment."), "{text}");
    let told = house.get(&format!("/v1/events?after={before}"), &operator).await.expect(200)["data"].to_string();
    assert!(told.contains("payment.succeeded"), "there was something to tell: {told}");
}

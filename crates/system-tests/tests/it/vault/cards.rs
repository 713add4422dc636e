//! A card's way from its owner to the vault, and its token's way to the bank.

use super::{PAN, Vaulted, details};
use formats::jwe;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_card_goes_to_the_vault_and_its_token_to_the_bank() {
    let world = Vaulted::open().await;
    let house = &world.house;
    let person = house.person("@li_na", 0).await;
    let ticket = world.ticket(&person).await;
    let brought = world.bring(&ticket, PAN).await.expect(201);
    assert_eq!((&brought["brand"], &brought["last4"]), (&json!("visa"), &json!("1234")));
    assert_eq!((&brought["expiry_month"], &brought["expiry_year"]), (&json!(12), &json!(2030)));
    let body = json!({"token": brought["token"], "label": "Salary"});
    let linked = house.post("/v1/cards", &person.token, &body).await.expect(201);
    assert_eq!(
        (&linked["masked"], &linked["label"], &linked["brand"]),
        (&json!("…1234"), &json!("Salary"), &json!("visa"))
    );
    let again = house.post("/v1/cards", &person.token, &json!({"token": brought["token"]})).await.expect(201);
    assert_eq!(again, linked, "linked once, whatever the key");
    let key = house.key();
    let first = house.post_under(&key, "/v1/cards", &person.token, &body).await;
    let replay = house.post_under(&key, "/v1/cards", &person.token, &body).await;
    assert_eq!((first.text, replay.header("idempotent-replayed")), (replay.text.clone(), "true"));
    let path = format!("/v1/cards/{}", linked["id"].as_str().expect("an id"));
    let renamed = house.put(Method::PATCH, &path, &person.token, &json!({"label": "Holidays"})).await.expect(200);
    assert_eq!(renamed["label"], "Holidays");
    let bad = house.put(Method::PATCH, &path, &person.token, &json!({"label": PAN})).await;
    bad.refused(422, "invalid_field");
    assert_eq!(house.get("/v1/cards", &person.token).await.expect(200)["data"], json!([renamed]));
    assert_eq!(house.delete(&path, &person.token).await.status, 204);
    house.delete(&path, &person.token).await.refused(404, "card_not_found");
    assert_eq!(house.get("/v1/cards", &person.token).await.expect(200)["data"], json!([]));
    house.world.run_jobs();
    let anew = world.token(&person, PAN).await;
    assert_ne!(brought["token"], anew.as_str(), "its number was destroyed and begins anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_token_and_card_are_none() {
    let world = Vaulted::open().await;
    let house = &world.house;
    let (li, wang) = (house.person("@li_na", 0).await, house.person("@wang", 0).await);
    let token = world.token(&li, PAN).await;
    house.post("/v1/cards", &wang.token, &json!({"token": token})).await.refused(404, "card_not_found");
    let linked = house.post("/v1/cards", &li.token, &json!({"token": token})).await.expect(201);
    house.post("/v1/cards", &wang.token, &json!({"token": token})).await.refused(404, "card_not_found");
    let path = format!("/v1/cards/{}", linked["id"].as_str().expect("an id"));
    house.delete(&path, &wang.token).await.refused(404, "card_not_found");
    let named = house.put(Method::PATCH, &path, &wang.token, &json!({"label": "Mine"})).await;
    named.refused(404, "card_not_found");
    assert_ne!(world.token(&wang, PAN).await, token, "the same number of two people is two tokens");
    assert_eq!(world.token(&li, PAN).await, token);
    assert_eq!(house.get("/v1/cards", &wang.token).await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lets_one_card_in_for_five_minutes() {
    let world = Vaulted::open().await;
    let person = world.house.person("@li_na", 0).await;
    let ticket = world.ticket(&person).await;
    let message = world.sealed(&details(&ticket, PAN)).await;
    let body = json!({"ticket": ticket, "card": message});
    world.post("/v1/cards", &body).await.expect(201);
    world.post("/v1/cards", &body).await.refused(401, "card_ticket_invalid");
    let late = world.ticket(&person).await;
    world.house.world.clock.advance(300);
    world.bring(&late, PAN).await.refused(401, "card_ticket_invalid");
    for foreign in ["", "jct_", "jct_AAAA", &person.token] {
        world.bring(foreign, PAN).await.refused(401, "card_ticket_invalid");
    }
    let mut bent = world.ticket(&person).await.into_bytes();
    bent[30] ^= 1;
    world.bring(std::str::from_utf8(&bent).expect("ASCII"), PAN).await.refused(401, "card_ticket_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_seen_is_worth_nothing_with_another_ticket() {
    let world = Vaulted::open().await;
    let (li, thief) = (world.house.person("@li_na", 0).await, world.house.person("@thief", 0).await);
    let (hers, his) = (world.ticket(&li).await, world.ticket(&thief).await);
    let message = world.sealed(&details(&hers, PAN)).await;
    let body = json!({"ticket": his, "card": message});
    world.post("/v1/cards", &body).await.refused(422, "card_details_unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_other_kinds_are_refused() {
    let world = Vaulted::open().await;
    let person = world.house.person("@li_na", 0).await;
    let published = world.keys().await.keys.remove(0);
    assert_eq!((published.alg.as_str(), published.purpose.as_str()), ("RSA-OAEP-256", "enc"));
    let key = published.key().expect("a key");
    assert_eq!(published.kid, key.thumbprint());
    let kid = &published.kid;
    for header in [
        json!({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": kid}),
        json!({"alg": "RSA-OAEP-256", "enc": "A128GCM", "kid": kid}),
        json!({"alg": "none", "enc": "A256GCM", "kid": kid}),
        json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "another"}),
        json!({"alg": "RSA-OAEP-256", "enc": "A256GCM"}),
        json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": kid, "zip": "DEF"}),
        json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": kid, "crit": ["x"], "x": 1}),
    ] {
        let ticket = world.ticket(&person).await;
        let plain = details(&ticket, PAN).to_string();
        let text = header.to_string();
        let card = jwe::encrypt_under(&text, &key, plain.as_bytes(), world.entropy.as_ref()).expect("encrypted");
        let body = json!({"ticket": ticket, "card": card});
        world.post("/v1/cards", &body).await.refused(422, "card_details_unreadable");
    }
    let ticket = world.ticket(&person).await;
    let whole = world.sealed(&details(&ticket, PAN)).await;
    let parts: Vec<&str> = whole.split('.').collect();
    for part in 0..4 {
        let mut bent: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let letter = if bent[part].as_bytes()[5] == b'Q' { "g" } else { "Q" };
        bent[part].replace_range(5..6, letter);
        let body = json!({"ticket": ticket, "card": bent.join(".")});
        world.post("/v1/cards", &body).await.refused(422, "card_details_unreadable");
    }
    world.post("/v1/cards", &json!({"ticket": ticket, "card": whole})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_details_are_told_apart_without_repeating_them() {
    let world = Vaulted::open().await;
    let person = world.house.person("@li_na", 0).await;
    for (name, value, code) in [
        ("number", json!("4000123412341235"), "card_number_invalid"),
        ("expiry_year", json!(2020), "card_expired"),
        ("security_code", json!("12"), "card_code_invalid"),
        ("number", json!(["4000123412341234"]), "card_details_unreadable"),
    ] {
        let ticket = world.ticket(&person).await;
        let mut wrong = details(&ticket, PAN);
        wrong[name] = value;
        let card = world.sealed(&wrong).await;
        let answer = world.post("/v1/cards", &json!({"ticket": ticket, "card": card})).await;
        answer.refused(422, code);
        assert!(!answer.text.contains("40001234"), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_changes_and_pages_that_were_open_go_on_for_a_day() {
    let world = Vaulted::open().await;
    let person = world.house.person("@li_na", 0).await;
    let old = world.keys().await.keys[0].key().expect("a key");
    let vault = std::sync::Arc::clone(&world.vault);
    tokio::task::spawn_blocking(move || vault.replace_key()).await.expect("no panic").expect("replaced");
    assert_ne!(world.keys().await.keys[0].key().expect("a key"), old);
    let under_old = async || {
        let person = world.house.again(&person, "@li_na").await;
        let ticket = world.ticket(&person).await;
        let plain = details(&ticket, PAN).to_string();
        let card = jwe::encrypt(&old, plain.as_bytes(), world.entropy.as_ref()).expect("encrypted");
        world.post("/v1/cards", &json!({"ticket": ticket, "card": card})).await
    };
    under_old().await.expect(201);
    world.house.world.clock.advance(card_vault::OVERLAP_SECONDS);
    under_old().await.refused(422, "card_details_unreadable");
}

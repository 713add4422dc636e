//! Codes: what is shown is what is scanned; others' and damaged codes are told apart.

use super::{Scanned, for_order, for_store, resolve};
use crate::merchants::{self, NewStore};
use crate::payments::tests::{World, code};
use crate::testing::cny;
use crate::{Principal, Refusal, Wish};
use formats::emvco::crc16;
use vocabulary::{Id, kinds};

async fn scan(world: &World, text: &str) -> Result<Scanned, Refusal> {
    resolve(&world.test.bank, text).await.expect("no trouble")
}

async fn store(world: &World, name: &str, city: &str) -> Id<kinds::Store> {
    let new =
        NewStore { name: name.to_owned(), mcc: "5812".to_owned(), country: "CN".to_owned(), city: city.to_owned() };
    let wish = Wish::internal(Principal::System, "merchants.add_store");
    let made = merchants::add_store(&world.test.bank, wish, world.shop.merchant, new).await.expect("no trouble");
    made.result.expect("it is added").id
}

/// The text with another value in it and the check sum made right.
fn changed(text: &str, from: &str, to: &str) -> String {
    let body = text[..text.len() - 4].replacen(from, to, 1);
    let crc = crc16(body.as_bytes());
    format!("{body}{crc:04X}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stores_code_leads_back_to_the_store() {
    let world = World::new(0, 0).await;
    let id = store(&world, "老字号饺子馆", "上海").await;
    let shown = for_store(&world.test.bank, id, cny()).await.expect("no trouble").expect("it is shown");
    assert_eq!(shown.kind, "static");
    assert!(shown.payload.contains("老字号饺子馆"), "the language template has the name");
    let scanned = scan(&world, &shown.payload).await.expect("it is ours");
    assert_eq!((scanned.merchant, scanned.store.map(|store| store.id)), (world.shop.merchant, Some(id)));
    assert_eq!((scanned.amount, scanned.currency.as_str()), (None, "CNY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orders_code_fixes_the_amount_and_shows_the_state() {
    let world = World::new(0, 0).await;
    let order = world.order(12_345, "table-9").await.expect("it is made");
    let shown = for_order(&world.test.bank, order.id).await.expect("no trouble").expect("it is shown");
    assert!(shown.payload.contains("5406123.45") && shown.payload.contains("table-9"));
    let scanned = scan(&world, &shown.payload).await.expect("it is ours");
    assert_eq!((scanned.amount, scanned.order.as_ref().map(|order| order.id)), (Some(12_345), Some(order.id)));
    world.tick(7_200);
    let later = scan(&world, &shown.payload).await.expect("it is ours").order.expect("it has an order");
    assert_eq!(later.state, crate::orders::OrderState::Expired);
    let cheaper = changed(&shown.payload, "5406123.45", "5406000.45");
    assert_eq!(code(&scan(&world, &cheaper).await), "qr_invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_foreign_and_unknown_codes_have_codes_of_their_own() {
    let world = World::new(0, 0).await;
    let id = store(&world, "Corner", "Shanghai").await;
    let text = for_store(&world.test.bank, id, cny()).await.expect("no trouble").expect("it is shown").payload;
    assert_eq!(code(&scan(&world, "").await), "qr_malformed");
    assert_eq!(code(&scan(&world, &text[..40]).await), "qr_malformed");
    let damaged = text.replacen("Corner", "Corned", 1);
    assert_eq!(code(&scan(&world, &damaged).await), "qr_crc_mismatch");
    let guid = super::own_guid(&world.test.bank);
    let foreign = changed(&text, &guid, &"f".repeat(32));
    assert_eq!(code(&scan(&world, &foreign).await), "qr_foreign");
    let unknown = Id::<kinds::Store>::from_u128(7).to_string();
    assert_eq!(code(&scan(&world, &changed(&text, &id.to_string(), &unknown)).await), "store_not_found");
    let twisted = id.to_string().replace("sto_", "xxx_");
    assert_eq!(code(&scan(&world, &changed(&text, &id.to_string(), &twisted)).await), "qr_invalid_field");
    assert_eq!(code(&scan(&world, &changed(&text, "5802CN", "")).await), "qr_missing_field");
}

//! Quotes: a promise holds, serves once, expires, is for one wish, and leaves no trace.

mod merchants;
mod movements;

use super::{Arrival, Movement, QuoteView, of_payment};
use crate::Refusal;
use crate::payments::tests::{World, code, yuan};
use crate::payments::{self, AuthorizeCommand, How, PayCommand};
use std::sync::Arc;
use vocabulary::{Id, kinds};

async fn quoted(world: &World, command: PayCommand) -> Result<QuoteView, Refusal> {
    of_payment(&world.test.bank, command, How::AtOnce).await.expect("no trouble")
}

/// Alice's quote of a payment.
async fn promised(world: &World, minor: i64) -> Option<Id<kinds::Quote>> {
    quoted(world, world.command(&world.alice, minor, "quote")).await.expect("it is quoted").id
}

/// Alice's payment with a quote.
fn with(world: &World, quote: Option<Id<kinds::Quote>>, minor: i64, key: &str) -> PayCommand {
    PayCommand { quote, ..world.command(&world.alice, minor, key) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_promises_the_fee_whatever_the_policies_say_then() {
    let world = World::new(100_000, 0).await;
    let found = quoted(&world, world.command(&world.alice, 10_000, "quote")).await.expect("it is quoted");
    assert_eq!((found.fee.total(), found.payee_receives), (60, 9_940));
    assert_eq!((found.movement, found.arrival), (Movement::Payment, Arrival::AtOnce));
    assert_eq!((found.forecast.balance_after_minor, found.forecast.available_after_minor), (90_000, 90_000));
    assert_eq!(world.balances(), (100_000, 0, 0));
    world.fee(serde_json::json!({"bps": 500})).await;
    world.pay(with(&world, found.id, 10_000, "pay")).await.expect("it is paid");
    assert_eq!(world.balances(), (90_000, 0, 9_940));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_for_one_wish_of_one_payer_and_expires() {
    let world = World::new(100_000, 100_000).await;
    let id = promised(&world, 10_000).await;
    assert_eq!(code(&world.pay(with(&world, id, 10_001, "other amount")).await), "quote_differs");
    let named = PayCommand { description: Some("tea".to_owned()), ..with(&world, id, 10_000, "other text") };
    assert_eq!(code(&world.pay(named).await), "quote_differs");
    let stranger = PayCommand { quote: id, ..world.command(&world.bob, 10_000, "stranger") };
    assert_eq!(code(&world.pay(stranger).await), "not_found");
    let hold = AuthorizeCommand { pay: with(&world, id, 10_000, "a hold"), seconds: None };
    let held = payments::authorize(&world.test.bank, hold).await.expect("no trouble");
    assert_eq!(code(&held.result), "quote_differs");
    world.test.clock.advance(60);
    assert_eq!(code(&world.pay(with(&world, id, 10_000, "late")).await), "quote_expired");
    assert_eq!(world.balances(), (100_000, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_serves_once_and_a_retry_of_its_payment_is_replayed() {
    let world = World::new(100_000, 0).await;
    let id = promised(&world, 10_000).await;
    let paid = world.pay(with(&world, id, 10_000, "one")).await.expect("it is paid");
    assert_eq!(code(&world.pay(with(&world, id, 10_000, "two")).await), "quote_used");
    let again = payments::pay(&world.test.bank, with(&world, id, 10_000, "one")).await.expect("no trouble");
    assert_eq!((again.replayed, again.result.expect("as before").id), (true, paid.id));
    world.test.clock.advance(60);
    assert_eq!(code(&world.pay(with(&world, id, 10_000, "three")).await), "quote_used", "used says more than expired");
    assert_eq!(world.balances(), (90_000, 0, 9_940));
    // After a restart too: it is a row and no memory.
    let World { test, alice, bob, shop } = world;
    let world = World { test: test.restart(7), alice, bob, shop };
    assert_eq!(code(&world.pay(with(&world, id, 10_000, "four")).await), "quote_used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_payment_leaves_its_quote() {
    let world = World::new(10_000, 0).await;
    let id = promised(&world, 10_000).await;
    world.paid(1, "all but").await;
    assert_eq!(code(&world.pay(with(&world, id, 10_000, "short")).await), "insufficient_funds");
    world.test.fund(&world.alice.account, 1);
    world.pay(with(&world, id, 10_000, "funded")).await.expect("the quote is still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_payments_with_one_quote_one_is_made() {
    let world = Arc::new(World::new(1_000_000, 0).await);
    let id = promised(&world, 10_000).await;
    let tasks: Vec<_> = (0..50)
        .map(|no| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.pay(with(&world, id, 10_000, &format!("key {no}"))).await })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(code(&task.await.expect("no panic")));
    }
    let count = |code| found.iter().filter(|found| **found == code).count();
    assert_eq!((count("done"), count("quote_used")), (1, 49));
    assert_eq!(world.balances(), (990_000, 0, 9_940));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_of_a_hold_is_for_its_time_and_its_fee_is_kept_until_capture() {
    let world = World::new(100_000, 0).await;
    let how = How::Hold { seconds: Some(600) };
    let asked = world.command(&world.alice, 10_000, "quote");
    let found = of_payment(&world.test.bank, asked.clone(), how).await.expect("no trouble").expect("it is quoted");
    assert_eq!((found.movement, found.arrival, found.payee_receives), (Movement::Hold, Arrival::OnCapture, 9_940));
    assert_eq!(world.balances(), (100_000, 0, 0));
    let long = of_payment(&world.test.bank, asked, How::Hold { seconds: Some(u32::MAX) }).await.expect("no trouble");
    assert_eq!(code(&long), "invalid_field");
    world.fee(serde_json::json!({"bps": 500})).await;
    let hold = async |seconds, key: &str| {
        let command = AuthorizeCommand { pay: with(&world, found.id, 10_000, key), seconds };
        payments::authorize(&world.test.bank, command).await.expect("no trouble").result
    };
    assert_eq!(code(&hold(Some(601), "longer").await), "quote_differs");
    let held = hold(Some(600), "held").await.expect("it is held");
    assert_eq!(code(&hold(Some(600), "again").await), "quote_used");
    world.capture(held.id, (None, true), "capture").await.expect("it is captured");
    assert_eq!(world.balances(), (90_000, 0, 9_940));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_not_quoted() {
    let world = World::new(100, 0).await;
    let found = quoted(&world, world.command(&world.alice, 10_000, "quote")).await;
    assert_eq!(code(&found), "insufficient_funds");
    let none = PayCommand { amount: None, ..world.command(&world.alice, 1, "no amount") };
    assert_eq!(code(&quoted(&world, none).await), "missing_field");
    let largest = PayCommand { amount: Some(yuan(i64::MAX)), ..world.command(&world.alice, 1, "large") };
    assert!(quoted(&world, largest).await.is_err());
    let id = promised(&world, 1).await;
    assert_eq!(code(&quoted(&world, with(&world, id, 1, "of a quote")).await), "invalid_field");
    world.pay(with(&world, id, 1, "pay")).await.expect("quoting did not use it up");
}

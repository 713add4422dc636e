//! Quotes: a promise holds, expires, is for one wish, and leaves no trace.

use super::{of_capture, of_refund, quote};
use crate::entries::Channel;
use crate::payments::tests::{World, code, yuan};
use crate::payments::{CaptureCommand, Method, PayCommand};
use crate::{Principal, Refusal};

async fn quoted(world: &World, command: PayCommand) -> Result<super::QuoteView, Refusal> {
    quote(&world.test.bank, command, Method::Immediate).await.expect("no trouble").result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_promises_the_fee_whatever_the_policies_say_then() {
    let world = World::new(100_000, 0).await;
    let found = quoted(&world, world.command(&world.alice, 10_000, "quote")).await.expect("it is quoted");
    assert_eq!((found.fee.total(), found.payee_receives), (60, 9_940));
    assert_eq!((found.forecast.balance_after_minor, found.forecast.available_after_minor), (90_000, 90_000));
    assert_eq!(world.balances(), (100_000, 0, 0));
    world.fee(serde_json::json!({"bps": 500})).await;
    let command = PayCommand { quote: Some(found.id), ..world.command(&world.alice, 10_000, "pay") };
    world.pay(command).await.expect("it is paid");
    assert_eq!(world.balances(), (90_000, 0, 9_940));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_for_one_wish_of_one_payer_and_expires() {
    let world = World::new(100_000, 100_000).await;
    let found = quoted(&world, world.command(&world.alice, 10_000, "quote")).await.expect("it is quoted");
    let other = PayCommand { quote: Some(found.id), ..world.command(&world.alice, 10_001, "other amount") };
    assert_eq!(code(&world.pay(other).await), "quote_differs");
    let stranger = PayCommand { quote: Some(found.id), ..world.command(&world.bob, 10_000, "stranger") };
    assert_eq!(code(&world.pay(stranger).await), "not_found");
    world.test.clock.advance(60);
    let late = PayCommand { quote: Some(found.id), ..world.command(&world.alice, 10_000, "late") };
    assert_eq!(code(&world.pay(late).await), "quote_expired");
    assert_eq!(world.balances(), (100_000, 0, 0));
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
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_of_capture_and_refund_show_the_merchants_side_and_do_nothing() {
    let world = World::new(100_000, 0).await;
    let held = world.hold(10_000, "hold", None).await.expect("it is held");
    let capture = CaptureCommand {
        principal: Principal::Merchant(world.shop.merchant),
        key: None,
        channel: Channel::Api,
        payment: held.id,
        amount: Some(4_000),
        last: true,
    };
    let found = of_capture(&world.test.bank, capture.clone()).await.expect("no trouble").expect("it would be captured");
    assert_eq!((found.fee.total(), found.balance_after), (24, 3_976));
    assert_eq!((world.state(held.id), world.balances()), ("held".to_owned(), (100_000, 10_000, 0)));
    world.capture(held.id, (Some(4_000), true), "capture").await.expect("it is captured");
    let refund = world.refund_command(held.id, Some(1_000), "refund");
    let found = of_refund(&world.test.bank, refund).await.expect("no trouble").expect("it would be refunded");
    assert_eq!((found.fee.total(), found.balance_after, found.would_wait), (6, 2_982, false));
    assert_eq!(code(&of_capture(&world.test.bank, capture).await.expect("no trouble")), "hold_already_captured");
    assert_eq!(world.balances(), (96_000, 0, 3_976));
}

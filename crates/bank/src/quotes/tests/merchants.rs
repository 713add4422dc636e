//! What a merchant does with a payment is shown first, in the same shape, by the same rules.

use super::{Arrival, Movement, code};
use crate::entries::Channel;
use crate::payments::tests::World;
use crate::payments::{CaptureCommand, RefundCommand};
use crate::quotes::{QuoteView, of_capture, of_refund, of_void};
use crate::{Principal, Refusal};
use vocabulary::{Id, kinds};

fn capture_of(world: &World, payment: Id<kinds::Payment>, amount: Option<i64>) -> CaptureCommand {
    let principal = Principal::Merchant(world.shop.merchant);
    CaptureCommand { principal, key: None, channel: Channel::Api, payment, amount, last: true }
}

async fn void_of(world: &World, principal: Principal, payment: Id<kinds::Payment>) -> Result<QuoteView, Refusal> {
    of_void(&world.test.bank, (principal, Channel::Api), payment).await.expect("no trouble")
}

async fn refund_of(world: &World, command: RefundCommand) -> Result<QuoteView, Refusal> {
    of_refund(&world.test.bank, command).await.expect("no trouble")
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_show_the_merchants_side_and_do_nothing() {
    let world = World::new(100_000, 0).await;
    let held = world.hold(10_000, "hold", None).await.expect("it is held");
    let capture = capture_of(&world, held.id, Some(4_000));
    let found = of_capture(&world.test.bank, capture.clone()).await.expect("no trouble").expect("it would be captured");
    assert_eq!((found.id, found.expires_at, found.movement), (None, None, Movement::Capture));
    assert_eq!((found.fee.total(), found.forecast.fee_minor, found.payee_receives), (24, 24, 3_976));
    assert_eq!((found.forecast.total_minor, found.forecast.balance_after_minor), (3_976, 3_976));
    let void = void_of(&world, Principal::Merchant(world.shop.merchant), held.id).await.expect("it would be voided");
    assert_eq!((void.movement, void.payee_receives, void.forecast.total_minor), (Movement::Void, 10_000, 0));
    assert_eq!((void.forecast.amount_minor, void.forecast.balance_after_minor), (10_000, 0));
    assert_eq!((world.state(held.id), world.balances()), ("held".to_owned(), (100_000, 10_000, 0)));
    world.capture(held.id, (Some(4_000), true), "capture").await.expect("it is captured");
    let refund = world.refund_command(held.id, Some(1_000), "refund");
    let found = refund_of(&world, refund).await.expect("it would be refunded");
    assert_eq!((found.movement, found.arrival), (Movement::Refund, Arrival::AtOnce));
    assert_eq!((found.fee.total(), found.payee_receives), (6, 1_000));
    assert_eq!((found.forecast.total_minor, found.forecast.balance_after_minor), (994, 2_982));
    assert_eq!(code(&of_capture(&world.test.bank, capture).await.expect("no trouble")), "hold_already_captured");
    let void = void_of(&world, Principal::Merchant(world.shop.merchant), held.id).await;
    assert_eq!(code(&void), "hold_already_captured");
    assert_eq!(world.balances(), (96_000, 0, 3_976));
    let view = world.refund(world.refund_command(held.id, Some(1_000), "now")).await.expect("it is refunded");
    assert_eq!((view.fee_returned.total(), world.balances()), (6, (97_000, 0, 2_982)), "as the preview said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_another_merchant_looks_like_none() {
    let world = World::new(100_000, 0).await;
    let held = world.hold(10_000, "hold", None).await.expect("it is held");
    let other = Principal::Merchant(world.test.merchant("Other Shop").await.merchant);
    let capture = CaptureCommand { principal: other, ..capture_of(&world, held.id, None) };
    assert_eq!(code(&of_capture(&world.test.bank, capture).await.expect("no trouble")), "not_found");
    assert_eq!(code(&void_of(&world, other, held.id).await), "not_found");
    let refund = RefundCommand { principal: other, ..world.refund_command(held.id, None, "refund") };
    assert_eq!(code(&refund_of(&world, refund).await), "not_found");
    assert_eq!(code(&void_of(&world, Principal::Customer(world.alice.id), held.id).await), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_would_wait_says_so_or_is_refused() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await;
    crate::topups::tests::spend(&world.test, world.shop.account, 9_000).await;
    let refund = world.refund_command(paid.id, Some(2_000), "refund");
    assert_eq!(code(&refund_of(&world, refund.clone()).await), "refund_merchant_short");
    let waiting = refund_of(&world, RefundCommand { wait: true, ..refund }).await.expect("it would wait");
    assert_eq!((waiting.arrival, waiting.forecast.balance_after_minor), (Arrival::WhenFunded, 1_000));
    let named = RefundCommand { reference: Some("R-1".to_owned()), ..world.refund_command(paid.id, Some(500), "one") };
    world.refund(named.clone()).await.expect("it is refunded");
    assert_eq!(code(&refund_of(&world, named).await), "reference_reused", "it was made already");
    assert_eq!(world.balances(), (90_500, 0, 500));
}

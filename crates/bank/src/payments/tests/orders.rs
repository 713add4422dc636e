//! Orders: references, expiry, cancelling, and what payments make of them.

use super::{World, code, yuan};
use crate::Principal;
use crate::orders::{self, CreateOrder, OrderState};
use crate::payments::{PayCommand, Target};
use vocabulary::{Id, kinds};

fn paying(world: &World, order: Id<kinds::Order>, key: &str) -> PayCommand {
    PayCommand { target: Target::Order(order), amount: None, ..world.command(&world.alice, 1, key) }
}

fn state(world: &World, id: Id<kinds::Order>) -> OrderState {
    let found = world.test.bank.store().read_blocking(|snapshot| orders::by_id(snapshot.reading(), id));
    found.expect("no trouble").expect("it exists").state
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_has_expired_is_not_paid() {
    let world = World::free(10_000, 0).await;
    let order = world.order(1_000, "o-1").await.expect("it is made");
    world.test.clock.advance(7_200);
    assert_eq!(code(&world.pay(paying(&world, order.id, "late")).await), "order_expired");
    world.test.run_jobs();
    assert_eq!(state(&world, order.id), OrderState::Expired);
    assert_eq!(code(&world.pay(paying(&world, order.id, "later")).await), "order_expired");
    assert_eq!(world.balances(), (10_000, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_exactly_in_its_amount_and_only_once() {
    let world = World::free(10_000, 0).await;
    let order = world.order(1_000, "o-1").await.expect("it is made");
    let wrong = PayCommand { amount: Some(yuan(999)), ..paying(&world, order.id, "wrong") };
    assert_eq!(code(&world.pay(wrong).await), "order_amount_differs");
    world.pay(paying(&world, order.id, "right")).await.expect("it is paid");
    assert_eq!(state(&world, order.id), OrderState::Paid);
    assert_eq!(code(&world.pay(paying(&world, order.id, "twice")).await), "order_not_open");
    assert_eq!(world.balances(), (9_000, 0, 1_000));
    world.tick(7_300);
    assert_eq!(state(&world, order.id), OrderState::Paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_names_one_order_for_ever() {
    let world = World::free(10_000, 0).await;
    let order = world.order(1_000, "o-1").await.expect("it is made");
    assert_eq!(world.order(1_000, "o-1").await.expect("the same").id, order.id);
    assert_eq!(code(&world.order(1_001, "o-1").await), "reference_reused");
    world.tick(8_000);
    assert_eq!(code(&world.order(1_001, "o-1").await), "reference_reused");
    assert_eq!(code(&world.order(0, "o-2").await), "amount_not_positive");
    assert_eq!(code(&world.order(1, "has a blank").await), "invalid_field");
    assert_eq!(code(&world.order(1, "").await), "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_hold_opens_its_order_again_and_a_cancelled_order_stays_cancelled() {
    let world = World::free(10_000, 0).await;
    let order = world.order(1_000, "o-1").await.expect("it is made").id;
    let pay = paying(&world, order, "hold");
    let command = crate::payments::AuthorizeCommand { pay, seconds: Some(60) };
    let held =
        crate::payments::authorize(&world.test.bank, command).await.expect("no trouble").result.expect("it is held");
    assert_eq!(state(&world, order), OrderState::Authorized);
    let merchant = Principal::Merchant(world.shop.merchant);
    let cancelled = orders::cancel(&world.test.bank, merchant, None, order).await.expect("no trouble").result;
    assert_eq!(code(&cancelled), "order_not_open");
    world.void(held.id, "void").await.expect("it is voided");
    assert_eq!(state(&world, order), OrderState::Open);
    let cancelled = orders::cancel(&world.test.bank, merchant, None, order).await.expect("no trouble").result;
    assert_eq!(cancelled.expect("it is cancelled").state, OrderState::Cancelled);
    assert_eq!(code(&world.pay(paying(&world, order, "after")).await), "order_not_open");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_strangers_and_stores_of_strangers_are_not_found() {
    let world = World::free(10_000, 0).await;
    let stranger = world.test.merchant("Other Shop").await.merchant;
    let order = world.order(1_000, "o-1").await.expect("it is made").id;
    let found = orders::cancel(&world.test.bank, Principal::Merchant(stranger), None, order).await.expect("no trouble");
    assert_eq!(code(&found.result), "not_found");
    let store = world
        .test
        .bank
        .store()
        .read_blocking(|snapshot| Ok(crate::merchants::records::stores(snapshot.reading(), stranger)?[0].id));
    let store = store.expect("no trouble");
    let command = CreateOrder {
        principal: Principal::Merchant(world.shop.merchant),
        key: None,
        merchant: world.shop.merchant,
        store: Some(store),
        amount: yuan(1),
        reference: "o-2".to_owned(),
        description: None,
        seconds: None,
    };
    let made = orders::create(&world.test.bank, command).await.expect("no trouble");
    assert_eq!(code(&made.result), "store_not_found");
    let target = Target::Merchant(world.shop.merchant, Some(store));
    let paid = world.pay(PayCommand { target, ..world.command(&world.alice, 1, "wrong store") }).await;
    assert_eq!(code(&paid), "store_not_found");
}

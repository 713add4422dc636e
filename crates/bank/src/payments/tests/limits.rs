//! Limits: used by payments and holds, given back by voids, expiry and refunds, fresh after midnight.

use super::{World, code};
use crate::testing::TestCustomer;
use std::sync::Arc;
use vocabulary::Timestamp;

/// A tier with 10,000 a day and 6,000 for one movement.
async fn limited(world: &World, payer: &TestCustomer) {
    let mut limits = world.test.bank.policies().value("limits").expect("there are limits");
    for row in limits.as_array_mut().expect("a list") {
        if row["currency"] == "CNY" {
            row["person"]["out_day"] = 10_000.into();
            row["person"]["out_movement"] = 6_000.into();
        }
    }
    world.policy("limits", limits).await;
    world.test.fund(&payer.account, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_limit_and_its_reset_and_midnight_resets_it() {
    let world = World::free(0, 0).await;
    limited(&world, &world.alice).await;
    assert_eq!(code(&world.pay(world.command(&world.alice, 6_001, "big")).await), "limit_exceeded");
    world.paid(6_000, "first").await;
    let refused = world.pay(world.command(&world.alice, 4_001, "second")).await.expect_err("over the limit");
    let limit = refused.limit.expect("it names the limit");
    assert_eq!((limit.window.as_str(), limit.left_minor, limit.whose.as_str()), ("day", 4_000, "person"));
    let midnight = Timestamp::parse("2026-11-23T16:00:00Z").expect("a moment");
    assert_eq!(limit.resets_at, Some(midnight));
    let until = (midnight.micros() - world.test.bank.now().micros()) / 1_000_000;
    world.tick(until - 1);
    assert_eq!(code(&world.pay(world.command(&world.alice, 4_001, "a second before")).await), "limit_exceeded");
    world.tick(1);
    world.paid(6_000, "at midnight").await;
    assert_eq!(code(&world.pay(world.command(&world.alice, 4_001, "again")).await), "limit_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn void_expiry_and_refund_give_limits_back() {
    let world = World::free(0, 0).await;
    limited(&world, &world.alice).await;
    let held = world.hold(6_000, "hold", Some(600)).await.expect("it is held");
    assert_eq!(code(&world.pay(world.command(&world.alice, 5_000, "too much")).await), "limit_exceeded");
    world.void(held.id, "void").await.expect("it is voided");
    let held = world.hold(6_000, "hold again", Some(600)).await.expect("it is held");
    world.tick(601);
    assert_eq!(world.state(held.id), "expired");
    let paid = world.paid(6_000, "pay").await;
    world.refund(world.refund_command(paid.id, Some(5_000), "refund")).await.expect("it is refunded");
    world.paid(6_000, "pay again").await;
    assert_eq!(code(&world.pay(world.command(&world.alice, 3_001, "over")).await), "limit_exceeded");
    world.paid(3_000, "just").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_tomorrow_gives_nothing_back_to_tomorrow() {
    let world = World::free(0, 0).await;
    limited(&world, &world.alice).await;
    let paid = world.paid(6_000, "today").await;
    world.tick(86_400);
    world.paid(6_000, "tomorrow").await;
    world.refund(world.refund_command(paid.id, None, "refund")).await.expect("it is refunded");
    assert_eq!(code(&world.pay(world.command(&world.alice, 4_001, "over")).await), "limit_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_midnight_two_hundred_payments_keep_the_limit_of_each_day() {
    let world = Arc::new(World::free(0, 0).await);
    limited(&world, &world.alice).await;
    let midnight = Timestamp::parse("2026-11-23T16:00:00Z").expect("a moment");
    world.tick((midnight.micros() - world.test.bank.now().micros()) / 1_000_000 - 1);
    let tasks: Vec<_> = (0..200)
        .map(|no| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                if no == 60 {
                    world.test.clock.advance(1);
                }
                world.pay(world.command(&world.alice, 1_000, &format!("key {no}"))).await
            })
        })
        .collect();
    let (mut before, mut after) = (0, 0);
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(paid) if paid.created_at < midnight => before += 1,
            Ok(_) => after += 1,
            Err(refusal) => assert_eq!(refusal.code.as_str(), "limit_exceeded"),
        }
    }
    assert!(before <= 10, "{before} on the first day");
    assert_eq!(after, 10, "the second day's limit is used up and no more");
    assert_eq!(world.balances().0, 100_000 - 1_000 * (before + after));
}

//! 200 requests at once: what must not happen does not happen.

use super::{World, code, yuan};
use crate::Principal;
use crate::payments::{AuthorizeCommand, authorize};
use crate::payments::{PayCommand, Target, pay};
use std::collections::HashMap;
use std::sync::Arc;

const CROWD: usize = 200;

/// Runs what `make` gives for 0 to 199 at the same time; counts the outcomes by code.
async fn crowd<F, T>(make: impl Fn(usize) -> F) -> HashMap<&'static str, usize>
where
    F: Future<Output = Result<T, crate::Refusal>> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..CROWD).map(|no| tokio::spawn(make(no))).collect();
    let mut found = HashMap::new();
    for task in tasks {
        *found.entry(code(&task.await.expect("no panic"))).or_default() += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_not_spent_twice() {
    let world = Arc::new(World::free(5_000, 0).await);
    let found = crowd(|no| {
        let world = Arc::clone(&world);
        async move { world.pay(world.command(&world.alice, 1_000, &format!("key {no}"))).await }
    });
    let found = found.await;
    assert_eq!((found["done"], found["insufficient_funds"]), (5, 195));
    assert_eq!(world.balances(), (0, 0, 5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_acts_once() {
    let world = Arc::new(World::free(500_000, 0).await);
    let tasks: Vec<_> = (0..CROWD)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let answer =
                    pay(&world.test.bank, world.command(&world.alice, 1_000, "one")).await.expect("no trouble");
                (answer.replayed, answer.result.expect("it is paid").id)
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    assert_eq!(answers.iter().filter(|(replayed, _)| !replayed).count(), 1);
    assert!(answers.iter().all(|(_, id)| *id == answers[0].1));
    assert_eq!(world.balances(), (499_000, 0, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_with_another_amount_is_refused() {
    let world = World::free(5_000, 0).await;
    world.paid(1_000, "one").await;
    let other = pay(&world.test.bank, world.command(&world.alice, 1_001, "one")).await;
    assert_eq!(other.expect_err("the key was used").code().as_str(), "idempotency_key_reused");
    assert_eq!(world.balances(), (4_000, 0, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_remembered_so_that_a_late_retry_does_not_pay() {
    let world = World::free(500, 0).await;
    assert_eq!(code(&world.pay(world.command(&world.alice, 1_000, "one")).await), "insufficient_funds");
    world.test.fund(&world.alice.account, 10_000);
    let again = pay(&world.test.bank, world.command(&world.alice, 1_000, "one")).await.expect("no trouble");
    assert!(again.replayed);
    assert_eq!(code(&again.result), "insufficient_funds");
    assert_eq!(world.balances(), (10_500, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_together_do_not_exceed_the_balance() {
    let world = Arc::new(World::free(5_000, 0).await);
    let found = crowd(|no| {
        let world = Arc::clone(&world);
        async move { world.hold(1_000, &format!("key {no}"), None).await }
    });
    let found = found.await;
    assert_eq!((found["done"], found["insufficient_funds"]), (5, 195));
    assert_eq!(world.balances(), (5_000, 5_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_together_do_not_exceed_what_was_captured() {
    let world = Arc::new(World::free(20_000, 0).await);
    let payment = world.paid(10_000, "pay").await.id;
    world.paid(10_000, "more money in the till").await;
    let found = crowd(|no| {
        let world = Arc::clone(&world);
        async move { world.refund(world.refund_command(payment, Some(900), &format!("key {no}"))).await }
    });
    let found = found.await;
    assert_eq!((found["done"], found["refund_exceeds_payment"]), (11, 189));
    assert_eq!(world.balances(), (9_900, 0, 10_100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_once_by_capture_or_void() {
    let world = Arc::new(World::free(5_000, 0).await);
    let payment = world.hold(5_000, "hold", None).await.expect("it is held").id;
    let found = crowd(|no| {
        let world = Arc::clone(&world);
        async move {
            let key = format!("key {no}");
            if no % 2 == 0 { world.capture(payment, (None, true), &key).await } else { world.void(payment, &key).await }
        }
    });
    let found = found.await;
    assert_eq!(found["done"], 1);
    let (posted, held, shop) = world.balances();
    assert_eq!((posted + shop, held), (5_000, 0));
    assert!(posted == 0 || shop == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_once_by_two_payers() {
    let world = Arc::new(World::free(500_000, 500_000).await);
    let order = world.order(1_000, "order-1").await.expect("it is made").id;
    let found = crowd(|no| {
        let world = Arc::clone(&world);
        async move {
            let payer = if no % 2 == 0 { world.alice } else { world.bob };
            let target = Target::Order(order);
            let command = PayCommand { target, amount: None, ..world.command(&payer, 1_000, &format!("key {no}")) };
            if no % 3 == 0 {
                let command = AuthorizeCommand { pay: command, seconds: None };
                return authorize(&world.test.bank, command).await.expect("no trouble").result;
            }
            world.pay(command).await
        }
    });
    let found = found.await;
    assert_eq!((found["done"], found["order_not_open"]), (1, 199));
    let alice = world.test.balance(world.alice.account.account);
    let bob = world.test.balance(world.bob.account.account);
    assert_eq!(alice.0 - alice.1 + bob.0 - bob.1, 999_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reference_names_one_payment_under_many_keys() {
    let world = Arc::new(World::free(500_000, 0).await);
    let tasks: Vec<_> = (0..CROWD)
        .map(|no| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let command = world.command(&world.alice, 700, &format!("key {no}"));
                world
                    .pay(PayCommand { reference: Some("till-7/42".to_owned()), ..command })
                    .await
                    .expect("it is paid")
                    .id
            })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.expect("no panic"));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.balances(), (499_300, 0, 700));
    let other = PayCommand {
        reference: Some("till-7/42".to_owned()),
        amount: Some(yuan(701)),
        ..world.command(&world.alice, 701, "other")
    };
    assert_eq!(code(&world.pay(other).await), "reference_reused");
    let nobody =
        PayCommand { principal: Principal::Customer(world.bob.id), ..world.command(&world.alice, 1, "not mine") };
    assert_eq!(code(&world.pay(nobody).await), "account_not_found");
}

//! Lanes: whoever waits for the outside keeps nobody else waiting.

use crate::entries::Channel;
use crate::jobs::{self, Lane};
use crate::payments::tests::{World, yuan};
use crate::payouts::{self, PayoutState, PayoutView, StartPayout};
use crate::settlement;
use crate::testing::TestBank;
use crate::topups::tests::linked;
use crate::{Principal, Wish};
use std::thread::JoinHandle;

/// Until just after midnight of the test's Monday.
const TO_MIDNIGHT: i64 = 14 * 3600 + 1;

async fn paying_out(world: &World) -> PayoutView {
    let bank_account = linked(&world.test, &world.bob).await;
    let wish = Wish::internal(Principal::Customer(world.bob.id), "payouts.start");
    let command = StartPayout { wallet: world.bob.wallet, bank_account, amount: yuan(5_000), channel: Channel::Api };
    payouts::start(&world.test.bank, wish, command).await.expect("no trouble").result.expect("it begins")
}

fn running(test: &TestBank, lane: Lane) -> JoinHandle<usize> {
    let bank = test.bank.clone();
    std::thread::spawn(move || jobs::run_lane(&bank, lane, &|| true).expect("no trouble"))
}

fn ran(test: &TestBank, lane: Lane) -> usize {
    running(test, lane).join().expect("no panic")
}

async fn state(test: &TestBank, payout: &PayoutView) -> PayoutState {
    payouts::find(&test.bank, payout.id).await.expect("no trouble").expect("it exists").state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_bank_keeps_neither_holds_nor_settlement_nor_deadlines_waiting() {
    let world = World::free(10_000, 20_000).await;
    world.paid(4_000, "sale").await;
    world.hold(1_000, "hold", Some(600)).await.expect("it is held");
    let payout = paying_out(&world).await;
    world.test.rail.silent(true);
    let (handing, listening) = (running(&world.test, Lane::Instructions), running(&world.test, Lane::Listening));
    world.test.rail.until_waiting(2);

    world.test.clock.advance(TO_MIDNIGHT);
    assert!(ran(&world.test, Lane::Books) > 0);
    assert_eq!(world.balances(), (6_000, 0, 4_000), "the hold has expired");
    let merchant = world.shop.merchant;
    let settled =
        world.test.bank.store().read_blocking(|snapshot| settlement::list(snapshot.reading(), merchant, None, 10));
    assert_eq!(settled.expect("no trouble").len(), 1);
    world.test.clock.advance(10 * 86_400);
    assert!(ran(&world.test, Lane::Deadlines) > 0);
    assert_eq!(state(&world.test, &payout).await, PayoutState::UnderInvestigation);
    assert!(!handing.is_finished() && !listening.is_finished());

    world.test.rail.silent(false);
    handing.join().expect("no panic");
    listening.join().expect("no panic");
    world.test.run_jobs();
    assert_eq!(world.test.rail.instructions().len(), 1, "handed over once");
    assert_eq!(state(&world.test, &payout).await, PayoutState::UnderInvestigation, "states move forward only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_stops_between_two_jobs() {
    let world = World::free(10_000, 20_000).await;
    for key in ["one", "two", "three"] {
        world.hold(1_000, key, Some(60)).await.expect("it is held");
    }
    world.test.clock.advance(61);
    let bank = world.test.bank.clone();
    let done = std::thread::spawn(move || {
        let left = std::cell::Cell::new(2);
        let go_on = || left.replace(left.get() - 1) > 0;
        jobs::run_lane(&bank, Lane::Books, &go_on).expect("no trouble")
    });
    assert_eq!(done.join().expect("no panic"), 2);
    assert!(ran(&world.test, Lane::Books) > 0, "the rest is still there");
    assert_eq!(world.balances().0, 10_000);
}

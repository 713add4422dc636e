//! Refunds and disputes: bounds, references, fees, and a merchant who is short.

use super::{World, code};
use crate::payments::{
    CloseDispute, DisputeOutcome, OpenDispute, RefundCommand, RefundState, by_id, close_dispute, open_dispute, refund,
    refunds_of,
};
use crate::{Principal, Wish, merchants};
use vocabulary::{Id, kinds};

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_has_bounds_in_amount_number_and_time() {
    let world = World::free(1_000_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    world.paid(100_000, "till").await;
    assert_eq!(code(&world.refund(world.refund_command(paid, Some(0), "zero")).await), "amount_not_positive");
    assert_eq!(code(&world.refund(world.refund_command(paid, Some(10_001), "more")).await), "refund_exceeds_payment");
    for no in 0..50 {
        world.refund(world.refund_command(paid, Some(1), &format!("{no}"))).await.expect("it is refunded");
    }
    assert_eq!(code(&world.refund(world.refund_command(paid, Some(1), "51")).await), "refund_too_many");
    let old = world.paid(10_000, "old").await.id;
    world.test.clock.advance(365 * 86_400);
    world.refund(world.refund_command(old, Some(1), "just")).await.expect("it is refunded");
    world.test.clock.advance(1);
    assert_eq!(code(&world.refund(world.refund_command(old, Some(1), "late")).await), "refund_too_late");
    let stranger = RefundCommand {
        principal: Principal::Customer(world.alice.id),
        ..world.refund_command(old, Some(1), "a payer cannot refund")
    };
    assert_eq!(code(&world.refund(stranger).await), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_the_reference_finds_the_same_refund() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    let asked = |key: &str, amount| RefundCommand {
        reference: Some("out-refund-1".to_owned()),
        ..world.refund_command(paid, Some(amount), key)
    };
    let first = world.refund(asked("one", 4_000)).await.expect("it is refunded");
    let again = world.refund(asked("two", 4_000)).await.expect("it is the same");
    assert_eq!((first.id, first.state), (again.id, RefundState::Succeeded));
    assert_eq!(code(&world.refund(asked("three", 4_001)).await), "reference_reused");
    assert_eq!(world.balances(), (94_000, 0, 6_000));
    let replay = refund(&world.test.bank, asked("one", 4_000)).await.expect("no trouble");
    assert!(replay.replayed);
    assert_eq!(world.balances(), (94_000, 0, 6_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_in_parts_give_the_fee_back_exactly() {
    let world = World::new(100_000, 0).await;
    world.fee(serde_json::json!({"fixed_minor": 7, "bps": 60})).await;
    let paid = world.paid(10_000, "pay").await.id;
    assert_eq!(world.balances().2, 10_000 - 67);
    for (no, amount) in [3_333, 3_333, 3_334].into_iter().enumerate() {
        world.refund(world.refund_command(paid, Some(amount), &format!("{no}"))).await.expect("it is refunded");
    }
    assert_eq!((world.balances(), world.state(paid)), ((100_000, 0, 0), "refunded".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_who_is_short_is_refused_when_it_does_not_want_to_wait() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    drain(&world, 7_000);
    assert_eq!(code(&world.refund(world.refund_command(paid, None, "all")).await), "refund_merchant_short");
    assert_eq!((world.balances(), world.state(paid)), ((90_000, 0, 3_000), "succeeded".to_owned()));
    world.refund(world.refund_command(paid, Some(3_000), "what is there")).await.expect("it is refunded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_lends_what_the_balance_lacks() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    shift(&world, (world.shop.account, world.shop.reserve), 4_000);
    drain(&world, 3_000);
    world.refund(world.refund_command(paid, Some(6_000), "with reserve")).await.expect("it is refunded");
    assert_eq!((world.balances(), world.test.balance(world.shop.reserve).0), ((96_000, 0, 0), 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_refund_is_paid_as_soon_as_there_is_money_and_counts_until_then() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    drain(&world, 10_000);
    let asked = RefundCommand { wait: true, ..world.refund_command(paid, Some(6_000), "wait") };
    let waiting = world.refund(asked).await.expect("it waits");
    assert_eq!((waiting.state, world.balances()), (RefundState::PendingFunds, (90_000, 0, 0)));
    assert_eq!(code(&world.refund(world.refund_command(paid, Some(4_001), "more")).await), "refund_exceeds_payment");
    world.tick(901);
    assert_eq!(state(&world, paid), RefundState::PendingFunds);
    world.paid(8_000, "new sales").await;
    world.tick(901);
    assert_eq!((state(&world, paid), world.balances()), (RefundState::Succeeded, (88_000, 0, 2_000)));
    assert_eq!(world.state(paid), "partially_refunded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_settlement_ends_a_refund_that_it_cannot_pay() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    drain(&world, 10_000);
    let asked = RefundCommand { wait: true, ..world.refund_command(paid, Some(6_000), "wait") };
    world.refund(asked).await.expect("it waits");
    world.tick(86_400);
    assert_eq!((state(&world, paid), world.balances()), (RefundState::Failed, (90_000, 0, 0)));
    world.paid(10_000, "new sales").await;
    world.tick(3_600);
    assert_eq!(world.balances(), (80_000, 0, 10_000), "what failed is not paid later");
    world.refund(world.refund_command(paid, None, "all")).await.expect("all is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_dispute_counts_and_a_lost_one_is_charged_back() {
    let world = World::free(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    let open = |principal, amount| {
        let bank = &world.test.bank;
        async move {
            let command = OpenDispute { principal, key: None, payment: paid, amount };
            open_dispute(bank, command).await.expect("no trouble").result
        }
    };
    assert_eq!(code(&open(Principal::Customer(world.bob.id), 7_000).await), "not_found");
    let first = open(Principal::Customer(world.alice.id), 7_000).await.expect("it is opened");
    assert_eq!(code(&open(Principal::Customer(world.alice.id), 3_001).await), "refund_exceeds_payment");
    assert_eq!(code(&world.refund(world.refund_command(paid, Some(3_001), "over")).await), "refund_exceeds_payment");
    world.refund(world.refund_command(paid, Some(3_000), "rest")).await.expect("it is refunded");
    drain(&world, 5_000);
    let close = |principal, outcome| {
        let bank = &world.test.bank;
        async move {
            let command = CloseDispute { principal, key: None, dispute: first.id, outcome };
            close_dispute(bank, command).await.expect("no trouble").result
        }
    };
    let customer = Principal::Customer(world.alice.id);
    assert_eq!(code(&close(customer, DisputeOutcome::Payer).await), "forbidden");
    close(Principal::System, DisputeOutcome::Payer).await.expect("it is closed");
    assert_eq!((world.balances(), world.state(paid)), ((100_000, 0, 0), "refunded".to_owned()));
    assert_eq!(world.test.balance(world.shop.receivable).0, 5_000, "what was not there is owed");
    assert_eq!(code(&close(Principal::System, DisputeOutcome::Payer).await), "not_found");
}

fn state(world: &World, payment: Id<kinds::Payment>) -> RefundState {
    let currencies = world.test.bank.currencies();
    let found = world.test.bank.store().read_blocking(move |snapshot| {
        let payment = by_id(snapshot.reading(), payment)?.expect("it exists");
        refunds_of(snapshot, &currencies, &payment)
    });
    found.expect("no trouble")[0].state
}

/// Takes money from the shop's account, as a payout would.
fn drain(world: &World, minor: i64) {
    let desk = world.test.bank.desk();
    let own = desk.chart().opened(crate::Own::Opening, world.shop.currency).expect("it is opened");
    shift(world, (world.shop.account, own), minor);
}

/// Moves money between two accounts.
pub(crate) fn shift(world: &World, (debit, credit): (ledger::AccountNo, ledger::AccountNo), amount: i64) {
    use crate::entries::{Channel, EntryKind, Intent, draft};
    let bank = world.test.bank.clone();
    let work = move || {
        let desk = bank.desk();
        bank.store().write_blocking(move |uow| {
            let intent = Intent {
                kind: EntryKind::Correction,
                principal: Principal::System,
                channel: Channel::CommandLine,
                cause: 0,
            };
            let steps = crate::payments::moves(&[(debit, credit, amount, ledger::Count::No)]);
            let entry = draft(&desk, uow, intent, steps);
            uow.post(&entry)?.expect("it is posted");
            Ok(store::Outcome::<(), ()>::Done(()))
        })
    };
    std::thread::spawn(work).join().expect("no panic").expect("no trouble");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_merchant_takes_nothing_and_still_refunds() {
    let world = World::new(100_000, 0).await;
    let paid = world.paid(10_000, "pay").await.id;
    let wish = Wish::internal(Principal::System, "merchants.set_status");
    let set = merchants::set_status(&world.test.bank, wish, world.shop.merchant, merchants::Status::Suspended).await;
    set.expect("no trouble").result.expect("it is suspended");
    assert_eq!(code(&world.pay(world.command(&world.alice, 100, "new")).await), "merchant_not_active");
    world.refund(world.refund_command(paid, Some(5_000), "half")).await.expect("it is refunded");
    assert_eq!(world.balances(), (95_000, 0, 9_940 - 5_000 + 30));
    world.refund(world.refund_command(paid, None, "rest")).await.expect("it is refunded");
    assert_eq!((world.balances(), world.state(paid)), ((100_000, 0, 0), "refunded".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_back_gives_no_fee_back_whenever_the_rest_is_refunded() {
    for refund_first in [true, false] {
        let world = World::new(100_000, 0).await;
        let paid = world.paid(10_000, "pay").await.id;
        world.paid(1_000, "till").await;
        let refund = async || world.refund(world.refund_command(paid, Some(5_000), "half")).await.expect("refunded");
        if refund_first {
            refund().await;
        }
        let (principal, payment, amount) = (Principal::System, paid, 5_000);
        let open = OpenDispute { principal, key: None, payment, amount };
        let dispute = open_dispute(&world.test.bank, open).await.expect("no trouble").result.expect("it is opened").id;
        let close = CloseDispute { principal, key: None, dispute, outcome: DisputeOutcome::Payer };
        close_dispute(&world.test.bank, close).await.expect("no trouble").result.expect("it is closed");
        if !refund_first {
            refund().await;
        }
        let payment = world.test.bank.store().read_blocking(|snapshot| by_id(snapshot.reading(), paid));
        let payment = payment.expect("no trouble").expect("it exists");
        assert_eq!((payment.charged.total(), payment.given_back.total()), (60, 30), "refund first: {refund_first}");
    }
}

//! Settlements: totals that explain the balance, terms, calendar, reserve, debts, and crash points.

use super::{Settlement, SettlementState, csv, list, statement};
use crate::Principal;
use crate::cases::{self, CaseKind};
use crate::merchants;
use crate::payments::tests::{World, code};
use crate::payments::{PayCommand, Target};
use crate::wallets::{self, Freezing};
use crate::{Own, Wish, bank_accounts, payouts};

fn settlements(world: &World) -> Vec<Settlement> {
    let merchant = world.shop.merchant;
    world.test.bank.store().read_blocking(|snapshot| list(snapshot.reading(), merchant, None, 100)).expect("no trouble")
}

async fn plan(world: &World, settlement: &str) {
    let plans = ("payment.standard".to_owned(), settlement.to_owned());
    let wish = Wish::internal(Principal::System, "merchants.set_plans");
    let set = merchants::set_plans(&world.test.bank, wish, world.shop.merchant, plans).await;
    set.expect("no trouble").result.expect("the plans exist");
}

/// The shop has a bank account to be settled to.
async fn link(world: &World) {
    let wish = Wish::internal(Principal::Merchant(world.shop.merchant), "bank_accounts.link");
    let linked = bank_accounts::link(&world.test.bank, wish, "DE89370400440532013000".to_owned()).await;
    linked.expect("no trouble").result.expect("it is linked");
}

fn own(world: &World, own: Own) -> i64 {
    let account = world.test.bank.chart().opened(own, world.shop.currency).expect("it is opened");
    world.test.balance(account).0
}

/// Seconds from the start of the test's Monday to just after its midnight.
const TO_MIDNIGHT: i64 = 14 * 3600 + 1;
const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_settled_once_and_its_totals_explain_the_balance() {
    let world = World::new(100_000, 0).await;
    link(&world).await;
    let paid = world.paid(10_000, "one").await.id;
    world.paid(20_000, "two").await;
    world.refund(world.refund_command(paid, Some(5_000), "refund")).await.expect("it is refunded");
    world.tick(TO_MIDNIGHT);
    let all = settlements(&world);
    assert_eq!(all.len(), 1);
    let found = &all[0];
    assert_eq!((found.totals.payments, found.totals.payments_count, found.totals.refunds), (30_000, 2, 5_000));
    assert_eq!(found.totals.fees + found.totals.tax, 60 + 120 - 30);
    assert_eq!(found.balances.0 + found.totals.net(), found.balances.1);
    assert_eq!((found.shares.paid_out, found.state), (24_850, SettlementState::Sent));
    assert!(found.payout.is_some());
    assert_eq!((found.day.to_string(), found.value_day.to_string()), ("2026-11-23".into(), "2026-11-24".into()));
    assert_eq!((world.balances().2, own(&world, Own::SettlementClearing)), (0, 0));
    assert_eq!(own(&world, Own::PayoutSuspense), 24_850);
    world.tick(DAY);
    assert_eq!(settlements(&world).len(), 1, "a quiet day has no settlement");
    world.paid(1_000, "three").await;
    world.tick(DAY);
    let found = settlements(&world).remove(0);
    assert_eq!((found.balances, found.totals.settled, found.shares.paid_out), ((24_850, 994), 24_850, 994));
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_and_csv_list_what_the_totals_add_up() {
    let world = World::new(100_000, 0).await;
    let paid = world.paid(10_000, "one").await.id;
    let refund = world.refund(world.refund_command(paid, Some(5_000), "refund")).await.expect("it is refunded");
    world.tick(TO_MIDNIGHT);
    let id = settlements(&world)[0].id;
    let found = statement(&world.test.bank, id, 100).expect("no trouble").expect("it exists");
    let items: Vec<_> = found.items.iter().map(|item| (item.subject.clone(), item.gross, item.net)).collect();
    assert_eq!(items, [(refund.id.to_string(), -5_000, -4_970), (paid.to_string(), 10_000, 9_940)]);
    assert_eq!(items.iter().map(|item| item.2).sum::<i64>(), found.settlement.closing - found.settlement.opening);
    let text = csv(&world.test.bank, id).expect("no trouble").expect("it exists");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "at,type,id,gross,fee,tax,net,currency");
    assert!(lines[2].ends_with(&format!(",payment,{paid},100.00,0.57,0.03,99.40,CNY")), "{}", lines[2]);
    assert_eq!(lines.len(), 4, "a header, two items, and the end of the last line");
}

#[tokio::test(flavor = "multi_thread")]
async fn weekends_are_settled_with_the_next_business_day() {
    let world = World::free(100_000, 0).await;
    world.tick(TO_MIDNIGHT + 4 * DAY);
    world.paid(1_000, "saturday").await;
    world.tick(DAY);
    world.paid(2_000, "sunday").await;
    world.tick(DAY);
    assert_eq!(settlements(&world).len(), 0);
    world.tick(DAY);
    let all = settlements(&world);
    assert_eq!((all.len(), all[0].shares.paid_out, all[0].day.to_string()), (1, 3_000, "2026-11-30".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn gross_terms_pay_the_sales_and_collect_the_fees_next_month() {
    let world = World::new(100_000, 0).await;
    plan(&world, "gross").await;
    link(&world).await;
    world.paid(10_000, "november").await;
    world.tick(TO_MIDNIGHT);
    let first = settlements(&world).remove(0);
    assert_eq!((first.shares.paid_out, first.shares.fees_put_back), (10_000, 60));
    world.tick(8 * DAY);
    world.paid(10_000, "december").await;
    world.tick(DAY);
    let second = settlements(&world).remove(0);
    assert_eq!((second.shares.fees_collected, second.shares.fees_put_back), (60, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_is_kept_and_comes_back() {
    let world = World::free(100_000, 0).await;
    plan(&world, "reserve").await;
    world.paid(10_000, "pay").await;
    world.tick(TO_MIDNIGHT);
    let found = settlements(&world).remove(0);
    assert_eq!((found.shares.reserved, found.shares.paid_out), (1_000, 9_000));
    assert_eq!(world.test.balance(world.shop.reserve).0, 1_000);
    for _ in 0..90 {
        world.tick(DAY);
    }
    assert_eq!(world.test.balance(world.shop.reserve).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_is_repaid_before_anything_is_paid_out_and_carried_when_it_is_larger() {
    use crate::payments::{CloseDispute, DisputeOutcome, OpenDispute, close_dispute, open_dispute};
    let world = World::free(100_000, 0).await;
    link(&world).await;
    let paid = world.paid(10_000, "pay").await.id;
    world.tick(TO_MIDNIGHT);
    world.paid(3_000, "tuesday").await;
    let open = OpenDispute { principal: Principal::System, key: None, payment: paid, amount: 10_000 };
    let dispute = open_dispute(&world.test.bank, open).await.expect("no trouble").result.expect("it is opened").id;
    let outcome = DisputeOutcome::Payer;
    let close = CloseDispute { principal: Principal::System, key: None, dispute, outcome };
    assert_eq!(code(&close_dispute(&world.test.bank, close).await.expect("no trouble").result), "done");
    assert_eq!(world.test.balance(world.shop.receivable).0, 7_000, "the settlement had left, so the merchant owes");
    world.paid(1_000, "after").await;
    world.tick(DAY);
    let found = settlements(&world).remove(0);
    assert_eq!((found.shares.repaid, found.shares.paid_out, found.owed), (1_000, 0, 6_000));
    assert_eq!(found.state, SettlementState::Carried);
    world.paid(8_000, "wednesday").await;
    world.tick(DAY);
    let found = settlements(&world).remove(0);
    assert_eq!((found.shares.repaid, found.shares.paid_out, found.owed), (6_000, 2_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bank_account_the_money_returns_and_is_settled_again() {
    let world = World::free(100_000, 0).await;
    world.paid(10_000, "pay").await;
    world.tick(TO_MIDNIGHT);
    assert_eq!((settlements(&world)[0].state, world.balances().2), (SettlementState::Returned, 10_000));
    link(&world).await;
    world.tick(DAY);
    let all = settlements(&world);
    assert_eq!((all.len(), all[0].state, world.balances().2), (2, SettlementState::Sent, 0));
}

/// The bank says what became of a settlement's payout, twice.
async fn said(world: &World, found: &Settlement, outcome: ports::Outcome) {
    let payout = payouts::find(&world.test.bank, found.payout.expect("it has one")).await;
    let end_to_end = payout.expect("no trouble").expect("it exists").end_to_end_id;
    for _ in 0..2 {
        world.test.rail.say(&end_to_end, outcome.clone());
        world.tick(2);
    }
}

fn refused() -> ports::Outcome {
    ports::Outcome::Rejected { reason: "no such account".to_owned() }
}

fn came_back() -> ports::Outcome {
    ports::Outcome::Returned { amount: 10_000, reason: "no such holder".to_owned() }
}

async fn told(world: &World, kind: &str) -> usize {
    let events = world.test.bank.store().read_blocking(|snapshot| snapshot.events_after(0, None, 1_000));
    events.expect("no trouble").iter().filter(|event| event.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_whose_payout_bounces_is_returned_and_carried_into_the_next() {
    for (words, after) in [(vec![refused()], 0), (vec![ports::Outcome::Done { amount: 10_000 }, came_back()], 1)] {
        let world = World::free(100_000, 0).await;
        link(&world).await;
        world.paid(10_000, "pay").await;
        world.tick(TO_MIDNIGHT);
        let sent = settlements(&world).remove(0);
        assert_eq!((sent.state, world.balances().2), (SettlementState::Sent, 0));
        for word in words {
            said(&world, &sent, word).await;
        }
        let returned = settlements(&world).remove(0);
        assert_eq!((returned.id, returned.state, returned.payout), (sent.id, SettlementState::Returned, sent.payout));
        assert_eq!((world.balances().2, own(&world, Own::PayoutSuspense)), (10_000, 0), "{after}");
        assert_eq!(told(&world, "settlement.returned").await, 1, "however often the bank says it");
        world.tick(DAY);
        let next = settlements(&world).remove(0);
        assert_eq!((next.state, next.shares.paid_out, next.totals.settled), (SettlementState::Sent, 10_000, 0));
        assert_ne!(next.id, sent.id);
        assert_eq!((world.balances().2, own(&world, Own::PayoutSuspense)), (0, 10_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_late_payout_owes_is_collected_by_the_next_settlement_and_given_back_when_it_returns() {
    let world = World::free(100_000, 0).await;
    link(&world).await;
    world.paid(10_000, "pay").await;
    world.tick(TO_MIDNIGHT);
    let sent = settlements(&world).remove(0);
    said(&world, &sent, refused()).await;
    world.paid(500, "small").await;
    said(&world, &sent, ports::Outcome::Done { amount: 10_000 }).await;
    let owed = || world.test.balance(world.shop.receivable).0;
    assert_eq!((world.balances().2, owed(), own(&world, Own::Nostro)), (10_500, 10_000, -10_000));
    world.tick(DAY);
    let next = settlements(&world).remove(0);
    assert_eq!((next.shares.repaid, next.shares.paid_out, next.owed), (10_000, 500, 0));
    assert_eq!((world.balances().2, owed()), (0, 0));

    said(&world, &sent, came_back()).await;
    assert_eq!((world.balances().2, owed(), own(&world, Own::Nostro)), (10_000, 0, 0), "nobody owes: it is the shop's");
    world.tick(DAY);
    let last = settlements(&world).remove(0);
    assert_eq!((last.shares.repaid, last.shares.paid_out), (0, 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_late_payout_brings_back_pays_what_is_still_owed_for_it() {
    let world = World::free(100_000, 0).await;
    link(&world).await;
    world.paid(10_000, "pay").await;
    world.tick(TO_MIDNIGHT);
    let sent = settlements(&world).remove(0);
    said(&world, &sent, refused()).await;
    world.refund(world.refund_command(world.paid(4_000, "sale").await.id, None, "refund")).await.expect("refunded");
    said(&world, &sent, ports::Outcome::Done { amount: 10_000 }).await;
    said(&world, &sent, came_back()).await;
    let owed = world.test.balance(world.shop.receivable).0;
    assert_eq!((world.balances().2, owed, own(&world, Own::Nostro)), (10_000, 0, 0));
    world.tick(DAY);
    assert_eq!(settlements(&world)[0].shares.paid_out, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_who_cannot_be_settled_keeps_nobody_else_from_it() {
    let world = World::new(100_000, 0).await;
    let next = world.test.merchant("Tea House").await;
    assert!(world.shop.account < next.account, "the shop's turn comes first");
    let days = async |key: &str| {
        let target = Target::Merchant(next.merchant, None);
        world.pay(PayCommand { target, ..world.command(&world.alice, 1_000, key) }).await.expect("it is paid");
        world.tick(DAY);
        let store = world.test.bank.store();
        let found = store.read_blocking(|snapshot| list(snapshot.reading(), next.merchant, None, 100));
        found.expect("no trouble").len()
    };
    world.paid(10_000, "the shop's").await;
    assert_eq!(days("one").await, 1);
    let spoil = world.test.bank.store().write(|uow| {
        uow.execute("UPDATE settlement SET state = 99 WHERE payments = 10000", &[])?;
        Ok(store::Outcome::<(), ()>::Done(()))
    });
    spoil.await.expect("no trouble");
    assert_eq!((days("two").await, days("three").await), (2, 3));
}

/// Closes the shop's account, which is empty.
async fn close(world: &World) {
    let account = world.shop.account;
    let row = world.test.bank.store().read_blocking(|snapshot| snapshot.account(account));
    let id = row.expect("no trouble").expect("it exists").id;
    let wish = Wish::internal(Principal::System, "accounts.close");
    let closed = wallets::freeze(&world.test.bank, wish, id, Freezing::Close).await;
    closed.expect("no trouble").result.expect("it is empty");
}

/// The subjects of the open cases about money that an account cannot take.
async fn not_creditable(world: &World) -> Vec<String> {
    let open = cases::list(&world.test.bank, true, None, 100).await.expect("no trouble");
    open.into_iter().filter(|case| case.kind == CaseKind::NotCreditable).map(|case| case.subject).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_for_an_account_that_was_closed_meanwhile_is_a_case() {
    let world = World::new(100_000, 0).await;
    link(&world).await;
    // From Monday to Friday: what Friday settles has its value on Monday.
    world.tick(4 * DAY);
    world.paid(10_000, "one").await;
    world.tick(TO_MIDNIGHT);
    assert_eq!((settlements(&world)[0].state, world.balances().2), (SettlementState::Scheduled, 0));
    close(&world).await;
    world.tick(3 * DAY);
    assert_eq!(settlements(&world)[0].state, SettlementState::Returned);
    assert_eq!(own(&world, Own::SettlementClearing), 9_940, "it waits for people");
    assert_eq!(not_creditable(&world).await, [settlements(&world)[0].id.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_for_an_account_that_was_closed_meanwhile_is_a_case() {
    let world = World::free(100_000, 0).await;
    link(&world).await;
    plan(&world, "reserve").await;
    world.paid(10_000, "pay").await;
    world.tick(TO_MIDNIGHT);
    let id = settlements(&world)[0].id.to_string();
    for _ in 0..3 {
        world.tick(DAY);
    }
    close(&world).await;
    world.tick(90 * DAY);
    assert_eq!((world.test.balance(world.shop.reserve).0, not_creditable(&world).await), (1_000, vec![id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_link_does_not_redirect_a_settlement_and_without_one_the_money_stays() {
    let world = World::new(100_000, 0).await;
    link(&world).await;
    let who = || Principal::Merchant(world.shop.merchant);
    let again = Wish::internal(who(), "bank_accounts.link");
    let other = bank_accounts::link(&world.test.bank, again, "6222021234567890".to_owned()).await;
    let other = other.expect("no trouble").result.expect("it is linked").id;
    world.paid(10_000, "one").await;
    world.tick(TO_MIDNIGHT);
    world.tick(DAY);
    let sent = world.test.rail.instructions();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].account, "DE89370400440532013000");
    let links = bank_accounts::list(&world.test.bank, who()).await.expect("no trouble");
    let first = links.iter().find(|link| link.id != other).expect("two").id;
    let gone = Wish::internal(who(), "bank_accounts.remove");
    bank_accounts::remove(&world.test.bank, gone, first).await.expect("no trouble").result.expect("removed");
    let before = world.balances().2;
    world.paid(10_000, "two").await;
    world.tick(DAY);
    world.tick(DAY);
    assert_eq!(world.test.rail.instructions().len(), 1, "nothing goes to the other account");
    assert_eq!(world.balances().2 - before, 10_000 - 60, "it waits in the merchant's account");
}

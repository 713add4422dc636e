//! Stories of transfers: to people who are known, to aliases that nobody holds, and 200 at once for the last money.

use crate::aliases;
use crate::chart::Own;
use crate::entries::Channel;
use crate::testing::{TestBank, TestCustomer, cny};
use crate::topups::tests::own_balance;
use crate::transfers::{self, Payee, PayeeRef, Send, TransferState, TransferView};
use crate::wallets;
use crate::wish::{Principal, Wish};
use money::{Currency, Money};
use vocabulary::{Id, kinds};

const PHONE: &str = "+8613912345678";
const DAY: i64 = 86_400;

fn cash(minor: i64) -> Money {
    Money::new(minor, cny()).expect("not negative")
}

fn as_customer(customer: &TestCustomer) -> Principal {
    Principal::Customer(customer.id)
}

async fn seen(bank: &TestBank, payer: &TestCustomer, payee: &PayeeRef) -> Payee {
    transfers::look_up(&bank.bank, payer.id, payee).await.expect("no trouble").expect("somebody is meant")
}

fn command(payer: &TestCustomer, payee: &PayeeRef, confirmation: Option<&str>, minor: i64) -> Send {
    let (wallet, payee, confirmation) = (payer.wallet, payee.clone(), confirmation.map(str::to_owned));
    Send { wallet, payee, confirmation, amount: cash(minor), channel: Channel::Api }
}

async fn try_send(bank: &TestBank, payer: &TestCustomer, command: Send) -> Result<TransferView, String> {
    let wish = Wish::internal(as_customer(payer), "transfers.create");
    let answer = transfers::send(&bank.bank, wish, command).await.expect("no trouble");
    answer.result.map_err(|refusal| refusal.code.as_str().to_owned())
}

/// Looks up and sends.
async fn sent(bank: &TestBank, payer: &TestCustomer, payee: &PayeeRef, minor: i64) -> TransferView {
    let confirmation = seen(bank, payer, payee).await.confirmation;
    try_send(bank, payer, command(payer, payee, Some(&confirmation), minor)).await.expect("it is sent")
}

/// Proves that the phone is the customer's.
async fn verify(bank: &TestBank, customer: &TestCustomer, alias: &str) {
    let wish = || Wish::internal(as_customer(customer), "aliases.claim");
    let claimed =
        aliases::claim(&bank.bank, wish(), customer.id, alias).await.expect("no trouble").result.expect("claimed");
    let code = bank.last_code(alias).expect("a code was sent");
    let wish = Wish::internal(as_customer(customer), "aliases.confirm");
    let answer = aliases::confirm(&bank.bank, wish, (customer.id, claimed.id), &code).await.expect("no trouble");
    answer.result.expect("it is verified");
    bank.run_jobs();
}

async fn state(bank: &TestBank, id: Id<kinds::Transfer>) -> TransferState {
    transfers::find(&bank.bank, id).await.expect("no trouble").expect("it exists").state
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_at_once_to_a_payee_who_was_looked_up() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 5_000), bank.customer("Bob Li", 0));
    verify(&bank, &bob, PHONE).await;
    for (payee, minor) in [(PayeeRef::Wallet(bob.wallet), 1_000), (PayeeRef::Alias(PHONE.to_owned()), 500)] {
        let shown = seen(&bank, &alice, &payee).await;
        let name = shown.masked_name.expect("a name");
        assert!(!shown.unclaimed && name != "Bob Li" && name.contains('*'), "{name}");
        assert_eq!(sent(&bank, &alice, &payee, minor).await.state, TransferState::Completed);
        bank.clock.advance(1);
    }
    assert_eq!((bank.balance(alice.account.account).0, bank.balance(bob.account.account).0), (3_500, 1_500));
    for customer in [&alice, &bob] {
        let list = transfers::list(&bank.bank, customer.id, None, 9).await.expect("no trouble");
        assert_eq!(list.iter().map(|transfer| transfer.amount_minor).collect::<Vec<_>>(), [500, 1_000], "newest first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_in_order_and_move_nothing() {
    let bank = TestBank::new();
    let (alice, bob, carol) =
        (bank.customer("Alice Zhang", 900), bank.customer("Bob Li", 0), bank.customer("Carol Wu", 0));
    let to_bob = PayeeRef::Wallet(bob.wallet);
    let good = seen(&bank, &alice, &to_bob).await.confirmation;
    let theirs = seen(&bank, &carol, &to_bob).await.confirmation;
    let to_none = PayeeRef::Wallet(Id::from_u128(5));
    let garbled = PayeeRef::Alias("not an alias".to_owned());
    let jpy = Send {
        amount: Money::new(5, Currency::iso("JPY").expect("listed")).expect("positive"),
        ..command(&alice, &to_bob, Some(&good), 1)
    };
    let table = [
        (command(&alice, &to_bob, Some(&good), 0), "amount_not_positive"),
        (command(&bob, &to_bob, Some(&good), 1), "account_not_found"),
        (jpy, "account_not_found"),
        (command(&alice, &garbled, Some(&good), 1), "alias_invalid"),
        (command(&alice, &to_none, Some(&good), 1), "not_found"),
        (command(&alice, &PayeeRef::Wallet(alice.wallet), Some(&good), 1), "payee_is_payer"),
        (command(&alice, &to_bob, None, 1), "confirmation_required"),
        (command(&alice, &to_bob, Some("12.ab"), 1), "confirmation_required"),
        (command(&alice, &to_bob, Some(&theirs), 1), "payee_changed"),
        (command(&alice, &PayeeRef::Wallet(carol.wallet), Some(&good), 1), "payee_changed"),
        (command(&alice, &to_bob, Some(&good), 901), "insufficient_funds"),
    ];
    for (command, code) in table {
        assert_eq!(try_send(&bank, &alice, command).await.expect_err(code), code);
    }
    let own = transfers::look_up(&bank.bank, alice.id, &PayeeRef::Wallet(alice.wallet)).await.expect("no trouble");
    assert_eq!(own.expect_err("refused").code.as_str(), "payee_is_payer");
    bank.clock.advance(3_600);
    let late = try_send(&bank, &alice, command(&alice, &to_bob, Some(&good), 1)).await;
    assert_eq!(late.expect_err("too late"), "confirmation_required");
    assert_eq!((bank.balance(alice.account.account), bank.balance(bob.account.account)), ((900, 0), (0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payee_without_an_account_in_the_currency_gets_nothing() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 900), bank.customer("Bob Li", 0));
    let eur = Currency::iso("EUR").expect("listed");
    let wish = Wish::internal(as_customer(&alice), "wallets.add_currency");
    wallets::add_currency(&bank.bank, wish, alice.wallet, eur).await.expect("no trouble").result.expect("opened");
    let to_bob = PayeeRef::Wallet(bob.wallet);
    let confirmation = seen(&bank, &alice, &to_bob).await.confirmation;
    let amount = Money::new(5, eur).expect("positive");
    let refused = try_send(&bank, &alice, Send { amount, ..command(&alice, &to_bob, Some(&confirmation), 1) }).await;
    assert_eq!(refused.expect_err("refused"), "currency_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_an_unknown_alias_waits_and_is_claimed_by_whoever_proves_it_is_theirs() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 5_000), bank.customer("Bob Li", 0));
    let to_phone = PayeeRef::Alias(PHONE.to_owned());
    let shown = seen(&bank, &alice, &to_phone).await;
    assert!(shown.unclaimed && shown.masked_name.is_none());
    let waiting = sent(&bank, &alice, &to_phone, 1_200).await;
    assert_eq!((waiting.state, own_balance(&bank, Own::Unclaimed)), (TransferState::Waiting, 1_200));
    verify(&bank, &bob, PHONE).await;
    assert_eq!(state(&bank, waiting.id).await, TransferState::Claimed);
    assert_eq!((bank.balance(bob.account.account).0, own_balance(&bank, Own::Unclaimed)), (1_200, 0));
    bank.clock.advance(DAY);
    bank.run_jobs();
    assert_eq!(state(&bank, waiting.id).await, TransferState::Claimed, "what was claimed does not go back");
    let old = try_send(&bank, &alice, command(&alice, &to_phone, Some(&shown.confirmation), 1)).await;
    assert_eq!(old.expect_err("the look-up is stale"), "confirmation_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_that_found_its_holder_after_the_look_up_must_be_confirmed_again() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 5_000), bank.customer("Bob Li", 0));
    let to_phone = PayeeRef::Alias(PHONE.to_owned());
    let stale = seen(&bank, &alice, &to_phone).await.confirmation;
    verify(&bank, &bob, PHONE).await;
    let refused = try_send(&bank, &alice, command(&alice, &to_phone, Some(&stale), 100)).await;
    assert_eq!(refused.expect_err("another payee"), "payee_changed");
    assert_eq!(bank.balance(alice.account.account).0, 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn unclaimed_money_returns_after_a_day_with_its_limits() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 5_000);
    let to_phone = PayeeRef::Alias(PHONE.to_owned());
    let left = async || {
        let run = transfers::dry_run(&bank.bank, as_customer(&alice), command(&alice, &to_phone, None, 1)).await;
        let forecast = run.expect("no trouble").expect("allowed");
        forecast.limits_left.iter().filter_map(|left| left.out_month).collect::<Vec<_>>()
    };
    let before = left().await;
    let waiting = sent(&bank, &alice, &to_phone, 1_200).await;
    assert_ne!(left().await, before);
    bank.clock.advance(DAY - 1);
    bank.run_jobs();
    assert_eq!(state(&bank, waiting.id).await, TransferState::Waiting);
    bank.clock.advance(1);
    bank.run_jobs();
    assert_eq!(state(&bank, waiting.id).await, TransferState::Returned);
    assert_eq!((bank.balance(alice.account.account).0, own_balance(&bank, Own::Unclaimed)), (5_000, 0));
    assert_eq!(left().await, before, "the month's limit is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_takes_back_what_waits_and_nobody_else_does() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 5_000), bank.customer("Bob Li", 0));
    let waiting = sent(&bank, &alice, &PayeeRef::Alias(PHONE.to_owned()), 1_200).await;
    let cancel = async |who: &TestCustomer| {
        let wish = Wish::internal(as_customer(who), "transfers.cancel");
        let answer = transfers::cancel(&bank.bank, wish, waiting.id).await.expect("no trouble");
        answer.result.map(|view| view.state).map_err(|refusal| refusal.code.as_str())
    };
    assert_eq!(cancel(&bob).await, Err("not_found"));
    assert_eq!(cancel(&alice).await, Ok(TransferState::Cancelled));
    assert_eq!(cancel(&alice).await, Err("transfer_not_pending"));
    verify(&bank, &bob, PHONE).await;
    bank.clock.advance(DAY);
    bank.run_jobs();
    assert_eq!((bank.balance(alice.account.account).0, bank.balance(bob.account.account).0), (5_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_never_spend_the_same_money_twice() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 1_000), bank.customer("Bob Li", 0));
    let payee = PayeeRef::Wallet(bob.wallet);
    let confirmation = seen(&bank, &alice, &payee).await.confirmation;
    let mut tasks = Vec::new();
    for place in 0..200 {
        let (bank, command) = (bank.bank.clone(), command(&alice, &payee, Some(&confirmation), 30));
        // Half of them are retries of ten wishes.
        let key = if place % 2 == 0 { format!("wish {place}") } else { format!("wish {}", place % 20) };
        let wish = Wish::new(as_customer(&alice), "transfers.create", &key, b"30");
        tasks
            .push(tokio::spawn(async move { transfers::send(&bank, wish, command).await.expect("no trouble").result }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(view) => ids.push(view.id),
            Err(refusal) => assert_eq!(refusal.code.as_str(), "insufficient_funds"),
        }
    }
    ids.sort();
    ids.dedup();
    let moved = i64::try_from(ids.len()).expect("few") * 30;
    assert_eq!(ids.len(), 33, "as many as the money allows");
    assert_eq!((bank.balance(alice.account.account).0, bank.balance(bob.account.account).0), (1_000 - moved, moved));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_waits_for_an_alias_is_claimed_however_much_it_is() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 5_000), bank.customer("Bob Li", 0));
    let to_phone = PayeeRef::Alias(PHONE.to_owned());
    for _ in 0..101 {
        sent(&bank, &alice, &to_phone, 10).await;
    }
    verify(&bank, &bob, PHONE).await;
    assert_eq!((bank.balance(bob.account.account).0, own_balance(&bank, Own::Unclaimed)), (1_010, 0));
}

#[tokio::test]
async fn nothing_waits_for_a_handle_that_nobody_holds() {
    let bank = TestBank::new();
    let payer = bank.customer("Li Ming", 1_000);
    let payee = PayeeRef::Alias("@nobody_yet".to_owned());
    let found = transfers::look_up(&bank.bank, payer.id, &payee).await.expect("no trouble");
    assert_eq!(found.expect_err("nobody").code.as_str(), "not_found");
    let sent = try_send(&bank, &payer, command(&payer, &payee, Some("1.x"), 100)).await;
    assert_eq!((sent.expect_err("refused").as_str(), bank.balance(payer.account.account).0), ("not_found", 1_000));
}

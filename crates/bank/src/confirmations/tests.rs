//! Who is asked, what a confirmation is good for, and what it is not.

use super::{Reason, confirm, find, set_small, small};
use crate::audit::Origin;
use crate::bank::Bank;
use crate::bank_accounts;
use crate::entries::Channel;
use crate::factors::{self, Proof};
use crate::merchants::MerchantAccount;
use crate::payments::{AuthorizeCommand, PayCommand, Target, authorize, pay};
use crate::payouts::{self, StartPayout};
use crate::policies::{self, Change};
use crate::refusal::Refusal;
use crate::sessions::{Session, sign_in};
use crate::testing::{TestBank, cny};
use crate::tests::{registered, system};
use crate::transfers::{self, PayeeRef, Send};
use crate::wallets::{self, WalletAccount};
use crate::wish::{Principal, Wish};
use money::Money;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use vocabulary::{Id, Secret, kinds};

type Confirmation = Id<kinds::Confirmation>;

/// Who pays.
#[derive(Clone, Copy)]
struct Payer {
    session: Session,
    account: WalletAccount,
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn pin() -> Proof {
    Proof::Pin(secret("739164"))
}

fn password() -> Proof {
    Proof::Password(secret("correct horse battery"))
}

async fn payer(test: &TestBank, name: &str) -> Payer {
    let made = registered(&test.bank, name, "Ann").await;
    let account = wallets::find(&test.bank, made.wallet, cny()).await.unwrap().unwrap();
    test.fund(&account, 1_000_000);
    let signed = sign_in(&test.bank, name, secret("correct horse battery")).await.unwrap().unwrap();
    Payer { session: signed.session, account }
}

/// A payer who set a PIN more than a day ago.
async fn with_pin(test: &TestBank, name: &str) -> Payer {
    let payer = payer(test, name).await;
    factors::set_pin(&test.bank, payer.session, secret("739164"), password()).await.unwrap().unwrap();
    test.clock.advance(24 * 3600);
    payer
}

/// The handle of a request that names a confirmation.
fn naming(bank: &Bank, confirmation: Option<Confirmation>) -> Bank {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut origin = Origin::new(address, "req_1".to_owned(), "POST /v1/payments".to_owned(), None);
    origin.confirmation = confirmation;
    bank.of(Arc::new(origin))
}

fn said<T>(result: Result<T, Refusal>) -> (String, Option<Confirmation>) {
    match result {
        Ok(_) => ("done".to_owned(), None),
        Err(refusal) => (refusal.code.as_str().to_owned(), refusal.confirmation.map(|view| view.id)),
    }
}

fn command(payer: Payer, shop: &MerchantAccount, minor: i64) -> PayCommand {
    PayCommand {
        principal: payer.session.principal(),
        key: None,
        channel: Channel::Api,
        wallet: payer.account.wallet,
        target: Target::Merchant(shop.merchant, None),
        amount: Some(Money::new(minor, cny()).unwrap()),
        reference: None,
        description: None,
        quote: None,
    }
}

async fn buy(
    bank: &Bank,
    payer: Payer,
    (shop, minor): (&MerchantAccount, i64),
    by: Option<Confirmation>,
) -> (String, Option<Confirmation>) {
    said(pay(&naming(bank, by), command(payer, shop, minor)).await.unwrap().result)
}

/// Asks for a movement that has to be confirmed, and confirms it by PIN.
async fn confirmed(test: &TestBank, payer: Payer, what: (&MerchantAccount, i64)) -> Confirmation {
    let (code, id) = buy(&test.bank, payer, what, None).await;
    assert_eq!(code, "step_up_required");
    let id = id.expect("it says what to confirm");
    let view = confirm(&test.bank, payer.session, id, pin()).await.unwrap().unwrap();
    assert_eq!((view.state.as_str(), view.amount_minor), ("confirmed", what.1));
    id
}

async fn set_mode(test: &TestBank, mode: &str) {
    let mut value = test.bank.policies().value("step_up").expect("the policy");
    value["mode"] = json!(mode);
    let change = Change { name: "step_up".to_owned(), value, from: None, source: "a test".to_owned() };
    policies::set(&test.bank, system("policies.set"), change).await.unwrap().result.unwrap();
}

#[tokio::test]
async fn who_has_set_nothing_is_not_asked_unless_everybody_is() {
    let test = TestBank::new();
    let (payer, shop) = (payer(&test, "ann@example.com").await, test.merchant("Tea House").await);
    assert_eq!(buy(&test.bank, payer, (&shop, 500_000), None).await.0, "done");
    set_mode(&test, "required").await;
    let (code, id) = buy(&test.bank, payer, (&shop, 50_000), None).await;
    assert_eq!(code, "step_up_required");
    let id = id.unwrap();
    assert_eq!(said(confirm(&test.bank, payer.session, id, pin()).await.unwrap()).0, "factor_wrong");
    confirm(&test.bank, payer.session, id, password()).await.unwrap().unwrap();
    assert_eq!(buy(&test.bank, payer, (&shop, 50_000), Some(id)).await.0, "done");
}

#[tokio::test]
async fn a_confirmation_is_for_exactly_what_was_shown_for_who_was_asked_and_once() {
    let test = TestBank::new();
    let (ann, bob) = (with_pin(&test, "ann@example.com").await, with_pin(&test, "bob@example.com").await);
    let (tea, noodles) = (test.merchant("Tea House").await, test.merchant("Noodles").await);
    let asked = pay(&test.bank, command(ann, &tea, 30_000)).await.unwrap().result.unwrap_err();
    let view = *asked.confirmation.expect("what to confirm");
    assert_eq!(
        (view.payee.as_deref(), view.reason, view.currency.as_str()),
        (Some("Tea House"), Reason::Amount, "CNY")
    );
    assert_eq!(find(&test.bank, bob.session.customer, view.id).await.unwrap(), None);
    assert_eq!(said(confirm(&test.bank, bob.session, view.id, pin()).await.unwrap()).0, "not_found");
    let by = Some(view.id);
    assert_eq!(buy(&test.bank, ann, (&tea, 30_000), by).await.0, "confirmation_not_valid", "nobody confirmed it yet");
    confirm(&test.bank, ann.session, view.id, pin()).await.unwrap().unwrap();
    assert_eq!(said(confirm(&test.bank, ann.session, view.id, pin()).await.unwrap()).0, "confirmation_not_valid");
    for (payer, shop, minor) in [(ann, &tea, 30_001), (ann, &tea, 29_999), (ann, &noodles, 30_000), (bob, &tea, 30_000)]
    {
        assert_eq!(buy(&test.bank, payer, (shop, minor), by).await.0, "confirmation_not_valid");
    }
    let hold = AuthorizeCommand { pay: command(ann, &tea, 30_000), seconds: None };
    let held = authorize(&naming(&test.bank, by), hold).await.unwrap().result;
    assert_eq!(said(held).0, "confirmation_not_valid", "a hold is another movement");
    assert_eq!(test.balance(ann.account.account), (1_000_000, 0));
    assert_eq!(buy(&test.bank, ann, (&tea, 30_000), by).await.0, "done");
    assert_eq!(buy(&test.bank, ann, (&tea, 30_000), by).await.0, "confirmation_not_valid");
    assert_eq!(find(&test.bank, ann.session.customer, view.id).await.unwrap().unwrap().state, "used");
}

#[tokio::test]
async fn a_confirmation_ends_with_its_minutes() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let id = confirmed(&test, payer, (&shop, 30_000)).await;
    test.clock.advance(300);
    assert_eq!(buy(&test.bank, payer, (&shop, 30_000), Some(id)).await.0, "confirmation_not_valid");
    let (_, late) = buy(&test.bank, payer, (&shop, 30_000), None).await;
    test.clock.advance(300);
    let code = said(confirm(&test.bank, payer.session, late.unwrap(), pin()).await.unwrap()).0;
    assert_eq!(code, "confirmation_not_valid");
}

#[tokio::test]
async fn small_payments_pass_until_they_are_used_up_and_begin_anew_after_a_confirmed_one() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    for _ in 0..4 {
        assert_eq!(buy(&test.bank, payer, (&shop, 20_000), None).await.0, "done");
    }
    assert_eq!(buy(&test.bank, payer, (&shop, 1), None).await.0, "step_up_required", "the sum is used up");
    let id = confirmed(&test, payer, (&shop, 20_000)).await;
    assert_eq!(buy(&test.bank, payer, (&shop, 20_000), Some(id)).await.0, "done");
    for _ in 0..5 {
        assert_eq!(buy(&test.bank, payer, (&shop, 1), None).await.0, "done");
    }
    assert_eq!(buy(&test.bank, payer, (&shop, 1), None).await.0, "step_up_required", "the number is used up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_sent_at_once_do_not_pass_together_where_only_one_may() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    for _ in 0..3 {
        assert_eq!(buy(&test.bank, payer, (&shop, 20_000), None).await.0, "done");
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (bank, shop) = (test.bank.clone(), shop.clone());
        tasks.spawn(async move { buy(&bank, payer, (&shop, 20_000), None).await.0 });
    }
    let codes = tasks.join_all().await;
    assert_eq!(codes.iter().filter(|code| *code == "done").count(), 1);
    assert_eq!(codes.iter().filter(|code| *code == "step_up_required").count(), 7);
    assert_eq!(test.balance(payer.account.account).0, 1_000_000 - 4 * 20_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_requests_with_one_confirmation_make_one_payment() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let by = Some(confirmed(&test, payer, (&shop, 30_000)).await);
    let (first, second) =
        tokio::join!(buy(&test.bank, payer, (&shop, 30_000), by), buy(&test.bank, payer, (&shop, 30_000), by));
    let mut found = [first.0, second.0];
    found.sort();
    assert_eq!(found, ["confirmation_not_valid", "done"]);
}

#[tokio::test]
async fn a_refused_payment_uses_nothing_up() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let id = confirmed(&test, payer, (&shop, 1_100_000)).await;
    for _ in 0..2 {
        assert_eq!(buy(&test.bank, payer, (&shop, 1_100_000), Some(id)).await.0, "insufficient_funds");
    }
    test.fund(&payer.account, 200_000);
    assert_eq!(buy(&test.bank, payer, (&shop, 1_100_000), Some(id)).await.0, "done");
}

async fn give(
    test: &TestBank,
    payer: Payer,
    to: Payer,
    minor: i64,
    by: Option<Confirmation>,
) -> (String, Option<Confirmation>) {
    let payee = PayeeRef::Wallet(to.account.wallet);
    let found = transfers::look_up(&test.bank, payer.session.customer, &payee).await.unwrap().unwrap();
    let amount = Money::new(minor, cny()).unwrap();
    let (wallet, confirmation) = (payer.account.wallet, Some(found.confirmation));
    let send = Send { wallet, payee, confirmation, amount, channel: Channel::Api };
    let wish = Wish::internal(payer.session.principal(), "transfers.create");
    said(transfers::send(&naming(&test.bank, by), wish, send).await.unwrap().result)
}

#[tokio::test]
async fn the_first_transfer_to_a_person_is_confirmed_and_shows_her_name_masked() {
    let test = TestBank::new();
    let (ann, bob) = (with_pin(&test, "ann@example.com").await, payer(&test, "bob@example.com").await);
    let (code, id) = give(&test, ann, bob, 100, None).await;
    assert_eq!(code, "step_up_required");
    let view = find(&test.bank, ann.session.customer, id.unwrap()).await.unwrap().unwrap();
    assert_eq!((view.reason, view.movement.as_str()), (Reason::NewPayee, "transfer"));
    assert!(view.payee.is_some_and(|name| name != "Ann"), "the name is masked");
    confirm(&test.bank, ann.session, view.id, pin()).await.unwrap().unwrap();
    assert_eq!(give(&test, ann, bob, 101, id).await.0, "confirmation_not_valid");
    assert_eq!(give(&test, ann, bob, 100, id).await.0, "done");
    assert_eq!(give(&test, ann, bob, 100, None).await.0, "done", "she is known now");
    assert_eq!(give(&test, ann, bob, 20_001, None).await.0, "step_up_required");
}

#[tokio::test]
async fn the_first_payout_to_an_account_and_a_large_hold_are_confirmed() {
    let test = TestBank::new();
    let (ann, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let wish = Wish::internal(ann.session.principal(), "bank_accounts.link");
    let linked =
        bank_accounts::link(&test.bank, wish, "DE89370400440532013000".to_owned()).await.unwrap().result.unwrap();
    let start = async |minor, by| {
        let amount = Money::new(minor, cny()).unwrap();
        let (wallet, bank_account) = (ann.account.wallet, linked.id);
        let command = StartPayout { wallet, bank_account, amount, channel: Channel::Api };
        let wish = Wish::internal(ann.session.principal(), "payouts.create");
        said(payouts::start(&naming(&test.bank, by), wish, command).await.unwrap().result)
    };
    let (code, id) = start(100, None).await;
    assert_eq!(code, "step_up_required");
    let view = confirm(&test.bank, ann.session, id.unwrap(), pin()).await.unwrap().unwrap();
    assert_eq!((view.payee, view.reason), (Some(linked.masked.clone()), Reason::NewPayee));
    assert_eq!(start(101, id).await.0, "confirmation_not_valid");
    assert_eq!(start(100, id).await.0, "done");
    assert_eq!(start(100, None).await.0, "done", "the account is known now");
    let hold = async |by| {
        let hold = AuthorizeCommand { pay: command(ann, &shop, 30_000), seconds: None };
        said(authorize(&naming(&test.bank, by), hold).await.unwrap().result)
    };
    let (code, id) = hold(None).await;
    assert_eq!(code, "step_up_required");
    confirm(&test.bank, ann.session, id.unwrap(), pin()).await.unwrap().unwrap();
    assert_eq!((hold(id).await.0, hold(id).await.0), ("done".to_owned(), "confirmation_not_valid".to_owned()));
}

#[tokio::test]
async fn after_a_factor_was_changed_small_payments_are_asked_for_too() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    assert_eq!(buy(&test.bank, payer, (&shop, 100), None).await.0, "done");
    factors::set_pin(&test.bank, payer.session, secret("480297"), password()).await.unwrap().unwrap();
    assert_eq!(buy(&test.bank, payer, (&shop, 100), None).await.0, "step_up_required");
    test.clock.advance(24 * 3600);
    assert_eq!(buy(&test.bank, payer, (&shop, 100), None).await.0, "done");
    let id = factors::list(&test.bank, payer.session.customer).await.unwrap().factors[0].id;
    factors::remove(&test.bank, payer.session, id, password()).await.unwrap().unwrap();
    assert_eq!(buy(&test.bank, payer, (&shop, 50_000), None).await.0, "done", "nobody is left to be asked");
}

#[tokio::test]
async fn a_customer_lets_less_pass_at_once_and_more_again_only_with_a_factor() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let set = async |minor, proof| {
        let most = Money::new(minor, cny()).unwrap();
        said(set_small(&test.bank, payer.session, most, proof).await.unwrap()).0
    };
    assert_eq!(set(20_001, Some(pin())).await, "limit_exceeded");
    assert_eq!(set(5_000, None).await, "done");
    assert_eq!(buy(&test.bank, payer, (&shop, 5_001), None).await.0, "step_up_required");
    assert_eq!(buy(&test.bank, payer, (&shop, 5_000), None).await.0, "done");
    assert_eq!(set(10_000, None).await, "missing_field");
    assert_eq!(set(10_000, Some(Proof::Pin(secret("905853")))).await, "factor_wrong");
    assert_eq!(set(10_000, Some(pin())).await, "done");
    let view = small(&test.bank, payer.session.customer, cny()).await.unwrap();
    assert_eq!((view.each_minor, view.most_minor, view.left_minor, view.left_count), (10_000, 20_000, 75_000, 4));
}

#[tokio::test]
async fn staff_and_the_bank_itself_are_not_asked() {
    let test = TestBank::new();
    let (payer, shop) = (with_pin(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let by_bank = PayCommand { principal: Principal::System, ..command(payer, &shop, 50_000) };
    assert_eq!(said(pay(&test.bank, by_bank).await.unwrap().result).0, "done");
    set_mode(&test, "off").await;
    assert_eq!(buy(&test.bank, payer, (&shop, 50_000), None).await.0, "done");
}

/// Asks a node until it answers: one that has not heard yet says 503 with nothing done.
async fn ask(
    node: &Bank,
    payer: Payer,
    what: (&MerchantAccount, i64),
    by: Option<Confirmation>,
) -> (String, Option<Confirmation>) {
    for _ in 0..100 {
        let fresh = node.fresh().await.unwrap();
        if let Ok(answer) = pay(&naming(&fresh, by), command(payer, what.0, what.1)).await {
            return said(answer.result);
        }
    }
    panic!("the node never answers");
}

/// Over a server only: the embedded bank has one node.
#[tokio::test(flavor = "multi_thread")]
async fn a_factor_set_on_one_node_is_asked_for_on_the_other() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    let (payer, shop) = (payer(&test, "ann@example.com").await, test.merchant("Tea House").await);
    let what = (&shop, 30_000);
    assert_eq!(ask(&other, payer, what, None).await.0, "done");
    factors::set_pin(&test.bank, payer.session, secret("739164"), password()).await.unwrap().unwrap();
    let (code, id) = ask(&other, payer, what, None).await;
    assert_eq!(code, "step_up_required");
    confirm(&test.bank, payer.session, id.unwrap(), pin()).await.unwrap().unwrap();
    assert_eq!(ask(&other, payer, what, id).await.0, "done");
    assert_eq!(ask(&test.bank, payer, what, id).await.0, "confirmation_not_valid");
}

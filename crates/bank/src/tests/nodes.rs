//! Two nodes of one bank over a server: what one ends or changes binds the other, and what is done once is done once by both.
//! Without a server (`JIAOZI_TEST_POSTGRES`) there is one node, and these stories are not told.

use super::{registered, system};
use crate::bank::Bank;
use crate::error::BankError;
use crate::jobs::{self, Lane};
use crate::merchants::{self, Scope, Status, create_key, revoke_key, rotate_key};
use crate::payments::tests::{World, code, yuan};
use crate::payments::{AuthorizeCommand, PayCommand, authorize, pay, refund};
use crate::payouts::{self, StartPayout};
use crate::policies::{Change, set};
use crate::sessions::{authenticate, change_password, sign_in, sign_out};
use crate::staff::{self, Role};
use crate::testing::TestBank;
use crate::topups::tests::linked;
use crate::wallets::{Freezing, freeze};
use crate::webhooks::{self, NewEndpoint};
use crate::wish::{Principal, Wish};
use crate::{customers, entries, orders};
use ports::{Sending, WebhookRequest, WebhookSender};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Outcome, StoreError, TRUST};
use tokio::task::block_in_place;
use vocabulary::Secret;

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn right() -> Secret<String> {
    password("correct horse battery")
}

/// An empty unit: what a handle's grounds come to.
async fn act(bank: &Bank) -> Result<(), &'static str> {
    let done = bank.store().write(|_| Ok(Outcome::<(), ()>::Done(()))).await;
    done.map(drop).map_err(|error| BankError::from(error).code().as_str())
}

/// The longest that a node may go on reading what another has ended.
async fn bound() {
    tokio::time::sleep(TRUST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_one_node_ends_lets_nobody_act_on_the_other() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    registered(&test.bank, "ann@example.com", "Ann").await;
    let signed = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    let stays = sign_in(&other, "ann@example.com", right()).await.unwrap().unwrap();
    let token = signed.token.expose();
    let (early, second) = (other.fresh().await.unwrap(), other.fresh().await.unwrap());
    assert!(authenticate(&early, token).await.unwrap().is_some());
    assert!(authenticate(&second, stays.token.expose()).await.unwrap().is_some());
    sign_out(&test.bank, signed.session).await.unwrap();
    assert_eq!(act(&early).await, Err("unauthenticated"), "exact where it decides");
    assert_eq!(act(&second).await, Ok(()), "another session is not concerned");
    bound().await;
    assert_eq!(authenticate(&other.fresh().await.unwrap(), token).await.unwrap(), None);

    let (early, new) = (other.fresh().await.unwrap(), password("a better horse battery"));
    let here = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    assert!(authenticate(&early, stays.token.expose()).await.unwrap().is_some());
    change_password(&test.bank, here.session, right(), new).await.unwrap().unwrap();
    assert_eq!(act(&early).await, Err("unauthenticated"), "a change of password ends the others");
    assert!(sign_in(&other, "ann@example.com", right()).await.unwrap().is_err());
    bound().await;
    let late = other.fresh().await.unwrap();
    assert_eq!(authenticate(&late, stays.token.expose()).await.unwrap(), None);
    assert!(authenticate(&late, here.token.expose()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_merchants_and_staff_end_on_every_node() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    let shop = test.merchant("Tea House").await.merchant;
    let wanted = ("till".to_owned(), vec![Scope::PaymentsRead]);
    let old = create_key(&test.bank, system("k"), shop, wanted).await.unwrap().result.unwrap();
    let of = async |bank: &Bank, key: &str| merchants::authenticate(bank, key).await.unwrap();
    assert!(of(&other, &old.key).await.is_some());
    let early = other.fresh().await.unwrap();
    assert!(of(&early, &old.key).await.is_some());
    let new = rotate_key(&test.bank, system("r"), (shop, old.id), 24).await.unwrap().result.unwrap();
    assert_eq!(act(&early).await, Ok(()), "the old key works on for the overlap");
    bound().await;
    let before = other.fresh().await.unwrap();
    assert!(of(&before, &new.key).await.is_some());
    test.clock.advance(24 * 3600);
    assert_eq!(of(&other.fresh().await.unwrap(), &old.key).await, None, "it was read again with its end");
    revoke_key(&test.bank, system("r"), (shop, new.id)).await.unwrap().result.unwrap();
    assert_eq!(act(&before).await, Err("unauthenticated"));
    bound().await;
    assert_eq!(of(&other.fresh().await.unwrap(), &new.key).await, None);

    let enrolled = block_in_place(|| staff::enrol_blocking(&test.bank, "Grace", Role::OPERATIONS)).unwrap();
    let early = other.fresh().await.unwrap();
    assert!(staff::authenticate(&early, enrolled.token.expose()).await.unwrap().is_some());
    block_in_place(|| staff::revoke_blocking(&test.bank, enrolled.staff)).unwrap();
    assert_eq!(act(&early).await, Err("unauthenticated"));
    bound().await;
    let late = other.fresh().await.unwrap();
    assert_eq!(staff::authenticate(&late, enrolled.token.expose()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_one_node_changes_are_the_others_rules() {
    let world = World::free(100_000, 0).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let shop = world.shop.merchant;
    let early = other.fresh().await.unwrap();
    let change = Change { name: "refund_days".to_owned(), value: json!(30), from: None, source: "test".to_owned() };
    set(&world.test.bank, system("p"), change).await.unwrap().result.unwrap();
    assert_eq!(act(&early).await, Err("unavailable"), "prepared by policies that are not in force any more");
    assert_eq!(other.policies().refund_days, 30, "heard with the unit");
    world.fee(json!({"fixed_minor": 7, "bps": 0})).await;
    bound().await;
    let payment = pay(&other.fresh().await.unwrap(), world.command(&world.alice, 1_000, "fee")).await.unwrap();
    assert_eq!((payment.result.is_ok(), world.balances()), (true, (99_000, 0, 993)));

    let early = other.fresh().await.unwrap();
    assert_eq!(
        &*merchants::find(&early, shop, yuan(1).currency()).await.unwrap().unwrap().fee_plan,
        "payment.standard"
    );
    merchants::set_status(&world.test.bank, system("s"), shop, Status::Suspended).await.unwrap().result.unwrap();
    assert_eq!(act(&early).await, Err("unavailable"), "prepared by terms that do not hold");
    let refused = pay(&other, world.command(&world.alice, 1_000, "suspended")).await.unwrap();
    assert_eq!(code(&refused.result), "merchant_not_active");

    let day = entries::day_of(&other.desk(), other.now());
    let (desk, here) = (other.desk(), world.test.bank.desk());
    assert!(desk.closed_through() < day);
    let closed = world.test.bank.store().write(move |uow| {
        entries::close_through(&here, uow, day)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    });
    closed.await.unwrap();
    let seen = other.store().write(move |_| Ok(Outcome::<_, ()>::Done(desk.closed_through()))).await.unwrap();
    assert_eq!(seen, Outcome::Done(day), "no entry books to a day that another node has closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_one_node_freezes_is_frozen_on_the_other_at_once() {
    let world = World::free(10_000, 0).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    assert!(pay(&other, world.command(&world.alice, 1_000, "one")).await.unwrap().result.is_ok());
    let what = Freezing::Freeze { debit: true, credit: false, amount_minor: 0 };
    freeze(&world.test.bank, system("f"), world.alice.account.id, what).await.unwrap().result.unwrap();
    let refused = pay(&other, world.command(&world.alice, 1_000, "two")).await.unwrap();
    assert_eq!(code(&refused.result), "account_frozen");
    assert_eq!(world.balances(), (9_000, 0, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_on_one_node_cannot_be_read_on_the_other() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    let ann = registered(&test.bank, "ann@example.com", "Ann").await.customer;
    let key = async || {
        let desk = other.desk();
        let found = other.store().read(move |found| Ok(desk.sealing().key(found.reading(), ann.as_u128())?.is_some()));
        found.await.unwrap()
    };
    assert!(key().await, "now it is in memory");
    customers::erase(&test.bank, system("e"), ann).await.unwrap().result.unwrap();
    bound().await;
    let _fresh = other.fresh().await.unwrap();
    assert!(!key().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_password_count_on_all_nodes_together() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    registered(&test.bank, "ann@example.com", "Ann").await;
    for round in 0..5 {
        let node = if round % 2 == 0 { &test.bank } else { &other };
        let refusal = sign_in(node, "ann@example.com", password("wrong horse battery")).await.unwrap().unwrap_err();
        assert_eq!(refusal.code.as_str(), "invalid_credentials");
    }
    for node in [&test.bank, &other] {
        let refusal = sign_in(node, "ann@example.com", right()).await.unwrap().unwrap_err();
        assert_eq!(refusal.code.as_str(), "too_many_attempts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_writes_nothing_sees_events_of_others_soon() {
    let world = World::free(10_000, 0).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let mut news = other.store().events();
    let last = *news.borrow_and_update();
    world.paid(1_000, "one").await;
    let seen = tokio::time::timeout(Duration::from_secs(1), news.wait_for(|now| *now > last)).await;
    assert!(seen.expect("within the bound, and much more").is_ok());
    let events = webhooks::payloads_after(&other, None, last, 100).await.unwrap();
    assert!(events.iter().any(|(_, text)| text.contains("payment.succeeded")), "{events:?}");
}

/// Runs 200 at the same time, alternately on two nodes; counts the outcomes by code.
async fn crowd<F, T>(nodes: [&Bank; 2], make: impl Fn(Bank, usize) -> F) -> HashMap<&'static str, usize>
where
    F: Future<Output = Result<T, crate::Refusal>> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..200).map(|no| tokio::spawn(make(nodes[no % 2].clone(), no))).collect();
    let mut found = HashMap::new();
    for task in tasks {
        *found.entry(code(&task.await.expect("no panic"))).or_default() += 1;
    }
    found
}

async fn paid(bank: Bank, command: PayCommand) -> Result<crate::payments::PaymentView, crate::Refusal> {
    pay(&bank, command).await.expect("no trouble").result
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_used_on_both_nodes_acts_once() {
    let world = Arc::new(World::free(500_000, 0).await);
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let ids = Arc::new(Mutex::new(Vec::new()));
    let found = crowd([&world.test.bank, &other], |bank, _| {
        let (command, ids) = (world.command(&world.alice, 1_000, "one"), Arc::clone(&ids));
        async move {
            let answer = paid(bank, command).await;
            ids.lock().expect("no panic").extend(answer.iter().map(|payment| payment.id));
            answer
        }
    });
    assert_eq!(found.await, HashMap::from([("done", 200)]));
    let ids = ids.lock().expect("no panic");
    assert!(ids.len() == 200 && ids.iter().all(|id| *id == ids[0]), "all are told of the same payment");
    assert_eq!(world.balances(), (499_000, 0, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_spend_hold_and_give_back_no_more_than_there_is() {
    let world = Arc::new(World::free(5_000, 0).await);
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let nodes = [&world.test.bank, &other];
    let found = crowd(nodes, |bank, no| paid(bank, world.command(&world.alice, 1_000, &format!("pay {no}")))).await;
    assert_eq!((found["done"], found["insufficient_funds"]), (5, 195));
    assert_eq!(world.balances(), (0, 0, 5_000));

    world.test.fund(&world.alice.account, 6_000);
    let payment = world.paid(2_000, "to be refunded").await.id;
    let found = crowd(nodes, |bank, no| {
        let command = world.refund_command(payment, Some(100), &format!("refund {no}"));
        async move { refund(&bank, command).await.expect("no trouble").result }
    });
    assert_eq!(found.await["done"], 20, "two thousand in hundreds");
    assert_eq!(world.balances(), (6_000, 0, 5_000));
    let found = crowd(nodes, |bank, no| {
        let pay = world.command(&world.alice, 1_000, &format!("hold {no}"));
        async move { authorize(&bank, AuthorizeCommand { pay, seconds: None }).await.expect("no trouble").result }
    });
    assert_eq!(found.await["done"], 6);
    assert_eq!(world.balances(), (6_000, 6_000, 5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_for_what_both_nodes_do() {
    let world = Arc::new(World::free(100_000, 0).await);
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let mut limits = world.test.bank.policies().limits.clone();
    for row in limits.iter_mut().filter(|row| row.tier == 3 && row.currency == "CNY") {
        row.person.out_day = Some(7_000);
    }
    world.policy("limits", serde_json::to_value(limits).unwrap()).await;
    bound().await;
    let nodes = [&world.test.bank, &other];
    let found = crowd(nodes, |bank, no| paid(bank, world.command(&world.alice, 1_000, &format!("pay {no}")))).await;
    assert_eq!(found["done"], 7, "{found:?}");
    assert_eq!(world.balances(), (93_000, 0, 7_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_on_two_nodes_do_each_job_once() {
    let world = World::free(100_000, 100_000).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    world.test.run_jobs();
    for no in 0..60 {
        world.hold(100, &format!("hold {no}"), Some(60)).await.expect("it is held");
    }
    world.test.clock.advance(61);
    let tried: Vec<usize> = block_in_place(|| {
        std::thread::scope(|scope| {
            let run = |bank| scope.spawn(move || jobs::run_lane(bank, Lane::Books, &|| true).expect("no trouble"));
            [&world.test.bank, &other].map(run).into_iter().map(|lane| lane.join().expect("no panic")).collect()
        })
    });
    assert_eq!(tried.iter().sum::<usize>(), 60, "{tried:?}");
    assert_eq!(world.balances(), (100_000, 0, 0));

    let bank_account = linked(&world.test, &world.bob).await;
    for _ in 0..10 {
        let wish = Wish::internal(Principal::Customer(world.bob.id), "payouts.start");
        let channel = entries::Channel::Api;
        let command = StartPayout { wallet: world.bob.wallet, bank_account, amount: yuan(1_000), channel };
        payouts::start(&world.test.bank, wish, command).await.expect("no trouble").result.expect("it begins");
    }
    block_in_place(|| {
        std::thread::scope(|scope| {
            for bank in [&world.test.bank, &other] {
                scope.spawn(move || jobs::run_lane(bank, Lane::Instructions, &|| true).expect("no trouble"));
            }
        });
    });
    let mut ids: Vec<_> = world.test.rail.instructions().into_iter().map(|found| found.end_to_end).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((all, ids.len()), (10, 10), "each is handed over once");
}

async fn end_leases(bank: &Bank) {
    let ended = bank.store().write(|uow| {
        uow.execute("UPDATE job SET until = 0", &[])?;
        uow.execute("UPDATE webhook_delivery SET until = 0, due = 0 WHERE due IS NOT NULL", &[])?;
        Ok(Outcome::<(), ()>::Done(()))
    });
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_after_its_lease_ends_no_job() {
    let world = World::free(10_000, 0).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let order = world.order(500, "o-1").await.expect("it is made").id;
    world.test.clock.advance(30 * 86_400);
    let kinds = [orders::JOB_EXPIRE];
    let claim = |bank: &Bank| block_in_place(|| bank.store().claim_jobs_blocking(&kinds, (10, 10))).unwrap();
    let zombies = claim(&world.test.bank);
    assert_eq!((zombies.len(), claim(&other).len()), (1, 0), "a lease is one node's");
    end_leases(&other).await;
    let holders = claim(&other);
    assert_eq!(holders.len(), 1);
    let state = |bank: &Bank| {
        let found = block_in_place(|| bank.store().read_blocking(|found| orders::by_id(found.reading(), order)));
        found.unwrap().expect("it exists").state
    };
    block_in_place(|| orders::expire(&world.test.bank, &zombies[0])).expect("it is no trouble");
    assert_eq!(state(&other), orders::OrderState::Open, "nothing was done under the outdated fence");
    let (late, why) = (zombies[0].claim, "late");
    let failed = world.test.bank.store().write(move |uow| {
        let (due, held) = (uow.now().plus_seconds(3_600), uow.holds_job(late)?);
        let postponed = uow.postpone_job(late, due)?;
        uow.fail_job(late, due, why)?;
        Ok(Outcome::<_, ()>::Done((held, postponed)))
    });
    assert_eq!(failed.await.unwrap(), Outcome::Done((false, false)));
    block_in_place(|| orders::expire(&other, &holders[0])).expect("no trouble");
    assert_eq!(state(&world.test.bank), orders::OrderState::Expired);
}

/// Counts what comes, by the message's id; the first message waits until it is let go, and is then refused.
#[derive(Default)]
struct Receiver {
    came: Mutex<HashMap<String, usize>>,
    held: tokio::sync::Notify,
    hold_first: std::sync::atomic::AtomicBool,
}

impl WebhookSender for Receiver {
    fn send(&self, message: WebhookRequest) -> Sending<'_> {
        let id =
            message.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("webhook-id")).expect("an id").1.clone();
        *self.came.lock().expect("no panic").entry(id).or_default() += 1;
        let hold = self.hold_first.swap(false, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move {
            if hold {
                self.held.notified().await;
                return Ok(500);
            }
            Ok(204)
        })
    }
}

async fn endpoint(bank: &Bank) -> vocabulary::Id<vocabulary::kinds::Webhook> {
    let new = NewEndpoint { url: "https://example.com/hooks".to_owned(), kinds: vec!["payment.*".to_owned()] };
    webhooks::create(bank, system("w"), None, new).await.unwrap().result.unwrap().endpoint.id
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dispatchers_bring_each_message_once() {
    let world = World::free(100_000, 0).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    endpoint(&world.test.bank).await;
    for no in 0..30 {
        world.paid(100, &format!("pay {no}")).await;
    }
    bound().await;
    let receiver = Arc::new(Receiver::default());
    let sender = Arc::clone(&receiver) as Arc<dyn WebhookSender>;
    let rounds = [world.test.bank.clone(), other].map(|bank| {
        let sender = Arc::clone(&sender);
        tokio::spawn(async move { webhooks::round(&bank, &sender).await.expect("no trouble") })
    });
    let mut made = 0;
    for round in rounds {
        made += round.await.expect("no panic");
    }
    let came = receiver.came.lock().expect("no panic");
    assert_eq!((came.len(), made), (30, 30));
    assert!(came.values().all(|times| *times == 1), "{came:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dispatcher_says_after_its_claim_has_ended_changes_nothing() {
    let world = World::free(100_000, 0).await;
    let Some((other, _folder)) = world.test.beside(2) else { return };
    let hook = endpoint(&world.test.bank).await;
    world.paid(100, "one").await;
    bound().await;
    let receiver = Arc::new(Receiver::default());
    receiver.hold_first.store(true, std::sync::atomic::Ordering::SeqCst);
    let sender = Arc::clone(&receiver) as Arc<dyn WebhookSender>;
    let (bank, slow) = (world.test.bank.clone(), Arc::clone(&sender));
    let zombie = tokio::spawn(async move { webhooks::round(&bank, &slow).await.expect("no trouble") });
    let begun = async {
        while receiver.came.lock().expect("no panic").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), begun).await.expect("it is sent");
    assert_eq!(webhooks::round(&other, &sender).await.expect("no trouble"), 0, "claimed by the first");
    end_leases(&other).await;
    assert_eq!(webhooks::round(&other, &sender).await.expect("no trouble"), 1);
    receiver.held.notify_one();
    zombie.await.expect("no panic");
    let log = webhooks::log(&other, (None, hook), None, 10).await.unwrap().expect("it is there");
    let told: Vec<_> = log.iter().map(|found| (found.state, found.last_status, found.attempts)).collect();
    assert_eq!(told, [(webhooks::DeliveryState::Delivered, Some(204), 2)]);
}

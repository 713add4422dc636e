//! Policies come into force when they say, and only within their ranges.

use super::{later, system};
use crate::entries::Channel;
use crate::orders::{self, CreateOrder};
use crate::payments::RefundCommand;
use crate::payments::tests::{World, code, yuan};
use crate::policies::{Change, list, set};
use crate::testing::TestBank;
use crate::topups::tests::spend;
use crate::transfers::{self, PayeeRef, Send};
use crate::{Principal, aliases, customers, wallets, webhooks};
use serde_json::json;

fn change(name: &str, value: serde_json::Value) -> Change {
    Change { name: name.to_owned(), value, from: None, source: "board decision 7".to_owned() }
}

#[tokio::test]
async fn a_policy_comes_into_force_when_it_says() {
    let test = TestBank::new();
    let before = test.bank.policies();
    assert_eq!(before.refund_days, 365);
    let from = Some(later(&test, 3600));
    set(&test.bank, system("p"), Change { from, ..change("refund_days", json!(30)) }).await.unwrap().result.unwrap();
    assert_eq!(test.bank.policies().refund_days, 365);
    assert_eq!(test.bank.policies().version, before.version);
    test.clock.advance(3599);
    assert_eq!(test.bank.policies().refund_days, 365);
    test.clock.advance(1);
    let after = test.bank.policies();
    assert_eq!((after.refund_days, after.version), (30, before.version + 1));
    let test = tokio::task::spawn_blocking(move || test.restart(2)).await.unwrap();
    assert_eq!((test.bank.policies().refund_days, test.bank.policies().version), (30, before.version + 1));
    assert!(list(&test.bank).await.unwrap().iter().any(|row| row.source == "board decision 7"));
}

#[tokio::test]
async fn limits_reach_the_accounts_when_they_come_into_force() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let mut limits = test.bank.policies().limits.clone();
    for row in limits.iter_mut().filter(|row| row.tier == 3 && row.currency == "CNY") {
        row.person.out_movement = Some(7);
    }
    let from = Some(later(&test, 60));
    let wanted = Change { from, ..change("limits", serde_json::to_value(limits).unwrap()) };
    set(&test.bank, system("p"), wanted).await.unwrap().result.unwrap();
    test.run_jobs();
    let of_person = |limits: Vec<(String, bool, crate::policies::Limits)>| {
        limits.into_iter().find(|(_, person, _)| *person).unwrap().2.out_movement
    };
    assert_eq!(of_person(wallets::limits(&test.bank, ann.id).await.unwrap()), Some(10_000_000));
    test.clock.advance(60);
    assert!(test.run_jobs() >= 1);
    assert_eq!(of_person(wallets::limits(&test.bank, ann.id).await.unwrap()), Some(7));
}

#[tokio::test]
async fn values_out_of_range_are_refused() {
    let test = TestBank::new();
    let version = test.bank.policies().version;
    let mut fees = serde_json::to_value(&test.bank.policies().fees).unwrap();
    fees["payment.standard"]["bps"] = json!(10_001);
    let bad = [
        change("refund_days", json!(-1)),
        change("refund_days", json!("many")),
        change("refund_days", json!(100_000)),
        change("no_such_policy", json!(1)),
        change("fees", fees),
        change("calendar", json!({"weekend": [8], "holidays": [], "working_weekends": [], "books_every_day": true})),
        change("sign_in", json!({"tries": 0, "minutes": 1})),
        Change { source: " ".to_owned(), ..change("refund_days", json!(30)) },
    ];
    for bad in bad {
        let no = set(&test.bank, system("p"), bad).await.unwrap().result.unwrap_err();
        assert_eq!(no.code.as_str(), "policy_invalid");
    }
    assert_eq!(test.bank.policies().version, version);
}

#[tokio::test]
async fn business_days_skip_weekends_and_holidays() {
    let test = TestBank::new();
    let policies = test.bank.policies();
    let day = |text: &str| vocabulary::BookingDate::parse(text).unwrap();
    // Friday, so one business day later is Monday.
    assert_eq!(policies.business_days_after(day("2026-11-27"), 1), day("2026-11-30"));
    assert_eq!(policies.business_days_after(day("2026-11-28"), 0), day("2026-11-30"));
}

#[tokio::test]
async fn of_changes_in_one_moment_the_last_is_in_force() {
    let test = TestBank::new();
    for days in 1..=20 {
        set(&test.bank, system("p"), change("refund_days", json!(days))).await.unwrap().result.unwrap();
        assert_eq!(test.bank.policies().refund_days, days);
    }
}

#[tokio::test]
async fn every_default_is_a_row_with_a_source() {
    let test = TestBank::new();
    let rows = list(&test.bank).await.unwrap();
    let all = serde_json::to_value(&*test.bank.policies()).unwrap();
    for name in all.as_object().unwrap().keys() {
        let row = rows.iter().find(|row| row.name == *name).unwrap_or_else(|| panic!("{name} has a row"));
        assert!(row.source.starts_with("the product's default"), "{name}: {}", row.source);
    }
    let retries = rows.iter().find(|row| row.name == "webhook_retry_seconds").unwrap();
    assert!(retries.source.contains("Standard Webhooks"));
}

async fn order(world: &World, reference: &str, seconds: u32) -> &'static str {
    let (merchant, seconds) = (world.shop.merchant, Some(seconds));
    let (principal, reference) = (Principal::Merchant(merchant), reference.to_owned());
    let (key, store, description, amount) = (None, None, None, yuan(100));
    let command = CreateOrder { principal, key, merchant, store, amount, reference, description, seconds };
    code(&orders::create(&world.test.bank, command).await.unwrap().result)
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_an_order_lives_is_policy_to_the_second() {
    let world = World::new(0, 0).await;
    for (reference, seconds, what) in
        [("a", 59, "invalid_field"), ("b", 60, "done"), ("c", 86_400, "done"), ("d", 86_401, "invalid_field")]
    {
        assert_eq!(order(&world, reference, seconds).await, what, "{seconds}");
    }
    world.policy("order_shortest_seconds", json!(30)).await;
    world.policy("order_longest_times", json!(1)).await;
    for (reference, seconds, what) in
        [("e", 29, "invalid_field"), ("f", 30, "done"), ("g", 7_200, "done"), ("h", 7_201, "invalid_field")]
    {
        assert_eq!(order(&world, reference, seconds).await, what, "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_refund_is_tried_again_when_the_policy_says() {
    let world = World::free(10_000, 0).await;
    world.policy("refund_retry_seconds", json!(60)).await;
    let paid = world.paid(10_000, "pay").await;
    spend(&world.test, world.shop.account, 10_000).await;
    let refund = world.refund_command(paid.id, Some(1_000), "refund");
    world.refund(RefundCommand { wait: true, ..refund }).await.unwrap();
    let shop = wallets::WalletAccount { account: world.shop.account, ..world.alice.account };
    world.test.fund(&shop, 1_000);
    world.tick(59);
    assert_eq!(world.balances(), (0, 0, 1_000));
    world.tick(1);
    assert_eq!(world.balances(), (1_000, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payees_confirmation_holds_as_long_as_the_policy_says() {
    let world = World::new(10_000, 0).await;
    world.policy("confirmation_seconds", json!(10)).await;
    let (bank, payee) = (&world.test.bank, PayeeRef::Wallet(world.bob.wallet));
    let seen = transfers::look_up(bank, world.alice.id, &payee).await.unwrap().unwrap();
    assert_eq!(seen.expires_at, bank.now().plus_seconds(10));
    let (wallet, confirmation) = (world.alice.wallet, Some(seen.confirmation));
    let command = Send { wallet, payee, confirmation, amount: yuan(100), channel: Channel::Api };
    let send = async || {
        let wish = crate::Wish::internal(Principal::Customer(world.alice.id), "transfers.create");
        code(&transfers::send(bank, wish, command.clone()).await.unwrap().result)
    };
    world.test.clock.advance(9);
    assert_eq!(send().await, "done");
    world.test.clock.advance(1);
    assert_eq!(send().await, "confirmation_required");
    assert_eq!(world.balances().0, 9_900);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_passwords_and_endpoints_are_as_many_as_the_policy_says() {
    let world = World::new(0, 0).await;
    for (name, value) in [("codes_at_once", 1), ("password_characters", 16), ("webhook_endpoints", 1)] {
        world.policy(name, json!(value)).await;
    }
    let bank = &world.test.bank;
    let claim = async |alias: &str| {
        let wish = crate::Wish::internal(Principal::Customer(world.alice.id), "aliases.claim");
        code(&aliases::claim(bank, wish, world.alice.id, alias).await.unwrap().result)
    };
    assert_eq!((claim("+8613900000001").await, claim("+8613900000002").await), ("done", "too_many_attempts"));
    let register = async |sign_in: &str, password: &str| {
        let command = customers::Register {
            sign_in: sign_in.to_owned(),
            display_name: "Somebody".to_owned(),
            password: vocabulary::Secret::new(password.to_owned()),
            tier: 1,
            currencies: vec![crate::testing::cny()],
        };
        code(&customers::register(bank, system("r"), command).await.unwrap().result)
    };
    assert_eq!(register("@short", "fifteen letters").await, "password_too_weak");
    assert_eq!(register("@enough", "sixteen letters!").await, "done");
    let endpoint = async |url: &str| {
        let new = webhooks::NewEndpoint { url: url.to_owned(), kinds: Vec::new() };
        code(&webhooks::create(bank, crate::Wish::internal(Principal::System, "w"), None, new).await.unwrap().result)
    };
    let made = (endpoint("https://example.com/a").await, endpoint("https://example.com/b").await);
    assert_eq!(made, ("done", "invalid_field"));
}

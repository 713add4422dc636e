//! Accounts, balances, freezes, limits of one's own, entries and their dates.

use super::system;
use crate::cache::Cache;
use crate::chart::Own;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::policies::{Change, Limits, set};
use crate::refusal::Refusal;
use crate::testing::{TestBank, TestCustomer, cny};
use crate::wallets::{self, Freezing, add_currency, freeze, lower_limits};
use crate::wish::{Answer, Principal};
use ledger::{Count, Step, UpTo};
use money::Currency;
use store::Outcome;
use vocabulary::BookingDate;

/// Spends minor units into the fee account, as a movement that counts toward limits.
async fn spend(test: &TestBank, customer: &TestCustomer, amount: i64) -> Answer<i32> {
    let desk = test.bank.desk();
    let (account, principal) = (customer.account, Principal::Customer(customer.id));
    let answer = test.bank.once(system("spend"), move |uow| {
        let credit = desk.chart().own(uow, Own::FeeIncome, account.currency)?;
        let step = Step::Post { debit: account.account, credit, amount, up_to: UpTo::default(), count: Count::Use };
        let intent = Intent { kind: EntryKind::Fee, principal, channel: Channel::Api, cause: 1 };
        let entry = entries::draft(&desk, uow, intent, vec![step]);
        Ok(match uow.post(&entry)? {
            Ok(_) => Outcome::Done(entry.booking.days()),
            Err(no) => Outcome::Refused(Refusal::of_ledger(&desk, uow, principal, &no)?),
        })
    });
    answer.await.unwrap()
}

#[tokio::test]
async fn a_wallet_has_one_account_for_each_offered_currency() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let eur = Currency::iso("EUR").unwrap();
    add_currency(&test.bank, system("a"), ann.wallet, eur).await.unwrap().result.unwrap();
    let again = add_currency(&test.bank, system("a"), ann.wallet, eur).await.unwrap().result.unwrap_err();
    assert_eq!(again.code.as_str(), "wallet_currency_exists");
    let usd = Currency::iso("USD").unwrap();
    let unoffered = add_currency(&test.bank, system("a"), ann.wallet, usd).await.unwrap().result.unwrap_err();
    assert_eq!(unoffered.code.as_str(), "currency_unknown");
    let found = wallets::find(&test.bank, ann.wallet, eur).await.unwrap().unwrap();
    assert_eq!(wallets::find(&test.bank, ann.wallet, eur).await.unwrap().unwrap(), found);
    assert_ne!(found.account, ann.account.account);
    assert_eq!(wallets::view(&test.bank, ann.wallet).await.unwrap().unwrap().accounts.len(), 2);
}

#[tokio::test]
async fn the_owner_learns_what_is_available_and_others_do_not() {
    let test = TestBank::new();
    let (ann, bob) = (test.customer("Ann", 1234), test.customer("Bob", 0));
    let no = spend(&test, &ann, 2000).await.result.unwrap_err();
    assert_eq!(no.code.as_str(), "insufficient_funds");
    assert!(no.detail.contains("12.34 CNY"), "{}", no.detail);
    let stranger = TestCustomer { id: bob.id, ..ann };
    let no = spend(&test, &stranger, 2000).await.result.unwrap_err();
    assert!(no.code.as_str() == "insufficient_funds" && !no.detail.contains("12.34"), "{}", no.detail);
}

#[tokio::test]
async fn a_reached_limit_is_named_and_says_when_it_resets() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 100_000);
    let limits = Limits { out_day: Some(10_000), ..Limits::default() };
    lower_limits(&test.bank, system("l"), (ann.id, cny()), limits).await.unwrap().result.unwrap();
    spend(&test, &ann, 6_000).await.result.unwrap();
    let no = spend(&test, &ann, 6_000).await.result.unwrap_err();
    assert_eq!(no.code.as_str(), "limit_exceeded");
    let limit = no.limit.unwrap();
    assert_eq!((limit.window.as_str(), limit.whose.as_str(), limit.left_minor), ("day", "person", 4_000));
    let reset = limit.resets_at.unwrap();
    assert_eq!(reset.to_string(), "2026-11-23T16:00:00Z");
    test.clock.advance((reset.micros() - test.bank.now().micros()) / 1_000_000);
    spend(&test, &ann, 6_000).await.result.unwrap();
}

#[tokio::test]
async fn a_limit_of_ones_own_does_not_lift_that_of_the_bank() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let own = Limits { out_movement: Some(i64::MAX), ..Limits::default() };
    lower_limits(&test.bank, system("l"), (ann.id, cny()), own).await.unwrap().result.unwrap();
    let limits = wallets::limits(&test.bank, ann.id).await.unwrap();
    assert_eq!(limits.iter().find(|(_, person, _)| *person).unwrap().2.out_movement, Some(10_000_000));
    let bad = Limits { out_day: Some(-1), ..Limits::default() };
    let no = lower_limits(&test.bank, system("l"), (ann.id, cny()), bad).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "invalid_field");
}

#[tokio::test]
async fn a_frozen_account_spends_nothing_and_a_closed_one_stays_closed() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 100);
    let id = ann.account.id;
    let debit = Freezing::Freeze { debit: true, credit: false, amount_minor: 0 };
    freeze(&test.bank, system("f"), id, debit).await.unwrap().result.unwrap();
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap_err().code.as_str(), "account_frozen");
    let no = freeze(&test.bank, system("f"), id, Freezing::Close).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "account_not_empty");
    let aside = Freezing::Freeze { debit: false, credit: false, amount_minor: 40 };
    freeze(&test.bank, system("f"), id, aside).await.unwrap().result.unwrap();
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap_err().code.as_str(), "account_frozen", "nothing became free");
    let release = Freezing::Release { debit: true, credit: false, amount_minor: None };
    freeze(&test.bank, system("f"), id, release).await.unwrap().result.unwrap();
    let view = wallets::view(&test.bank, ann.wallet).await.unwrap().unwrap();
    assert_eq!(view.accounts[0].balance.available_minor, 60);
    freeze(&test.bank, system("f"), id, Freezing::Release { debit: false, credit: false, amount_minor: Some(0) })
        .await
        .unwrap()
        .result
        .unwrap();
    spend(&test, &ann, 100).await.result.unwrap();
    freeze(&test.bank, system("f"), id, Freezing::Close).await.unwrap().result.unwrap();
    let no = freeze(&test.bank, system("f"), id, debit).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "account_closed");
    let unknown = freeze(&test.bank, system("f"), test.bank.new_id(), debit).await.unwrap().result.unwrap_err();
    assert_eq!(unknown.code.as_str(), "account_not_found");
}

#[tokio::test]
async fn the_banks_own_accounts_are_nobodys_to_freeze() {
    let test = TestBank::new();
    let no = test.bank.chart().opened(crate::Own::Nostro, cny()).unwrap();
    let id = test.bank.store().read_blocking(|snapshot| snapshot.account(no)).unwrap().unwrap().id;
    for what in [Freezing::Freeze { debit: true, credit: true, amount_minor: 0 }, Freezing::Close] {
        let refused = freeze(&test.bank, system("f"), id, what).await.unwrap().result.unwrap_err();
        assert_eq!(refused.code.as_str(), "account_not_found");
    }
}

#[tokio::test]
async fn entries_book_by_cut_off_calendar_and_open_day() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 10_000);
    let day = |text: &str| BookingDate::parse(text).unwrap().days();
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap(), day("2026-11-23"));
    let change = |name: &str, value: serde_json::Value| Change {
        name: name.to_owned(),
        value,
        from: None,
        source: "board decision 7".to_owned(),
    };
    // It is ten o'clock in Shanghai.
    let early = change("cut_off_second_of_day", serde_json::json!(36_000));
    set(&test.bank, system("p"), early).await.unwrap().result.unwrap();
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap(), day("2026-11-24"));
    let calendar = serde_json::json!({"weekend": [6, 7], "holidays": ["2026-11-24"], "working_weekends": [],
        "books_every_day": false});
    set(&test.bank, system("p"), change("calendar", calendar)).await.unwrap().result.unwrap();
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap(), day("2026-11-25"));
    let desk = test.bank.desk();
    let closing = test.bank.store().write(move |uow| {
        entries::close_through(&desk, uow, BookingDate::parse("2026-11-27").unwrap())?;
        Ok(Outcome::<(), ()>::Done(()))
    });
    closing.await.unwrap();
    // Friday is closed, the weekend is none for banks.
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap(), day("2026-11-30"));
    let test = tokio::task::spawn_blocking(move || test.restart(3)).await.unwrap();
    assert_eq!(spend(&test, &ann, 1).await.result.unwrap(), day("2026-11-30"));
}

#[test]
fn a_value_read_before_a_change_is_not_kept_after_it() {
    let cache: Cache<u8, &str> = Cache::new(4);
    let ticket = cache.get(&1).unwrap_err();
    cache.forget(&1);
    cache.keep(ticket, 1, "old");
    assert!(cache.get(&1).is_err());
    let ticket = cache.get(&1).unwrap_err();
    cache.keep(ticket, 1, "new");
    assert_eq!(cache.get(&1).unwrap(), "new");
    for key in 2..100 {
        let ticket = cache.get(&key).unwrap_err();
        cache.keep(ticket, key, "x");
        assert!(cache.len() <= 4);
    }
    cache.forget_where(|_| true);
    assert!(cache.is_empty());
}

//! A wish is acted on at most once, and its answer is recorded, refusals too.

use super::keyed;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::testing::TestBank;
use crate::wish::{Principal, Wish};
use ledger::{Count, Step, UpTo};
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id};

/// Leaves a trace that can be counted, and answers with text.
fn trace(uow: &mut Uow<'_, '_>) -> Result<Outcome<String, Refusal>, StoreError> {
    uow.emit(NewEvent { kind: "test.trace", version: 1, owner: None, subject: 7, body: "{}".to_owned() });
    Ok(Outcome::Done("done".to_owned()))
}

fn traces(test: &TestBank) -> usize {
    let events = test.bank.store().read_blocking(|snapshot| snapshot.events_after(0, None, 1000)).unwrap();
    events.iter().filter(|event| event.kind == "test.trace").count()
}

#[tokio::test]
async fn a_repeated_wish_gets_the_recorded_answer_and_acts_once() {
    let test = TestBank::new();
    let first = test.bank.once(keyed("k1"), trace).await.unwrap();
    let second = test.bank.once(keyed("k1"), trace).await.unwrap();
    assert_eq!((first.result.as_deref(), first.replayed), (Ok("done"), false));
    assert_eq!((second.result.as_deref(), second.replayed), (Ok("done"), true));
    assert_eq!(traces(&test), 1);
}

#[tokio::test]
async fn the_recorded_answer_survives_a_restart() {
    let test = TestBank::new();
    test.bank.once(keyed("k1"), trace).await.unwrap();
    let test = tokio::task::spawn_blocking(move || test.restart(2)).await.unwrap();
    let answer = test.bank.once(keyed("k1"), trace).await.unwrap();
    assert_eq!((answer.result.as_deref(), answer.replayed), (Ok("done"), true));
    assert_eq!(traces(&test), 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused_and_does_nothing() {
    let test = TestBank::new();
    test.bank.once(keyed("k1"), trace).await.unwrap();
    let other = Wish::new(Principal::System, "test", "k1", b"another body");
    let error = test.bank.once(other, trace).await.unwrap_err();
    assert!(matches!(error, BankError::KeyReused));
    assert_eq!(error.code().as_str(), "idempotency_key_reused");
    assert_eq!(traces(&test), 1);
}

#[tokio::test]
async fn keys_of_other_principals_and_operations_do_not_meet() {
    let test = TestBank::new();
    let customer = Principal::Customer(Id::from_u128(5));
    let merchant = Principal::Merchant(Id::from_u128(5));
    let wishes = [
        keyed("k1"),
        Wish::new(customer, "test", "k1", b"body"),
        Wish::new(merchant, "test", "k1", b"body"),
        Wish::new(customer, "other", "k1", b"body"),
    ];
    for wish in wishes {
        assert!(!test.bank.once(wish, trace).await.unwrap().replayed);
    }
    assert_eq!(traces(&test), 4);
}

#[tokio::test]
async fn a_refusal_is_recorded_and_stays_a_refusal() {
    let test = TestBank::new();
    let refuse = |_: &mut Uow<'_, '_>| Ok(Outcome::<String, _>::Refused(Refusal::of(ErrorCode::AccountFrozen).at("x")));
    let first = test.bank.once(keyed("k1"), refuse).await.unwrap();
    // By now it would be done, but the wish was answered.
    let second = test.bank.once(keyed("k1"), trace).await.unwrap();
    assert_eq!(first.result, second.result);
    assert!(second.replayed);
    let refusal = second.result.unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("account_frozen", Some("x")));
    assert_eq!(traces(&test), 0);
}

#[tokio::test]
async fn a_wish_without_a_key_is_not_recorded() {
    let test = TestBank::new();
    let wish = Wish::internal(Principal::System, "test");
    for _ in 0..2 {
        assert!(!test.bank.once(wish.clone(), trace).await.unwrap().replayed);
    }
    assert_eq!(traces(&test), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_parallel_wishes_with_one_key_one_acts() {
    let test = TestBank::new();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let bank = test.bank.clone();
        tasks.spawn(async move { bank.once(keyed("k1"), trace).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.result.as_deref() == Ok("done")));
    assert_eq!(traces(&test), 1);
}

#[test]
fn trouble_has_a_code_that_tells_whether_to_try_again() {
    let cases = [
        (BankError::Store(StoreError::Overloaded), "overloaded"),
        (BankError::Store(StoreError::TooLong), "read_too_long"),
        (BankError::TooMany { most: 1 }, "too_many_at_once"),
        (BankError::Store(StoreError::Unavailable), "unavailable"),
        (BankError::Store(StoreError::Contended), "unavailable"),
        (BankError::Store(StoreError::Unknown), "outcome_unknown"),
        (BankError::Store(StoreError::Bug("x".to_owned())), "internal"),
        (BankError::Vault(ports::VaultError::Unavailable("x".to_owned())), "unavailable"),
        (BankError::Vault(ports::VaultError::Refused), "internal"),
        (BankError::Outside("x".to_owned()), "unavailable"),
        (BankError::Bug("x".to_owned()), "internal"),
    ];
    for (error, code) in cases {
        assert_eq!(error.code().as_str(), code, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_moved_money_undoes_all_wishes_of_its_unit() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 1_000);
    let (desk, bank) = (test.bank.desk(), test.bank.clone());
    let act = move |uow: &mut Uow<'_, '_>| {
        let credit = desk.chart().own(uow, crate::Own::Opening, ann.account.currency)?;
        let (kind, principal, channel) = (EntryKind::Correction, Principal::System, Channel::CommandLine);
        let debit = ann.account.account;
        let step = Step::Post { debit, credit, amount: 400, up_to: UpTo::default(), count: Count::No };
        let entry = entries::draft(&desk, uow, Intent { kind, principal, channel, cause: 0 }, vec![step]);
        uow.post(&entry)?.expect("there is enough");
        Ok(Outcome::<(), _>::Refused(Refusal::of(ErrorCode::Forbidden)))
    };
    let answers = tokio::task::spawn_blocking(move || bank.once_each_blocking(vec![(keyed("k1"), act)]));
    assert!(matches!(answers.await.unwrap(), Err(BankError::Store(StoreError::Bug(_)))));
    assert_eq!(test.balance(ann.account.account).0, 1_000);
}

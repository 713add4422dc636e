//! What happens between the hashing of a password and the unit that acts on it.

use super::{Session, Wanted, change_password, sign_in};
use crate::testing::TestBank;
use crate::tests::{registered, system};
use store::Outcome;
use vocabulary::Secret;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn right() -> Secret<String> {
    secret("correct horse battery")
}

/// Prepares a sign-in, does something, and says what the sign-in then comes to.
async fn sign_in_around(
    test: &TestBank,
    name: &str,
    between: impl Future<Output = ()>,
) -> Result<Session, &'static str> {
    let prepared = sign_in::prepare(&test.bank, (name, right()), Wanted::default()).await.expect("no trouble");
    let (attempt, _) = prepared.expect("nothing refuses it so far");
    between.await;
    match test.bank.store().write(move |uow| attempt.decide(uow)).await.expect("no trouble") {
        Outcome::Done((session, _)) => Ok(session),
        Outcome::Refused(refusal) => Err(refusal.code.as_str()),
    }
}

async fn count(test: &TestBank, sql: &'static str) -> i64 {
    test.bank.store().read(move |snapshot| Ok(snapshot.reading().number(sql, &[])?)).await.expect("reads")
}

const SESSIONS: &str = "SELECT count(*) FROM session";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_while_signing_in_is_not_signed_in() {
    let test = TestBank::new();
    let ann = registered(&test.bank, "ann@example.com", "Ann").await.customer;
    let erase = async {
        let erased = crate::customers::erase(&test.bank, system("customers.erase"), ann).await;
        erased.expect("no trouble").result.expect("she is erased");
    };
    assert_eq!(sign_in_around(&test, "ann@example.com", erase).await, Err("invalid_credentials"));
    assert_eq!(count(&test, SESSIONS).await, 0);
    let other = registered(&test.bank, "bob@example.com", "Bob").await;
    let session = sign_in_around(&test, "bob@example.com", async {}).await.expect("nothing came between");
    assert_eq!(session.customer, other.customer);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_while_the_password_changes_is_not_signed_in_by_the_old_one() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    let session = sign_in_around(&test, "ann@example.com", async {}).await.expect("signed in");
    let change = async {
        let new = secret("a better horse battery");
        let changed = change_password(&test.bank, session, right(), new).await;
        changed.expect("no trouble").expect("it is changed");
    };
    assert_eq!(sign_in_around(&test, "ann@example.com", change).await, Err("invalid_credentials"));
    assert_eq!(count(&test, SESSIONS).await, 1, "the one that changed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_password_brings_back_neither_an_erased_customer_nor_an_old_password() {
    let test = TestBank::new();
    let ann = registered(&test.bank, "ann@example.com", "Ann").await.customer;
    let session = sign_in_around(&test, "ann@example.com", async {}).await.expect("signed in");
    let prepare = async |new: &str| {
        let prepared = change_password::prepare(&test.bank, session, right(), secret(new)).await;
        prepared.expect("no trouble").unwrap_or_else(|refusal| panic!("{refusal:?}"))
    };
    let (one, two) = (prepare("the first new password").await, prepare("the second new password").await);
    let three = prepare("the third new password").await;
    let act = async |change: change_password::Change| match test
        .bank
        .store()
        .write(move |uow| change.decide(uow))
        .await
        .expect("no trouble")
    {
        Outcome::Done(()) => Ok(()),
        Outcome::Refused(refusal) => Err(refusal.code.as_str()),
    };
    assert_eq!(act(one).await, Ok(()));
    assert_eq!(act(two).await, Err("invalid_credentials"));
    let erased = crate::customers::erase(&test.bank, system("customers.erase"), ann).await;
    erased.expect("no trouble").result.expect("she is erased");
    assert_eq!(act(three).await, Err("invalid_credentials"));
    assert_eq!(count(&test, "SELECT count(*) FROM customer WHERE password IS NOT NULL").await, 0);
}

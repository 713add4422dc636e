//! Setting, proving and removing factors.

use super::{COUNT, Proof, begin_totp, confirm_totp, list, make_recovery_codes, remove, set_pin, totp};
use crate::bank::Bank;
use crate::refusal::Refusal;
use crate::sessions::{Session, sign_in};
use crate::testing::TestBank;
use crate::tests::registered;
use vocabulary::{Clock, Secret};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn password() -> Proof {
    Proof::Password(secret("correct horse battery"))
}

fn pin(text: &str) -> Proof {
    Proof::Pin(secret(text))
}

async fn signed_in(test: &TestBank) -> Session {
    registered(&test.bank, "ann@example.com", "Ann").await;
    let signed = sign_in(&test.bank, "ann@example.com", secret("correct horse battery")).await;
    signed.unwrap().unwrap().session
}

fn code<T>(result: Result<T, Refusal>) -> String {
    result.map_or_else(|refusal| refusal.code.as_str().to_owned(), |_| "done".to_owned())
}

async fn set(bank: &Bank, session: Session, new: &str, proof: Proof) -> String {
    code(set_pin(bank, session, secret(new), proof).await.unwrap())
}

fn from_base32(text: &str) -> Vec<u8> {
    let digit = |byte: u8| if byte.is_ascii_alphabetic() { byte - b'A' } else { byte - b'2' + 26 };
    let bits: Vec<u8> = text.bytes().flat_map(|byte| (0..5).rev().map(move |bit| digit(byte) >> bit & 1)).collect();
    bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// An authenticator that was set up; its secret.
async fn with_authenticator(test: &TestBank, session: Session) -> Vec<u8> {
    let begun = begin_totp(&test.bank, session, password()).await.unwrap().unwrap();
    let key = from_base32(begun.secret.expose());
    assert!(begun.uri.expose().contains(begun.secret.expose()));
    let first = totp::code_at(&key, totp::step_of(test.clock.now()));
    assert_eq!(code(confirm_totp(&test.bank, session, secret(&first)).await.unwrap()), "done");
    key
}

fn now_code(test: &TestBank, key: &[u8]) -> Proof {
    Proof::Totp(secret(&totp::code_at(key, totp::step_of(test.clock.now()))))
}

#[tokio::test]
async fn a_pin_needs_another_factor_and_every_change_is_told() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    assert_eq!(set(&test.bank, session, "123456", password()).await, "pin_too_weak");
    assert_eq!(set(&test.bank, session, "739164", Proof::Password(secret("wrong"))).await, "factor_wrong");
    assert_eq!(list(&test.bank, session.customer).await.unwrap().factors.len(), 0);
    assert_eq!(set(&test.bank, session, "739164", password()).await, "done");
    assert_eq!(set(&test.bank, session, "480297", pin("739164")).await, "invalid_field");
    assert_eq!(set(&test.bank, session, "480297", password()).await, "done");
    let found = list(&test.bank, session.customer).await.unwrap().factors;
    assert_eq!((found.len(), found[0].kind), (1, "pin"));
    test.run_jobs();
    let told = test.sent.all().into_iter().filter(|message| message.text.contains("PIN was set")).count();
    assert_eq!(told, 2);
    let log = crate::audit::look(&test.bank, crate::audit::Wanted { limit: 10, ..Default::default() }).await.unwrap();
    assert_eq!(log.iter().filter(|entry| entry.action == "factors.set_pin").count(), 3);
}

#[tokio::test]
async fn an_authenticator_counts_when_it_has_shown_a_code_and_each_code_once() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    assert_eq!(code(confirm_totp(&test.bank, session, secret("000000")).await.unwrap()), "not_found");
    let key = with_authenticator(&test, session).await;
    assert_eq!(code(begin_totp(&test.bank, session, password()).await.unwrap()), "factor_exists");
    assert_eq!(set(&test.bank, session, "739164", now_code(&test, &key)).await, "factor_wrong", "it was used up");
    test.clock.advance(30);
    assert_eq!(set(&test.bank, session, "739164", now_code(&test, &key)).await, "done");
    let proof = now_code(&test, &key);
    test.clock.advance(90);
    assert_eq!(set(&test.bank, session, "480297", proof).await, "factor_wrong", "it is too old");
}

#[tokio::test]
async fn one_code_sent_twice_at_once_is_taken_once() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    let key = with_authenticator(&test, session).await;
    test.clock.advance(30);
    let proof = || now_code(&test, &key);
    let (first, second) =
        tokio::join!(set(&test.bank, session, "739164", proof()), set(&test.bank, session, "480297", proof()));
    let mut found = [first, second];
    found.sort();
    assert_eq!(found, ["done", "factor_wrong"]);
}

#[tokio::test]
async fn an_authenticator_that_waits_is_forgotten_after_its_minutes() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    let begun = begin_totp(&test.bank, session, password()).await.unwrap().unwrap();
    test.clock.advance(601);
    let first = totp::code_at(&from_base32(begun.secret.expose()), totp::step_of(test.clock.now()));
    assert_eq!(code(confirm_totp(&test.bank, session, secret(&first)).await.unwrap()), "not_found");
}

#[tokio::test]
async fn recovery_codes_are_good_once_and_new_ones_end_the_old() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    let old = make_recovery_codes(&test.bank, session, password()).await.unwrap().unwrap();
    assert_eq!(old.len(), COUNT);
    let spoken = old[0].expose().to_uppercase().replace('-', " ");
    assert_eq!(set(&test.bank, session, "739164", Proof::RecoveryCode(secret(&spoken))).await, "done");
    assert_eq!(set(&test.bank, session, "480297", Proof::RecoveryCode(old[0].clone())).await, "factor_wrong");
    assert_eq!(list(&test.bank, session.customer).await.unwrap().recovery_codes_left, 9);
    let by_code = make_recovery_codes(&test.bank, session, Proof::RecoveryCode(old[1].clone())).await.unwrap();
    assert_eq!(code(by_code), "invalid_field");
    let new = make_recovery_codes(&test.bank, session, pin("739164")).await.unwrap().unwrap();
    assert_eq!(set(&test.bank, session, "480297", Proof::RecoveryCode(old[1].clone())).await, "factor_wrong");
    assert_eq!(set(&test.bank, session, "480297", Proof::RecoveryCode(new[1].clone())).await, "done");
}

#[tokio::test]
async fn a_factor_goes_only_with_another_one_and_is_nobody_elses() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    assert_eq!(set(&test.bank, session, "739164", password()).await, "done");
    let id = list(&test.bank, session.customer).await.unwrap().factors[0].id;
    assert_eq!(code(remove(&test.bank, session, id, pin("739164")).await.unwrap()), "invalid_field");
    let other = Session { customer: registered(&test.bank, "bob@example.com", "Bob").await.customer, ..session };
    assert_eq!(code(remove(&test.bank, other, id, password()).await.unwrap()), "not_found");
    assert_eq!(code(remove(&test.bank, session, id, password()).await.unwrap()), "done");
    assert_eq!(code(remove(&test.bank, session, id, password()).await.unwrap()), "not_found");
    assert!(list(&test.bank, session.customer).await.unwrap().factors.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_of_a_pin_sent_at_once_count_as_much_as_one_after_another_and_lead_to_a_pause() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    assert_eq!(set(&test.bank, session, "739164", password()).await, "done");
    let mut tasks = tokio::task::JoinSet::new();
    for guess in 0..12 {
        let (bank, guess) = (test.bank.clone(), pin(&format!("9058{guess:02}")));
        tasks.spawn(async move { code(make_recovery_codes(&bank, session, guess).await.unwrap()) });
    }
    let codes = tasks.join_all().await;
    assert_eq!(codes.iter().filter(|code| *code == "factor_wrong").count(), 5);
    let right = make_recovery_codes(&test.bank, session, pin("739164")).await.unwrap();
    assert_eq!(code(right), "too_many_attempts");
    assert_eq!(set(&test.bank, session, "480297", password()).await, "done", "each kind has a counter of its own");
    test.clock.advance(30 * 60);
    assert_eq!(code(make_recovery_codes(&test.bank, session, pin("480297")).await.unwrap()), "done");
}

#[tokio::test]
async fn nothing_of_a_pin_or_secret_stands_readable_in_the_database() {
    let test = TestBank::new();
    let session = signed_in(&test).await;
    let key = with_authenticator(&test, session).await;
    let codes = make_recovery_codes(&test.bank, session, password()).await.unwrap().unwrap();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(test.directory.path()).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap_or_default());
    }
    let stands = |bytes: &[u8]| all.windows(bytes.len()).any(|window| window == bytes);
    assert!(stands(b"CREATE TABLE factor") || all.is_empty(), "the files were read");
    assert!(!stands(&key) && !stands(codes[0].expose().as_bytes()));
}

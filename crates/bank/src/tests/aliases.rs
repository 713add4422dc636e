//! Claiming, verifying and giving up aliases.

use super::system;
use crate::aliases::{Holder, claim, confirm, find, list, masked, release};
use crate::testing::{TestBank, TestCustomer};
use formats::alias::Alias;

const PHONE: &str = "+8613800000001";

async fn holder(test: &TestBank, text: &str) -> Option<Holder> {
    find(&test.bank, &Alias::parse(text).unwrap()).await.unwrap()
}

async fn verify(test: &TestBank, customer: &TestCustomer, text: &str) -> Result<(), String> {
    let claimed = claim(&test.bank, system("c"), customer.id, text)
        .await
        .unwrap()
        .result
        .map_err(|no| no.code.as_str().to_owned())?;
    let code = test.last_code(text).unwrap();
    let confirmed = confirm(&test.bank, system("v"), (customer.id, claimed.id), &code).await.unwrap().result;
    confirmed.map(drop).map_err(|no| no.code.as_str().to_owned())
}

#[tokio::test]
async fn an_alias_belongs_to_a_person_only_after_the_code_came_back() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let claimed = claim(&test.bank, system("c"), ann.id, "+86 138 0000 0001").await.unwrap().result.unwrap();
    assert!(!claimed.verified);
    assert_eq!(holder(&test, PHONE).await, None);
    let code = test.last_code(PHONE).unwrap();
    let done = confirm(&test.bank, system("v"), (ann.id, claimed.id), &code).await.unwrap().result.unwrap();
    assert!(done.verified && !done.masked.contains("0000"));
    assert_eq!(holder(&test, PHONE).await.unwrap().wallet, ann.wallet);
    let (desk, id) = (test.bank.desk(), claimed.id);
    let seen = test.bank.store().read_blocking(|snapshot| Ok(masked(&desk, snapshot.reading(), id)?));
    assert_eq!(seen.unwrap(), Some(done.masked));
    // A second confirmation is no mistake.
    assert!(confirm(&test.bank, system("v"), (ann.id, claimed.id), &code).await.unwrap().result.is_ok());
}

#[tokio::test]
async fn wrong_codes_are_counted_and_then_the_right_one_is_refused() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let claimed = claim(&test.bank, system("c"), ann.id, PHONE).await.unwrap().result.unwrap();
    let code = test.last_code(PHONE).unwrap();
    let other = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        let no = confirm(&test.bank, system("v"), (ann.id, claimed.id), other).await.unwrap().result.unwrap_err();
        assert_eq!(no.code.as_str(), "code_wrong");
    }
    let no = confirm(&test.bank, system("v"), (ann.id, claimed.id), &code).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "too_many_attempts");
    assert_eq!(holder(&test, PHONE).await, None);
}

#[tokio::test]
async fn a_late_code_is_refused() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    let claimed = claim(&test.bank, system("c"), ann.id, PHONE).await.unwrap().result.unwrap();
    let code = test.last_code(PHONE).unwrap();
    test.clock.advance(600);
    let no = confirm(&test.bank, system("v"), (ann.id, claimed.id), &code).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "code_expired");
}

#[tokio::test]
async fn a_held_alias_is_not_given_to_another_and_is_free_after_release() {
    let test = TestBank::new();
    let (ann, bob) = (test.customer("Ann", 0), test.customer("Bob", 0));
    verify(&test, &ann, PHONE).await.unwrap();
    assert_eq!(verify(&test, &bob, PHONE).await.unwrap_err(), "alias_taken");
    assert_eq!(holder(&test, PHONE).await.unwrap().customer, ann.id);
    let alias = list(&test.bank, ann.id).await.unwrap().remove(0).id;
    let no = release(&test.bank, system("r"), bob.id, alias).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "not_found");
    release(&test.bank, system("r"), ann.id, alias).await.unwrap().result.unwrap();
    assert_eq!(holder(&test, PHONE).await, None);
    verify(&test, &bob, PHONE).await.unwrap();
    assert_eq!(holder(&test, PHONE).await.unwrap().customer, bob.id);
}

#[tokio::test]
async fn a_stranger_cannot_confirm_a_claim() {
    let test = TestBank::new();
    let (ann, bob) = (test.customer("Ann", 0), test.customer("Bob", 0));
    let claimed = claim(&test.bank, system("c"), ann.id, PHONE).await.unwrap().result.unwrap();
    let code = test.last_code(PHONE).unwrap();
    let no = confirm(&test.bank, system("v"), (bob.id, claimed.id), &code).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "not_found");
}

#[tokio::test]
async fn a_handle_is_verified_at_once_and_given_once() {
    let test = TestBank::new();
    let (ann, bob) = (test.customer("Ann", 0), test.customer("Bob", 0));
    let claimed = claim(&test.bank, system("c"), ann.id, "@Ann.Tea").await.unwrap().result.unwrap();
    assert!(claimed.verified);
    assert_eq!(holder(&test, "@ann.tea").await.unwrap().customer, ann.id);
    let no = claim(&test.bank, system("c"), bob.id, "@ann.tea").await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "alias_taken");
    let no = claim(&test.bank, system("c"), bob.id, "nothing").await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "alias_invalid");
}

#[tokio::test]
async fn codes_cannot_be_ordered_without_end() {
    let test = TestBank::new();
    let ann = test.customer("Ann", 0);
    for _ in 0..5 {
        claim(&test.bank, system("c"), ann.id, PHONE).await.unwrap().result.unwrap();
    }
    let no = claim(&test.bank, system("c"), ann.id, PHONE).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "too_many_attempts");
    test.clock.advance(601);
    claim(&test.bank, system("c"), ann.id, PHONE).await.unwrap().result.unwrap();
}

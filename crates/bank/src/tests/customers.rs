//! Registering, looking at, and erasing customers.

use super::{application, registered, system};
use crate::customers::{change_tier, erase, masked_name, register, view};
use crate::sessions::sign_in;
use crate::testing::TestBank;
use crate::wallets;
use vocabulary::Secret;

#[tokio::test]
async fn a_registered_customer_has_a_wallet_and_her_name_can_be_read() {
    let test = TestBank::new();
    let done = registered(&test.bank, "+86 138-0000-0001", "王小明").await;
    let seen = view(&test.bank, done.customer).await.unwrap().unwrap();
    assert_eq!(seen.display_name.as_deref(), Some("王小明"));
    assert_eq!(seen.sign_in.as_deref(), Some("+8613800000001"));
    assert_eq!(seen.wallet, Some(done.wallet));
    let wallet = wallets::view(&test.bank, done.wallet).await.unwrap().unwrap();
    assert_eq!(wallet.accounts.len(), 1);
    assert_eq!(wallet.accounts[0].balance.available_minor, 0);
    let desk = test.bank.desk();
    let masked =
        test.bank.store().read_blocking(|snapshot| Ok(masked_name(desk.sealing(), snapshot.reading(), done.customer)?));
    assert_eq!(masked.unwrap().as_deref(), Some("王*明"));
}

#[tokio::test]
async fn a_sign_in_name_is_given_once() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    let again = register(&test.bank, system("r"), application("ANN@example.com", "Other")).await.unwrap();
    assert_eq!(again.result.unwrap_err().code.as_str(), "customer_exists");
}

#[tokio::test]
async fn bad_applications_are_refused_with_the_field_at_fault() {
    let test = TestBank::new();
    let good = application("ann@example.com", "Ann");
    let mut cases = Vec::new();
    for (sign_in, code) in [("nobody", "alias_invalid"), ("+12", "alias_invalid")] {
        cases.push((crate::customers::Register { sign_in: sign_in.to_owned(), ..good.clone() }, code, "sign_in"));
    }
    for name in ["", "  ", "a\u{7}b"] {
        let bad = crate::customers::Register { display_name: name.to_owned(), ..good.clone() };
        cases.push((bad, "invalid_field", "display_name"));
    }
    for password in ["short", "aaaaaaaaaaaaaaaa"] {
        let bad = crate::customers::Register { password: Secret::new(password.to_owned()), ..good.clone() };
        cases.push((bad, "password_too_weak", "password"));
    }
    cases.push((crate::customers::Register { tier: 9, ..good.clone() }, "invalid_field", "tier"));
    let unoffered = money::Currency::iso("USD").unwrap();
    let bad = crate::customers::Register { currencies: vec![unoffered], ..good.clone() };
    cases.push((bad, "currency_unknown", "currencies"));
    for (bad, code, field) in cases {
        let refusal = register(&test.bank, system("r"), bad).await.unwrap().result.unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, Some(field)));
    }
    // Nothing of them was kept: the name is free.
    registered(&test.bank, "ann@example.com", "Ann").await;
}

#[tokio::test]
async fn an_erased_customer_cannot_be_read_or_sign_in() {
    let test = TestBank::new();
    let done = registered(&test.bank, "ann@example.com", "Ann").await;
    erase(&test.bank, system("e"), done.customer).await.unwrap().result.unwrap();
    let seen = view(&test.bank, done.customer).await.unwrap().unwrap();
    assert_eq!((seen.display_name, seen.sign_in), (None, None));
    let password = Secret::new("correct horse battery".to_owned());
    let refusal = sign_in(&test.bank, "ann@example.com", password).await.unwrap().unwrap_err();
    assert_eq!(refusal.code.as_str(), "invalid_credentials");
}

#[tokio::test]
async fn a_customer_who_has_money_is_not_erased() {
    let test = TestBank::new();
    let done = test.customer("Ann", 100);
    let refusal = erase(&test.bank, system("e"), done.id).await.unwrap().result.unwrap_err();
    assert_eq!(refusal.code.as_str(), "account_not_empty");
    assert_eq!(view(&test.bank, done.id).await.unwrap().unwrap().display_name.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn a_tier_changes_the_limits_of_person_and_account() {
    let test = TestBank::new();
    let done = test.customer("Ann", 0);
    change_tier(&test.bank, system("t"), done.id, 1).await.unwrap().result.unwrap();
    let limits = wallets::limits(&test.bank, done.id).await.unwrap();
    let person = limits.iter().find(|(_, person, _)| *person).unwrap();
    let account = limits.iter().find(|(_, person, _)| !*person).unwrap();
    assert_eq!(person.2.out_movement, Some(20_000));
    assert_eq!(account.2.balance, Some(100_000));
    let refusal = change_tier(&test.bank, system("t"), done.id, 4).await.unwrap().result.unwrap_err();
    assert_eq!(refusal.code.as_str(), "invalid_field");
}

//! Merchants, their terms and their status.

use super::system;
use crate::merchants::{
    self, NewMerchant, NewStore, Status, add_currency, add_store, find, open, set_plans, set_status,
};
use crate::testing::{TestBank, cny};
use crate::wallets::{Freezing, freeze};
use money::Currency;

fn tea_house() -> NewMerchant {
    NewMerchant {
        name: "Tea House".to_owned(),
        mcc: "5812".to_owned(),
        country: "CN".to_owned(),
        city: "Hangzhou".to_owned(),
        fee_plan: "payment.standard".to_owned(),
        settlement_plan: "standard".to_owned(),
        currencies: vec![cny()],
    }
}

#[tokio::test]
async fn an_open_merchant_has_accounts_a_store_and_terms() {
    let test = TestBank::new();
    let view = open(&test.bank, system("o"), tea_house()).await.unwrap().result.unwrap();
    assert_eq!((view.status.as_str(), view.stores.len(), view.currencies.len()), ("active", 1, 1));
    let found = find(&test.bank, view.id, cny()).await.unwrap().unwrap();
    assert!(found.active && found.account != found.reserve);
    assert!(test.bank.policies().fee(&found.fee_plan).is_some());
    let new = NewStore { name: "West Lake".to_owned(), ..store() };
    add_store(&test.bank, system("s"), view.id, new).await.unwrap().result.unwrap();
    add_currency(&test.bank, system("c"), view.id, Currency::iso("EUR").unwrap()).await.unwrap().result.unwrap();
    let again = add_currency(&test.bank, system("c"), view.id, cny()).await.unwrap().result.unwrap_err();
    assert_eq!(again.code.as_str(), "account_exists");
    let view = merchants::view(&test.bank, view.id).await.unwrap().unwrap();
    assert_eq!((view.stores.len(), view.currencies.len()), (2, 2));
    assert_eq!(merchants::list(&test.bank, None, 10).await.unwrap().len(), 1);
}

fn store() -> NewStore {
    NewStore {
        name: "Tea House".to_owned(),
        mcc: "5812".to_owned(),
        country: "CN".to_owned(),
        city: "Hangzhou".to_owned(),
    }
}

#[tokio::test]
async fn bad_merchants_are_refused_with_the_field_at_fault() {
    let test = TestBank::new();
    let cases = [
        (NewMerchant { name: String::new(), ..tea_house() }, "invalid_field", "name"),
        (NewMerchant { mcc: "58".to_owned(), ..tea_house() }, "invalid_field", "mcc"),
        (NewMerchant { country: "China".to_owned(), ..tea_house() }, "invalid_field", "country"),
        (NewMerchant { city: String::new(), ..tea_house() }, "invalid_field", "city"),
        (NewMerchant { fee_plan: "free".to_owned(), ..tea_house() }, "invalid_field", "fee_plan"),
        (NewMerchant { settlement_plan: "never".to_owned(), ..tea_house() }, "invalid_field", "settlement_plan"),
        (NewMerchant { currencies: Vec::new(), ..tea_house() }, "currency_unknown", "currencies"),
    ];
    for (new, code, field) in cases {
        let no = open(&test.bank, system("o"), new).await.unwrap().result.unwrap_err();
        assert_eq!((no.code.as_str(), no.field.as_deref()), (code, Some(field)));
    }
    assert!(merchants::list(&test.bank, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_change_is_seen_at_once_although_terms_are_kept_in_memory() {
    let test = TestBank::new();
    let found = test.merchant("Tea House").await;
    let plans = ("payment.none".to_owned(), "gross".to_owned());
    set_plans(&test.bank, system("p"), found.merchant, plans).await.unwrap().result.unwrap();
    let now = find(&test.bank, found.merchant, cny()).await.unwrap().unwrap();
    assert_eq!((&*now.fee_plan, &*now.settlement_plan), ("payment.none", "gross"));
    set_status(&test.bank, system("s"), found.merchant, Status::Suspended).await.unwrap().result.unwrap();
    assert!(!find(&test.bank, found.merchant, cny()).await.unwrap().unwrap().active);
    let account = test.bank.store().read_blocking(|snapshot| snapshot.account(found.account)).unwrap().unwrap();
    assert!(account.account.freeze.credit && !account.account.freeze.debit);
    set_status(&test.bank, system("s"), found.merchant, Status::Closed).await.unwrap().result.unwrap();
    let no = set_status(&test.bank, system("s"), found.merchant, Status::Active).await.unwrap().result.unwrap_err();
    assert_eq!(no.code.as_str(), "merchant_not_active");
}

#[tokio::test]
async fn an_order_that_froze_the_account_outlives_a_change_of_status() {
    let test = TestBank::new();
    let shop = test.merchant("Corner Shop").await;
    let id = test.bank.store().read_blocking(|snapshot| snapshot.account(shop.account)).unwrap().unwrap().id;
    let ordered = Freezing::Freeze { debit: true, credit: false, amount_minor: 7 };
    freeze(&test.bank, system("f"), id, ordered).await.unwrap().result.unwrap();
    for status in [Status::Suspended, Status::Active] {
        set_status(&test.bank, system("s"), shop.merchant, status).await.unwrap().result.unwrap();
        let row = test.bank.store().read_blocking(|snapshot| snapshot.account(shop.account)).unwrap().unwrap();
        let found = row.account.freeze;
        assert_eq!((found.debit, found.credit, found.amount), (true, status == Status::Suspended, 7));
    }
}

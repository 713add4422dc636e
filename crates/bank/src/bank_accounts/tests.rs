//! Linking bank accounts.

use crate::bank_accounts::{self, normalised};
use crate::staff::{self, Role};
use crate::testing::TestBank;
use crate::topups::tests::{IBAN, linked};
use crate::wish::{Principal, Wish};
use vocabulary::Id;

#[test]
fn numbers_are_ibans_or_plain_digits() {
    for (text, normal) in [
        (IBAN, Some("DE89370400440532013000")),
        ("de89370400440532013000", Some("DE89370400440532013000")),
        ("6222 0212-3456 7890", Some("6222021234567890")),
        ("DE88370400440532013000", None),
        ("12345", None),
        ("", None),
        ("62220212345678901234567890123456789", None),
        ("6222０2123456", None),
        ("622202=123456", None),
    ] {
        assert_eq!(normalised(text).as_deref(), normal, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_linked_once_shown_masked_and_stored_sealed() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 0);
    let who = Principal::Customer(alice.id);
    let id = linked(&bank, &alice).await;
    assert_eq!(linked(&bank, &alice).await, id, "the same number is the same link");
    let shown = bank_accounts::list(&bank.bank, who).await.expect("no trouble");
    assert_eq!((shown.len(), shown[0].masked.as_str()), (1, "…3000"));
    let stored = bank.bank.store().read(|snapshot| {
        let found = snapshot.reading().query("SELECT number FROM bank_account", &[], |row| row.blob(0))?;
        Ok(found)
    });
    let stored = stored.await.expect("no trouble").remove(0);
    assert!(!stored.windows(4).any(|window| window == b"3704"), "no plain number in the row");
    let link = async |who, number: &str| {
        let wish = Wish::internal(who, "bank_accounts.link");
        let answer = bank_accounts::link(&bank.bank, wish, number.to_owned()).await.expect("no trouble");
        answer.result.map(|_| ()).map_err(|refusal| refusal.code.as_str())
    };
    assert_eq!(link(who, "DE00").await, Err("bank_account_invalid"));
    assert_eq!(link(Principal::System, IBAN).await, Err("forbidden"));
    let remove = async |who| {
        let answer = bank_accounts::remove(&bank.bank, Wish::internal(who, "bank_accounts.remove"), id).await;
        answer
            .expect("no trouble")
            .result
            .map(|view| view.removed_at.is_some())
            .map_err(|refusal| refusal.code.as_str())
    };
    let bob = bank.customer("Bob Li", 0);
    assert_eq!(remove(Principal::Customer(bob.id)).await, Err("bank_account_not_found"));
    assert_eq!(remove(who).await, Ok(true));
    assert_eq!(remove(who).await, Err("bank_account_not_found"));
    assert!(bank_accounts::list(&bank.bank, who).await.expect("no trouble").is_empty());
    assert_ne!(linked(&bank, &alice).await, id, "linked again, it is a new link");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_bank_changes_where_a_merchant_is_settled() {
    let test = TestBank::new();
    test.one_pair_of_eyes().await;
    let (shop, other) = (test.merchant("Tea House").await.merchant, test.merchant("Book Shop").await.merchant);
    let link = async |merchant, number: &str| {
        let wish = Wish::internal(Principal::Merchant(merchant), "bank_accounts.link");
        let linked = bank_accounts::link(&test.bank, wish, number.to_owned()).await.expect("no trouble");
        linked.result.expect("it is linked").id
    };
    let settled = async || {
        let found = bank_accounts::of_merchant(&test.bank, shop).await.expect("no trouble");
        found.expect("a merchant").0
    };
    let bank = test.bank.clone();
    let clerk = move || staff::enrol_blocking(&bank, "Li Lei", Role::OPERATIONS).expect("no trouble").staff;
    let clerk = Principal::Staff(tokio::task::spawn_blocking(clerk).await.expect("no panic"));
    let settle = async |who, merchant, id| {
        let wish = Wish::internal(who, "merchants.settle_to");
        let answer = bank_accounts::settle_to(&test.bank, wish, merchant, id).await.expect("no trouble");
        answer.result.map_err(|refusal| refusal.code.as_str())
    };
    let told = async || {
        let events = test.bank.store().read(|found| found.events_after(0, None, 1_000)).await.expect("reads");
        let changed = "merchant.settlement_account_changed";
        test.run_jobs();
        let to = shop.to_string();
        let sent = test.sent.all().into_iter().filter(|message| message.to == to).count();
        (events.iter().filter(|event| event.kind == changed && event.owner == Some(shop.as_u128())).count(), sent)
    };
    assert_eq!(settled().await, None);
    let first = link(shop, IBAN).await;
    assert_eq!((settled().await, told().await), (Some(first), (1, 0)), "the first redirects nothing");
    let second = link(shop, "6222021234567890").await;
    let foreign = link(other, "6222021234567891").await;
    assert_eq!(settled().await, Some(first), "a later link is no settlement account by itself");
    for who in [Principal::Merchant(shop), Principal::System] {
        assert_eq!(settle(who, shop, second).await, Err("forbidden"));
    }
    assert_eq!(settle(clerk, Id::from_u128(9), second).await, Err("not_found"));
    assert_eq!(settle(clerk, shop, foreign).await, Err("bank_account_not_found"));
    assert_eq!((settled().await, told().await), (Some(first), (1, 0)), "no refusal changes or tells anything");
    assert_eq!(settle(clerk, shop, second).await, Ok(()));
    assert_eq!(settle(clerk, shop, second).await, Ok(()), "said twice, told once");
    assert_eq!((settled().await, told().await), (Some(second), (2, 1)));
    let wish = Wish::internal(Principal::Merchant(shop), "bank_accounts.remove");
    bank_accounts::remove(&test.bank, wish, second).await.expect("no trouble").result.expect("removed");
    let third = link(shop, "6222021234567892").await;
    assert_eq!(settled().await, None, "to remove one and link another is no way around");
    assert_eq!(settle(clerk, shop, second).await, Err("bank_account_not_found"), "a removed link");
    assert_eq!(settle(clerk, shop, third).await, Ok(()));
    assert_eq!(settled().await, Some(third));
}

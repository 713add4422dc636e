//! Linking bank accounts.

use crate::bank_accounts::{self, normalised};
use crate::testing::TestBank;
use crate::topups::tests::{IBAN, linked};
use crate::wish::{Principal, Wish};

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

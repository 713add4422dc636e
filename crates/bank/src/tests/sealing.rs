//! Personal data is nowhere in the database's files as it is.

use super::{registered, system};
use crate::aliases::claim;
use crate::error::BankError;
use crate::notices;
use crate::sealed::{Place, Sealed};
use crate::testing::{SeededEntropy, TestBank};
use std::path::Path;

fn contains(directory: &Path, text: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn no_name_number_code_or_key_stands_in_the_files() {
    let test = TestBank::new();
    if sql::testing::server_of(test.directory.path()).is_some() {
        // The files are the server's; what is written is the same.
        return;
    }
    let ann = registered(&test.bank, "ann.unmistakable@example.com", "Ann Unmistakable").await;
    claim(&test.bank, system("c"), ann.customer, "+8613912345678").await.unwrap().result.unwrap();
    let code = test.last_code("+8613912345678").unwrap();
    let key = crate::merchants::create_key(
        &test.bank,
        super::keyed("key"),
        test.merchant("Tea House Plain").await.merchant,
        ("till".to_owned(), vec![crate::merchants::Scope::PaymentsRead]),
    );
    let key = key.await.unwrap().result.unwrap().key;
    let store = test.bank.store().clone();
    tokio::task::spawn_blocking(move || store.settle_blocking()).await.unwrap().unwrap();
    let folder = test.directory.path();
    for text in ["Unmistakable", "unmistakable", "13912345678", "correct horse", key.as_str()] {
        assert!(!contains(folder, text), "{text}");
    }
    assert!(!contains(folder, &format!("{code} is your code")));
    // The search itself works: a legal person's name is no secret.
    assert!(contains(folder, "Tea House Plain"));
    // And the outbox page can read what was sent.
    let shown = notices::list(&test.bank, None, 10).await.unwrap();
    assert!(shown.iter().any(|notice| notice.to == "+8613912345678" && notice.text.contains(&code)));
    assert!(shown.iter().all(|notice| notice.sent.is_some()));
}

#[test]
fn a_sealed_value_opens_only_in_its_place_and_unchanged() {
    let test = TestBank::new();
    let key = test.bank.sealing().new_person(1).unwrap().key;
    let other = test.bank.sealing().new_person(2).unwrap().key;
    let entropy = SeededEntropy::new(9);
    let place = Place::new("customer", "display_name", 1);
    let sealed = key.seal(&entropy, place, &"Ann".to_owned()).unwrap();
    assert_eq!(sealed.open(&key, place).unwrap(), "Ann");
    let moved = [
        Place::new("customer", "display_name", 2),
        Place::new("customer", "sign_in", 1),
        Place::new("notice", "display_name", 1),
    ];
    for place in moved {
        assert!(matches!(sealed.open(&key, place), Err(BankError::Unsealed(_))));
    }
    assert!(sealed.open(&other, place).is_err());
    for at in 0..sealed.stored().len() {
        let mut bytes = sealed.stored().to_vec();
        bytes[at] ^= 1;
        let error = Sealed::<String>::from_stored(bytes).open(&key, place).unwrap_err();
        assert_eq!(error.code().as_str(), "internal");
    }
}

#[test]
fn keyed_hashes_differ_by_purpose() {
    let test = TestBank::new();
    let sealing = test.bank.sealing();
    assert_eq!(sealing.hash("a", "text"), sealing.hash("a", "text"));
    assert_ne!(sealing.hash("a", "text"), sealing.hash("b", "text"));
    assert_ne!(sealing.hash("a", "btext"), sealing.hash("ab", "text"));
}

//! Published numbers, each kind of mistake, and what must hold for any text.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn every_published_number_has_its_verdict() {
    let path = format!("{}/../../../shared/data/crypto/iban.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("the vectors {path} are needed: {error}"));
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("a JSON line");
        let read = Iban::parse(row["iban"].as_str().expect("text"));
        let standing = read.as_ref().map(Iban::standing);
        match row["expect"].as_str() {
            // Senegal's numbers are published as valid although its banks never registered the structure.
            Some("valid") => {
                assert!(standing == Ok(Standing::Registered) || standing.is_ok() && is_senegal(&row), "{row}")
            }
            Some("experimental") => assert_eq!(standing, Ok(Standing::Experimental), "{row}"),
            _ => assert!(standing.is_err(), "{row}"),
        }
    }
}

fn is_senegal(row: &Value) -> bool {
    row["iban"].as_str().is_some_and(|iban| iban.starts_with("SN"))
}

#[test]
fn each_mistake_has_its_reason() {
    use IbanError::*;
    let rows = [
        ("", Malformed),
        ("DE", Malformed),
        ("de89370400440532013000", Malformed),
        ("DE8937040044053201300é", Malformed),
        ("DEA9370400440532013000", Malformed),
        ("ZZ89370400440532013000", UnknownCountry),
        ("DE8937040044053201300", Length { expected: 22, found: 21 }),
        ("DE89A70400440532013000", Structure),
        ("DE88370400440532013000", CheckDigits),
        ("DE99370400440532013000", CheckDigits),
    ];
    for (text, error) in rows {
        assert_eq!(Iban::parse(text).err(), Some(error), "{text}");
        assert_eq!(error.code().as_str(), "bank_account_invalid");
    }
}

#[test]
fn the_printed_form_is_read_and_written_and_others_see_a_mask() {
    let iban = Iban::parse("DE89 3704 0044 0532 0130 00").expect("valid");
    assert_eq!(iban.as_str(), "DE89370400440532013000");
    assert_eq!(iban.to_string(), "DE89 3704 0044 0532 0130 00");
    assert_eq!((iban.country(), iban.bban()), ("DE", "370400440532013000"));
    assert_eq!(iban.masked(), "DE89**************3000");
    assert_eq!(format!("{iban:?}"), "Iban(DE89**************3000)");
}

#[test]
fn no_single_digit_can_be_mistyped() {
    let good = "GB82WEST12345698765432";
    for place in 0..good.len() {
        for other in ('0'..='9').chain('A'..='Z') {
            let mut letters: Vec<char> = good.chars().collect();
            if std::mem::replace(&mut letters[place], other) != other {
                let text: String = letters.into_iter().collect();
                assert!(Iban::parse(&text).is_err(), "{text}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}", head in "[A-Z]{2}[0-9]{2}[A-Z0-9]{0,32}") {
        let _ = Iban::parse(&text);
        let _ = Iban::parse(&head);
    }
}

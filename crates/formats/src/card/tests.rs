//! Numbers, brands, expiry.

use super::{Brand, CardFault, CardNumber, Expiry, check_security_code};
use proptest::prelude::*;
use vocabulary::{Secret, Timestamp};

fn seen(text: &str) -> Result<Brand, CardFault> {
    CardNumber::parse(text).map(|number| number.brand())
}

#[test]
fn the_brands_test_numbers_are_told_apart() {
    for (text, brand) in [
        ("4111 1111 1111 1111", Brand::Visa),
        ("4222222222222", Brand::Visa),
        ("5555-5555-5555-4444", Brand::Mastercard),
        ("2223003122003222", Brand::Mastercard),
        ("378282246310005", Brand::Amex),
        ("6200000000000005", Brand::UnionPay),
        ("6205500000000000004", Brand::UnionPay),
        ("3530111333300000", Brand::Jcb),
        ("6011111111111117", Brand::Discover),
        ("30569309025904", Brand::Diners),
        ("38520000023237", Brand::Diners),
    ] {
        assert_eq!(seen(text), Ok(brand), "{text}");
    }
}

#[test]
fn the_edges_of_ranges_and_lengths_are_exact() {
    let with_check = |beginning: &str, length: usize| {
        let body = format!("{beginning:0<width$}", width = length - 1);
        (0..10).map(|digit| format!("{body}{digit}")).find(|text| super::has_check_digit(text)).expect("one of ten")
    };
    for (beginning, length, brand) in [
        ("2221", 16, Some(Brand::Mastercard)),
        ("2220", 16, None),
        ("2720", 16, Some(Brand::Mastercard)),
        ("2721", 16, None),
        ("50", 16, None),
        ("56", 16, None),
        ("3527", 16, None),
        ("3528", 16, Some(Brand::Jcb)),
        ("3589", 19, Some(Brand::Jcb)),
        ("3590", 16, None),
        ("643", 16, None),
        ("644", 16, Some(Brand::Discover)),
        ("622126", 16, Some(Brand::UnionPay)),
        ("4", 14, None),
        ("4", 19, Some(Brand::Visa)),
        ("51", 15, None),
        ("62", 20, None),
        ("36", 14, Some(Brand::Diners)),
        ("306", 14, None),
    ] {
        let text = with_check(beginning, length);
        assert_eq!(seen(&text), brand.ok_or(CardFault::NumberMalformed), "{beginning} with {length} digits");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for text in ["", "4", "4111111111111112", "411111111111111１", "4111_1111", &"4".repeat(5_000), "4111111111111111x"]
    {
        assert!(seen(text).is_err(), "{text}");
    }
    assert_eq!(seen("4111111111111112"), Err(CardFault::CheckDigit));
    assert_eq!(seen("9111111111111111"), Err(CardFault::NumberMalformed));
    assert_eq!(CardFault::CheckDigit.code().as_str(), "card_number_invalid");
}

#[test]
fn a_number_is_never_printed() {
    let number = CardNumber::parse("4111111111111111").expect("valid");
    assert_eq!(format!("{number:?}"), "CardNumber(Visa …1111)");
    assert_eq!((number.last4(), number.expose()), ("1111", "4111111111111111"));
}

#[test]
fn a_card_is_good_to_the_end_of_its_month_everywhere() {
    let at = |text: &str| Timestamp::parse(text).expect("a moment");
    let check = |year, month, now: &str| Expiry::check(year, month, at(now)).map(|_| ());
    assert_eq!(check(2026, 11, "2026-11-30T23:59:59Z"), Ok(()));
    assert_eq!(check(2026, 11, "2026-12-01T11:59:59Z"), Ok(()), "it is still November somewhere");
    assert_eq!(check(2026, 11, "2026-12-01T12:00:00Z"), Err(CardFault::Expired));
    assert_eq!(check(2025, 12, "2026-11-23T02:00:00Z"), Err(CardFault::Expired));
    assert_eq!(check(2046, 12, "2026-11-23T02:00:00Z"), Ok(()));
    for (year, month) in [(2047, 1), (2027, 0), (2027, 13), (27, 1), (65_535, 1)] {
        assert_eq!(check(year, month, "2026-11-23T02:00:00Z"), Err(CardFault::ExpiryMalformed), "{year}-{month}");
    }
    assert_eq!(CardFault::Expired.code().as_str(), "card_expired");
}

#[test]
fn a_security_code_has_the_brands_length() {
    let check = |code: &str, brand| check_security_code(&Secret::new(code.to_owned()), brand);
    assert_eq!(check("123", Brand::Visa), Ok(()));
    assert_eq!(check("1234", Brand::Amex), Ok(()));
    for (code, brand) in [("1234", Brand::Visa), ("123", Brand::Amex), ("12x", Brand::Visa), ("", Brand::Jcb)] {
        assert_eq!(check(code, brand), Err(CardFault::SecurityCode), "{code}");
    }
    assert_eq!(CardFault::SecurityCode.code().as_str(), "card_code_invalid");
}

#[test]
fn names_are_read_back() {
    for brand in Brand::ALL {
        assert_eq!(Brand::named(brand.name()), Some(brand));
    }
    assert_eq!(Brand::named("VISA"), None);
}

proptest! {
    #[test]
    fn a_digit_that_changes_is_noticed(place in 1_usize..16, by in 1_u8..10) {
        let mut digits = b"4111111111111111".to_vec();
        digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
        let text = String::from_utf8(digits).expect("digits");
        prop_assert_eq!(seen(&text), Err(CardFault::CheckDigit));
    }

    #[test]
    fn nothing_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = seen(&text);
    }
}

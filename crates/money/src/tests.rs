//! Amounts: text, arithmetic, rounding, allotment, and the currency list against the published one.

use super::*;
use proptest::prelude::*;

fn cny() -> Currency {
    Currency::iso("CNY").expect("on the list")
}

#[test]
fn amounts_parse_only_canonical_text() {
    let ok = [("0", 0), ("12.34", 1234), ("12.3", 1230), ("12", 1200), ("92233720368547758.07", i64::MAX)];
    for (text, minor) in ok {
        assert_eq!(Money::parse(text, cny()).map(|m| m.minor()), Ok(minor), "{text}");
    }
    use ParseAmountError::{Malformed, Overflow, TooManyDigits};
    let bad = [
        ("", Malformed),
        ("-1", Malformed),
        ("+1", Malformed),
        ("1e3", Malformed),
        ("NaN", Malformed),
        ("1.", Malformed),
        (".5", Malformed),
        ("1,000.00", Malformed),
        ("１２", Malformed),
        ("١٢", Malformed),
        ("1 ", Malformed),
        ("0x10", Malformed),
        ("01", Malformed),
        ("1.2.3", Malformed),
        ("1.234", TooManyDigits),
        ("92233720368547758.08", Overflow),
        ("99999999999999999999999999", Overflow),
    ];
    for (text, error) in bad {
        assert_eq!(Money::parse(text, cny()), Err(error), "{text}");
    }
}

#[test]
fn sums_refuse_to_overflow_to_go_negative_or_to_mix_currencies() {
    let one = Money::new(1, cny()).expect("positive");
    let max = Money::new(i64::MAX, cny()).expect("positive");
    let yen = Money::new(1, Currency::iso("JPY").expect("on the list")).expect("positive");
    assert_eq!(max.checked_add(one), Err(MoneyError::Overflow));
    assert_eq!(one.checked_sub(max), Err(MoneyError::Negative));
    assert_eq!(one.checked_add(yen), Err(MoneyError::CurrencyMismatch));
    assert_eq!(Money::new(-1, cny()), Err(MoneyError::Negative));
}

#[test]
fn roundings_differ_exactly_where_they_should() {
    let by_ten = |n, rounding| mul_div(n, 1, 10, rounding).expect("fits");
    use Rounding::{Down, HalfEven, HalfUp, Up};
    for (n, expected) in [(14, [1, 2, 1, 1]), (15, [1, 2, 2, 2]), (25, [2, 3, 3, 2]), (26, [2, 3, 3, 3]), (20, [2; 4])]
    {
        assert_eq!([Down, Up, HalfUp, HalfEven].map(|r| by_ten(n, r)), expected, "{n}/10");
    }
    assert_eq!(mul_div(i64::MAX, 2, 1, Down), Err(MoneyError::Overflow));
    assert_eq!(BasisPoints::new(250).expect("in range").of(10_001, HalfUp), Ok(250));
}

#[test]
fn the_currency_list_is_iso_4217_list_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/fx/iso4217-list-one.xml");
    let xml =
        std::fs::read_to_string(path).expect("shared/data/fx/iso4217-list-one.xml must stand beside the checkout");
    let field = |entry: &str, tag: &str| {
        let (_, rest) = entry.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    let mut seen = std::collections::BTreeSet::new();
    for entry in xml.split("<CcyNtry>").skip(1) {
        let Some(code) = field(entry, "Ccy") else { continue };
        let number: u16 = field(entry, "CcyNbr").expect("a number").parse().expect("a number");
        let digits: Option<u8> = field(entry, "CcyMnrUnts").expect("digits").parse().ok();
        let row = LIST_ONE.iter().find(|row| row.0 == code).unwrap_or_else(|| panic!("{code} is missing"));
        assert_eq!((row.1, row.2), (number, digits), "{code}");
        seen.insert(code);
    }
    assert_eq!(seen.len(), LIST_ONE.len(), "the table has a currency that the list lacks");
    assert!(LIST_ONE.is_sorted_by(|a, b| a.0 < b.0), "binary search needs order");
}

#[test]
fn metals_and_unknown_codes_cannot_be_held() {
    assert_eq!(Currency::iso("XAU"), Err(CurrencyError::NotHoldable));
    assert_eq!(Currency::iso("cny"), Err(CurrencyError::Unknown));
    assert_eq!(Currency::unit("CNY", 1000, 2), Err(CurrencyError::BadUnit));
    assert_eq!(Currency::unit("POINTS", 999, 0), Err(CurrencyError::BadUnit));
    assert_eq!(Currency::unit("POINTS", 1000, 0).map(|c| c.digits()), Ok(0));
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(minor in 0..=i64::MAX, digits in 0_u8..=6) {
        prop_assert_eq!(parse_minor(&print_minor(i128::from(minor), digits), digits), Ok(minor));
    }

    #[test]
    fn allotted_shares_add_up(amount in 0..=i64::MAX, weights in prop::collection::vec(0_i64..1_000_000, 1..20)) {
        if let Ok(shares) = allot(amount, &weights) {
            prop_assert_eq!(shares.iter().map(|s| i128::from(*s)).sum::<i128>(), i128::from(amount));
            prop_assert!(shares.iter().all(|s| *s >= 0));
        }
    }

    #[test]
    fn rounded_quotients_are_within_one(a in 0..=i64::MAX, n in 0_i64..1000, d in 1_i64..100_000) {
        if let (Ok(low), Ok(high)) = (mul_div(a, n, d, Rounding::Down), mul_div(a, n, d, Rounding::Up)) {
            prop_assert!(high - low <= 1);
            for r in [Rounding::HalfUp, Rounding::HalfEven] {
                let mid = mul_div(a, n, d, r).expect("between the two");
                prop_assert!((low..=high).contains(&mid));
            }
        }
    }
}

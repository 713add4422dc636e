//! Normal forms, refusals and masks by example, and what must hold for any text.

use super::*;
use proptest::prelude::*;

#[test]
fn aliases_come_to_their_normal_form() {
    let rows = [
        ("+8613800000000", Alias::Phone("+8613800000000".to_owned())),
        (" +86 138-0000-0000 ", Alias::Phone("+8613800000000".to_owned())),
        ("+1 (415) 555.0100", Alias::Phone("+14155550100".to_owned())),
        ("+1234567", Alias::Phone("+1234567".to_owned())),
        ("Ann.Lee+tea@Example.COM", Alias::Email("ann.lee+tea@example.com".to_owned())),
        ("@Ann_Lee.9", Alias::Handle("@ann_lee.9".to_owned())),
    ];
    for (text, alias) in rows {
        assert_eq!(Alias::parse(text).as_ref(), Ok(&alias), "{text}");
        assert_eq!(Alias::parse(alias.as_str()), Ok(alias));
    }
}

#[test]
fn what_is_no_alias_is_refused_by_its_shape() {
    use AliasError::*;
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long = format!("a@{}com", "label.".repeat(60));
    let rows = [
        ("", Shape),
        ("13800000000", Shape),
        ("ann", Shape),
        (long.as_str(), Shape),
        ("+123456", Phone),
        ("+1234567890123456", Phone),
        ("+0123456789", Phone),
        ("+８６13800000000", Phone),
        ("+٨٦13800000000", Phone),
        ("+86abc000000", Phone),
        ("@ab", Handle),
        ("@abcdefghijklmnopqrstuvwxyz12345", Handle),
        ("@анна", Handle),
        ("@ann-lee", Handle),
        ("ann@", Email),
        ("ann@localhost", Email),
        ("ann@@example.com", Email),
        ("ann..lee@example.com", Email),
        (".ann@example.com", Email),
        ("ann lee@example.com", Email),
        ("ann@exa_mple.com", Email),
        ("ann@-example.com", Email),
        ("ann@example.123", Email),
        ("ann@例え.jp", Email),
        (long_local.as_str(), Email),
    ];
    for (text, error) in rows {
        assert_eq!(Alias::parse(text), Err(error), "{text}");
        assert_eq!(error.code().as_str(), "alias_invalid");
    }
}

#[test]
fn a_payee_is_recognised_but_not_disclosed() {
    let rows = [
        ("张小三", "张*三"),
        ("张三", "张*"),
        ("欧阳小三", "欧**三"),
        ("李", "*"),
        ("Anna Smith", "A*** S****"),
        ("  Anna   Smith ", "A*** S****"),
        ("J Smith", "J S****"),
        ("X", "*"),
        ("e\u{301}milie", "e\u{301}*****"),
        ("👨‍👩‍👧 Bob", "👨‍👩‍👧 B**"),
        ("Wolfeschlegelsteinhausen", "W********"),
        ("", ""),
    ];
    for (name, masked) in rows {
        assert_eq!(mask_name(name), masked, "{name}");
    }
}

#[test]
fn numbers_and_addresses_are_masked() {
    let rows = [
        ("+8613812341234", "+86 138****1234"),
        ("+14155550100", "+1 415***0100"),
        ("+85512345678", "+855 12****78"),
        ("+1234567", "+1 ****67"),
        ("ann@example.com", "a***@example.com"),
        ("a@example.com", "***@example.com"),
        ("@ann", "@ann"),
    ];
    for (alias, masked) in rows {
        assert_eq!(Alias::parse(alias).expect("an alias").masked(), masked);
    }
}

proptest! {
    #[test]
    fn no_text_makes_any_of_it_panic(text in "\\PC{0,100}", number in "[+0-9 ]{0,30}") {
        for text in [text.as_str(), number.as_str()] {
            let _ = mask_name(text);
            let _ = mask_phone(text);
            let _ = mask_email(text);
            if let Ok(alias) = Alias::parse(text) {
                let again = Alias::parse(alias.as_str());
                prop_assert_eq!(again, Ok(alias));
            }
        }
    }

    #[test]
    fn a_mask_shows_at_most_two_letters_of_a_word(name in "[a-z]{2,30}") {
        let shown = mask_name(&name).chars().filter(char::is_ascii_alphabetic).count();
        prop_assert_eq!(shown, 1);
    }
}

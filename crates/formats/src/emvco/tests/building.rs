//! What the builder writes and what it refuses to write.

use crate::emvco::*;
use money::{Currency, Money};
use proptest::prelude::*;

fn cny() -> Currency {
    Currency::iso("CNY").expect("on the list")
}

fn merchant() -> Merchant {
    Merchant {
        category: "5411".to_owned(),
        currency: cny(),
        country: "CN".to_owned(),
        name: "TEA HOUSE".to_owned(),
        city: "BEIJING".to_owned(),
    }
}

fn own() -> OwnReference {
    OwnReference {
        merchant: Some("mer_01jd0000000000000000000000".to_owned()),
        store: None,
        order: Some("ord_01jd0000000000000000000001".to_owned()),
    }
}

fn begin() -> Builder {
    Builder::new(merchant(), Initiation::Dynamic).account(&own().account(Tag::of(26), "com.bank"))
}

#[test]
fn what_is_built_reads_back_the_same() {
    let language =
        LanguageTemplate { language: "ZH".to_owned(), name: "茶馆".to_owned(), city: None, reserved: Vec::new() };
    let additional = AdditionalData { bill_number: Some("INV-1".to_owned()), ..AdditionalData::default() };
    let system = Template { tag: Tag::of(80), guid: "com.bank".to_owned(), fields: Vec::new() };
    let built = begin()
        .amount(Money::new(1230, cny()).expect("positive"))
        .tip(&Tip::Percentage("3.5".to_owned()))
        .postal_code("100000")
        .additional(&additional)
        .language(&language)
        .unreserved(&system)
        .build()
        .expect("in order");
    let text = built.encode();
    assert_eq!(decode(&text).as_ref(), Ok(&built));
    assert!(text.starts_with("00020101021226"));
    let content = built.content();
    assert_eq!(content.amount.as_deref(), Some("12.30"));
    assert_eq!((content.language.as_ref(), content.additional.as_ref()), (Some(&language), Some(&additional)));
    assert_eq!(OwnReference::read(&built, "com.bank"), Ok(own()));
}

#[test]
fn an_own_code_is_told_from_a_foreign_one() {
    let built = begin().build().expect("in order");
    let foreign = OwnReference::read(&built, "com.other");
    assert_eq!(foreign.map_err(|error| error.code().as_str()), Err("qr_foreign"));
    let empty = OwnReference::default().account(Tag::of(51), "com.bank");
    let built = Builder::new(merchant(), Initiation::Static).account(&empty).build().expect("in order");
    let nothing = OwnReference::read(&built, "com.bank");
    assert_eq!(nothing.map_err(|error| error.code().as_str()), Err("qr_missing_field"));
}

#[test]
fn the_builder_refuses_what_a_strict_reader_would() {
    let name = |name: &str| {
        let merchant = Merchant { name: name.to_owned(), ..merchant() };
        Builder::new(merchant, Initiation::Static).account(&own().account(Tag::of(26), "com.bank")).build()
    };
    let long = Template { tag: Tag::of(27), guid: "g".to_owned(), fields: vec![(Tag::of(1), "x".repeat(95))] };
    let yen = Currency::iso("JPY").expect("on the list");
    let points = Currency::unit("POINT", 1000, 0).expect("a unit");
    let unit = Merchant { currency: points, ..merchant() };
    let rows: Vec<(&str, Result<Payload, BuildError>)> = vec![
        ("qr_invalid_field", name("")),
        ("qr_invalid_field", name("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
        ("qr_invalid_field", name("茶馆")),
        ("qr_invalid_field", name("TEA\u{7}")),
        ("qr_missing_field", Builder::new(merchant(), Initiation::Static).build()),
        ("qr_invalid_field", begin().account(&own().account(Tag::of(52), "com.bank")).build()),
        ("qr_invalid_field", begin().account(&own().account(Tag::of(26), "com.bank")).build()),
        ("qr_invalid_field", begin().account(&MerchantAccount::Scheme(long)).build()),
        ("qr_invalid_field", begin().amount(Money::new(0, cny()).expect("zero")).build()),
        ("currency_mismatch", begin().amount(Money::new(5, yen).expect("positive")).build()),
        ("qr_invalid_field", begin().tip(&Tip::Percentage("100".to_owned())).build()),
        ("qr_invalid_field", begin().tip(&Tip::Ask).tip(&Tip::Ask).build()),
        ("qr_invalid_field", Builder::new(unit, Initiation::Static).build()),
    ];
    for (place, (code, result)) in rows.into_iter().enumerate() {
        let error = result.expect_err("refused");
        assert_eq!(error.code().as_str(), code, "row {place}: {error}");
    }
}

#[test]
fn names_of_other_scripts_have_a_plain_part_or_a_fallback() {
    let rows = [
        ("茶馆 TEA  HOUSE\n", "TEA HOUSE"),
        ("茶馆", "MERCHANT"),
        ("", "MERCHANT"),
        ("ABCDEFGHIJKLMNOPQRSTUVWX YZ", "ABCDEFGHIJKLMNOPQRSTUVWX"),
    ];
    for (text, plain) in rows {
        assert_eq!(plain_text(text, 25, "MERCHANT"), plain, "{text}");
    }
}

proptest! {
    #[test]
    fn whatever_is_built_decodes_to_itself(
        (name, city, category) in ("[ -~]{1,25}", "[ -~]{1,15}", "[0-9]{4}"),
        minor in 1_i64..1_000_000_000,
        bill in prop::option::of("[ -~]{1,25}"),
        language in prop::option::of(("[a-z]{2}", "[一-龥]{1,25}", prop::option::of("[一-龥]{1,15}"))),
        fields in prop::collection::btree_map(1_u8..100, "[!-~]{1,8}", 0..5),
    ) {
        let fields = fields.into_iter().map(|(tag, value)| (Tag::of(tag), value)).collect();
        let template = Template { tag: Tag::of(30), guid: "com.bank".to_owned(), fields };
        let mut builder = Builder::new(Merchant { category, name, city, ..merchant() }, Initiation::Dynamic)
            .account(&MerchantAccount::Scheme(template.clone()))
            .amount(Money::new(minor, cny()).expect("positive"))
            .additional(&AdditionalData { bill_number: bill.or_else(|| Some("B".to_owned())), ..Default::default() });
        if let Some((language, name, city)) = language {
            builder = builder.language(&LanguageTemplate { language, name, city, reserved: Vec::new() });
        }
        let built = builder.build();
        prop_assert!(built.is_ok(), "{:?}", built);
        let built = built.expect("checked");
        let read = decode(&built.encode());
        prop_assert_eq!(read.as_ref(), Ok(&built));
        prop_assert_eq!(built.content().account("com.bank"), Some(&template));
    }
}

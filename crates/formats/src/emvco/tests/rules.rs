//! Each rule by a payload that breaks it and nothing else.

use crate::emvco::*;
use crate::report::{Verdict, report};
use proptest::prelude::*;

/// A valid payload with some data objects replaced, added (new tags stand before the CRC) or, when empty, left out.
fn payload(changes: &[(&str, &str)]) -> String {
    let mut objects = vec![
        ("00", "01"),
        ("01", "12"),
        ("26", "0008com.bank0103abc"),
        ("52", "5411"),
        ("53", "156"),
        ("54", "12.30"),
        ("58", "CN"),
        ("59", "TEA HOUSE"),
        ("60", "BEIJING"),
    ];
    for (tag, value) in changes {
        match objects.iter_mut().find(|object| object.0 == *tag) {
            Some(object) => object.1 = value,
            None => objects.push((tag, value)),
        }
    }
    let kept = objects.iter().filter(|object| object.1 != "-");
    let body = kept.map(|(tag, value)| format!("{tag}{:02}{value}", value.chars().count())).collect::<String>();
    seal(&body)
}

fn seal(body: &str) -> String {
    format!("{body}6304{:04X}", crc16(format!("{body}6304").as_bytes()))
}

/// Path, code and fault of the only defect.
fn defect(text: &str) -> (String, &'static str, Fault) {
    let seen = inspect(text);
    let [only] = seen.defects() else { panic!("one defect expected in {text}: {:?}", seen.defects()) };
    assert_eq!(decode(text).as_ref(), Err(only));
    (only.path.to_string(), only.code().as_str(), only.fault.clone())
}

#[test]
fn the_check_sum_is_the_published_one() {
    assert_eq!(crc16(b"123456789"), 0x29B1);
    assert_eq!(crc16(b""), 0xFFFF);
    assert!(decode(&payload(&[])).is_ok());
}

#[test]
fn each_broken_value_is_an_invalid_field_at_its_tag() {
    let length = |min, max, found| Fault::Length { min, max, found };
    let rows: &[(&str, &str, &str, Fault)] = &[
        ("00", "02", "00", Fault::Version),
        ("01", "13", "01", Fault::Initiation),
        ("01", "1", "01", length(2, 2, 1)),
        ("26", "0033com.bank.aaaaaaaaaaaaaaaaaaaaaaaa0103abc", "26.00", length(1, 32, 33)),
        ("26", "00000103abc", "26.00", length(1, 32, 0)),
        ("26", "0008com.bank0103abc0103abd", "26.01", Fault::Duplicate),
        ("52", "541", "52", length(4, 4, 3)),
        ("52", "54A1", "52", Fault::NotDigits),
        ("53", "CNY", "53", Fault::NotDigits),
        ("53", "15", "53", length(3, 3, 2)),
        ("54", "12,30", "54", Fault::Amount),
        ("54", "-1", "54", Fault::Amount),
        ("54", "1e3", "54", Fault::Amount),
        ("54", ".5", "54", Fault::Amount),
        ("54", "1.2.3", "54", Fault::Amount),
        ("54", "１２", "54", Fault::Amount),
        ("54", "0.00", "54", Fault::ZeroAmount),
        ("54", "12345678901.99", "54", length(1, 13, 14)),
        ("54", "", "54", length(1, 13, 0)),
        ("55", "04", "55", Fault::TipIndicator),
        ("58", "cn", "58", Fault::Country),
        ("58", "C1", "58", Fault::Country),
        ("58", "CHN", "58", length(2, 2, 3)),
        ("59", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "59", length(1, 25, 26)),
        ("59", "TEA\nHOUSE", "59", Fault::ControlCharacter),
        ("60", "ABCDEFGHIJKLMNOP", "60", length(1, 15, 16)),
        ("61", "12345678901", "61", length(1, 10, 11)),
        ("62", "0126ABCDEFGHIJKLMNOPQRSTUVWXYZ", "62.01", length(1, 25, 26)),
        ("62", "1021ABCDEFGHIJKLMNOPQRSTU", "62.10", length(1, 20, 21)),
        ("62", "0101101012", "62.01", Fault::Duplicate),
        ("64", "0003ZHO0102北京", "64.00", length(2, 2, 3)),
        ("64", "0002Z10102北京", "64.00", Fault::Language),
        ("64", "0002ZH0100", "64.01", length(1, 25, 0)),
        ("64", "0002ZH0102北京0216ABCDEFGHIJKLMNOP", "64.02", length(1, 15, 16)),
    ];
    for (tag, value, path, fault) in rows {
        let text = payload(&[(tag, value)]);
        assert_eq!(defect(&text), ((*path).to_owned(), "qr_invalid_field", fault.clone()), "{tag} {value}");
    }
}

#[test]
fn each_missing_mandatory_object_is_a_missing_field() {
    for tag in ["52", "53", "58", "59", "60"] {
        assert_eq!(defect(&payload(&[(tag, "-")])), (tag.to_owned(), "qr_missing_field", Fault::Missing));
    }
    let no_account = defect(&payload(&[("26", "-")]));
    assert_eq!(no_account, (String::new(), "qr_missing_field", Fault::MissingMerchantAccount));
    assert_eq!(defect(&payload(&[("26", "0103abc")])), ("26.00".to_owned(), "qr_missing_field", Fault::Missing));
    assert_eq!(defect(&payload(&[("64", "0002ZH")])), ("64.01".to_owned(), "qr_missing_field", Fault::Missing));
    assert_eq!(defect(&payload(&[("64", "0102北京")])), ("64.00".to_owned(), "qr_missing_field", Fault::Missing));
    let whole = payload(&[]);
    let without_crc = &whole[..whole.len() - 8];
    assert_eq!(defect(without_crc), ("63".to_owned(), "qr_missing_field", Fault::Missing));
}

#[test]
fn templates_that_must_be_templates_are_malformed_otherwise() {
    for (tag, value, path) in
        [("26", "hello", "26"), ("26", "0010com", "26.00"), ("62", "01", "62"), ("64", "0002ZH0109北京", "64.01")]
    {
        let (found, code, _) = defect(&payload(&[(tag, value)]));
        assert_eq!((found.as_str(), code), (path, "qr_malformed"));
    }
}

#[test]
fn order_and_repetition_are_checked() {
    let swapped = seal("01021200020126190008com.bank0103abc5204541153031565802CN5903TEA6007BEIJING");
    let faults: Vec<_> = inspect(&swapped).defects().iter().map(|one| one.fault.clone()).collect();
    assert!(faults.contains(&Fault::NotFirst), "{faults:?}");
    let twice = payload(&[("62", "0101A")]).replace("6304", "62050101B6304");
    let body = twice.split("6304").next().expect("split").to_owned();
    let (path, code, fault) = defect(&seal(&body));
    assert_eq!((path.as_str(), code, fault), ("62", "qr_invalid_field", Fault::Duplicate));
    let behind = format!("{}61011", payload(&[]));
    assert_eq!(defect(&behind), ("61".to_owned(), "qr_invalid_field", Fault::NotLast));
}

#[test]
fn damage_comes_before_check_sum_before_missing_before_invalid() {
    let bad = payload(&[("52", "-"), ("58", "cn"), ("54", "0")]);
    assert_eq!(decode(&bad).map_err(|one| one.code().as_str()).err(), Some("qr_missing_field"));
    let worse = format!("{}0000", &bad[..bad.len() - 4]);
    assert_eq!(decode(&worse).map_err(|one| one.code().as_str()).err(), Some("qr_crc_mismatch"));
    let worst = format!("{worse}9");
    assert_eq!(decode(&worst).map_err(|one| one.code().as_str()).err(), Some("qr_malformed"));
    let small = payload(&[]).to_ascii_lowercase();
    assert!(decode(&small).is_err(), "check sums are written in capital digits");
    assert_eq!(defect(""), (String::new(), "qr_malformed", Fault::Empty));
    assert_eq!(defect(&"0".repeat(MAX_BYTES + 1)), (String::new(), "qr_malformed", Fault::TooLong));
    assert_eq!(decode_bytes(b"0002\xFF").map_err(|one| one.fault), Err(Fault::NotUtf8));
}

#[test]
fn the_tip_indicator_and_its_fees_belong_together() {
    let tip = |changes: &[(&str, &str)]| decode(&payload(changes)).map(|one| one.content().tip.clone());
    assert_eq!(tip(&[]), Ok(None));
    assert_eq!(tip(&[("55", "01")]), Ok(Some(Tip::Ask)));
    assert_eq!(tip(&[("55", "02"), ("56", "5.00")]), Ok(Some(Tip::Fixed("5.00".to_owned()))));
    for percent in ["5", "00.01", "99.99", "3.5", "10.", "9"] {
        assert_eq!(tip(&[("55", "03"), ("57", percent)]), Ok(Some(Tip::Percentage(percent.to_owned()))));
    }
    for percent in ["0", "00.00", "100", "5.123", "-1", "5%", ".5"] {
        let (path, code, fault) = defect(&payload(&[("55", "03"), ("57", percent)]));
        assert_eq!((path.as_str(), code, fault), ("57", "qr_invalid_field", Fault::Percentage), "{percent}");
    }
    let zero = defect(&payload(&[("55", "02"), ("56", "0")]));
    assert_eq!(zero, ("56".to_owned(), "qr_invalid_field", Fault::ZeroAmount));
    for (indicator, fee) in [("02", "56"), ("03", "57")] {
        let missing = defect(&payload(&[("55", indicator)]));
        assert_eq!(missing, (fee.to_owned(), "qr_missing_field", Fault::MissingFee));
    }
    let unasked = inspect(&payload(&[("55", "01"), ("56", "5")]));
    assert_eq!(unasked.remarks().first().map(|one| one.oddity), Some(Oddity::FeeNotAsked));
    assert_eq!(unasked.into_payload().map(|one| one.content().tip.clone()), Ok(Some(Tip::Ask)));
}

#[test]
fn oddities_are_remarked_and_read_past() {
    let rows: &[(&str, &str, &str, Oddity)] = &[
        ("53", "849", "53", Oddity::UnknownCurrency),
        ("54", "12.345", "54", Oddity::TooPrecise),
        ("59", "茶馆", "59", Oddity::BeyondAns),
        ("62", "0100", "62.01", Oddity::Empty),
        ("62", "0903AAM", "62.09", Oddity::DataRequest),
        ("62", "1102ab", "62.11", Oddity::Channel),
        ("62", "5003abc", "62.50", Oddity::NotTemplate),
        ("80", "046", "80", Oddity::NotTemplate),
        ("80", "0103abc", "80", Oddity::NoGuid),
    ];
    for (tag, value, path, oddity) in rows {
        let text = payload(&[(tag, value)]);
        let seen = inspect(&text);
        let [remark] = seen.remarks() else { panic!("one remark in {text}: {:?}", seen.remarks()) };
        assert_eq!((remark.path.to_string().as_str(), remark.oddity), (*path, *oddity));
        assert!(!remark.to_string().is_empty());
        assert_eq!(decode(&text).expect("readable").encode(), text);
    }
    for amount in ["98.73", "98", "98.", "0.01", "007"] {
        assert!(inspect(&payload(&[("54", amount)])).remarks().is_empty(), "{amount}");
    }
}

#[test]
fn lengths_in_bytes_are_read_when_characters_do_not_fit() {
    let body = "00020126190008com.bank0103abc5204541153031565802CN5903TEA6007BEIJING64220002ZH0106北京0202AB";
    let text = seal(body);
    let read = decode(&text).expect("readable by bytes");
    assert_eq!(read.length_unit(), LengthUnit::Bytes);
    assert_eq!(read.remarks().last().map(|one| one.oddity), Some(Oddity::ByteLengths));
    assert_eq!(read.content().language.as_ref().map(|one| one.name.as_str()), Some("北京"));
    assert_eq!(read.encode(), text);
}

#[test]
fn a_profile_needs_its_mark_and_covers_only_its_own_departures() {
    let thai = |guid: &str| payload(&[("26", guid), ("52", "-"), ("59", "-"), ("60", "-")]);
    assert_eq!(report(&thai("0016A0000006770101110103abc")).profile, Some("PromptPay"));
    assert_eq!(report(&thai("0010A0000007750110abcdefghij")).profile, Some("VNPay"));
    assert_eq!(report(&thai("0008com.bank0103abc")).verdict, Verdict::Invalid);
    let no_country = payload(&[("26", "0016A0000006770101110103abc"), ("58", "-")]);
    assert_eq!(report(&no_country).verdict, Verdict::Invalid);
    let zero = payload(&[("26", "0010A0000007270103abc"), ("52", "-"), ("54", "0")]);
    assert_eq!(report(&zero).verdict, Verdict::Invalid);
    let withdrawal = report(&payload(&[("26", "0014BR.GOV.BCB.PIX0103abc"), ("54", "0.00")]));
    assert_eq!((withdrawal.verdict, withdrawal.profile), (Verdict::Profile, Some("Pix")));
    assert_eq!(withdrawal.to_string().lines().next(), Some("profile as Pix"));
    let complete = report(&payload(&[("26", "0014br.gov.bcb.pix0103abc")]));
    assert_eq!((complete.verdict, complete.profile, complete.scheme), (Verdict::Valid, None, Some("Pix")));
}

/// Published with vietnam-qr-pay (MIT): no category, no city.
#[test]
fn a_shop_of_vnpay_is_accepted_as_vnpay() {
    let text = "00020101021126280010A0000007750110010531314453037045408210900005802VN5910CELLPHONES62600312CPSHN \
                ONLINE0517021908061613127850705ONLHN0810CellphoneS63047685";
    let seen = report(text);
    assert_eq!((seen.verdict, seen.profile), (Verdict::Profile, Some("VNPay")), "{seen}");
    assert_eq!(seen.omitted, ["52", "60"]);
}

#[test]
fn the_content_is_typed() {
    let text = payload(&[
        ("02", "4000123456789012"),
        ("62", "0102B10203+860302S10402L10502R10602C10702T10802P10903AME1002X1110312350050001A1202hi"),
        ("64", "0002ZH0102茶馆0202北京"),
        ("65", "00"),
        ("91", "0003abc0102hi"),
    ]);
    let read = decode(&text).expect("valid");
    let content = read.content();
    assert_eq!(content.initiation, Some(Initiation::Dynamic));
    assert_eq!(content.currency().map(|one| one.code().to_owned()).as_deref(), Some("CNY"));
    assert_eq!(content.account("COM.BANK").and_then(|one| one.field(Tag::of(1))), Some("abc"));
    let tags: Vec<_> = content.accounts.iter().map(|one| one.tag().number()).collect();
    assert_eq!(tags, [26, 2]);
    let additional = content.additional.as_ref().expect("62");
    assert_eq!(additional.bill_number.as_deref(), Some("B1"));
    assert_eq!(additional.merchant_channel.as_deref(), Some("123"));
    assert_eq!(content.language.as_ref().and_then(|one| one.city.as_deref()), Some("北京"));
    assert_eq!(content.reserved, [(Tag::of(65), "00".to_owned())]);
    assert!(matches!(&content.unreserved[..], [Unreserved::Template(one)] if one.guid == "abc"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let seen = inspect_bytes(&bytes);
        prop_assert!(!seen.is_accepted());
        let _ = crate::report::describe(&seen).to_string();
    }

    #[test]
    fn no_text_of_data_objects_makes_the_reader_panic(
        parts in prop::collection::vec((0_u8..100, "[0-9A-Z京.]{0,40}"), 0..20),
        sealed in any::<bool>(),
    ) {
        let body: String =
            parts.iter().map(|(tag, value)| format!("{tag:02}{:02}{value}", value.chars().count())).collect();
        let text = if sealed { seal(&body) } else { body };
        let seen = inspect(&text);
        let _ = crate::report::describe(&seen).to_string();
        if let Ok(read) = seen.into_payload() {
            prop_assert_eq!(read.encode(), text);
        }
    }

    #[test]
    fn any_change_of_one_character_is_refused(place in any::<prop::sample::Index>(), other in any::<char>()) {
        let mut letters: Vec<char> = payload(&[("64", "0002ZH0102茶馆")]).chars().collect();
        let place = place.index(letters.len());
        if std::mem::replace(&mut letters[place], other) != other {
            let changed: String = letters.into_iter().collect();
            prop_assert!(decode(&changed).is_err());
        }
    }
}

//! Ids, dates and secrets.

use super::*;
use proptest::prelude::*;

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

#[test]
fn an_id_is_a_version_7_uuid_that_sorts_by_time() {
    let early = Id::<kinds::Payment>::draw(Timestamp::from_micros(1_700_000_000_000_000), &Fixed(0xFF));
    let late = Id::<kinds::Payment>::draw(Timestamp::from_micros(1_700_000_000_001_000), &Fixed(0));
    assert!(early < late);
    assert_eq!(early.as_u128() >> 76 & 0xF, 7, "version");
    assert_eq!(early.as_u128() >> 62 & 0b11, 0b10, "variant");
    assert_eq!(late.as_u128() >> 62 & 0b11, 0b10, "variant");
}

#[test]
fn an_id_of_another_kind_or_shape_is_refused() {
    let id = Id::<kinds::Payment>::from_u128(7);
    assert_eq!(id.to_string(), "pay_00000000000000000000000007");
    assert_eq!(Id::<kinds::Refund>::parse(&id.to_string()), Err(ParseIdError::WrongKind));
    for bad in
        ["pay_", "pay_0000000000000000000000000u", "pay_80000000000000000000000000", "pay_000000000000000000000000070"]
    {
        assert_eq!(Id::<kinds::Payment>::parse(bad), Err(ParseIdError::Malformed), "{bad}");
    }
}

#[test]
fn prefixes_are_unique() {
    let mut seen = kinds::PREFIXES.to_vec();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), kinds::PREFIXES.len());
}

#[test]
fn a_day_starts_at_midnight_of_the_zone_also_when_clocks_change() {
    let shanghai = ZoneName::parse("Asia/Shanghai").expect("a zone");
    let late_utc = Timestamp::parse("2026-11-21T16:00:00Z").expect("a time");
    assert_eq!(shanghai.day_of(late_utc).to_string(), "2026-11-22");
    let berlin = ZoneName::parse("Europe/Berlin").expect("a zone");
    let day = BookingDate::from_ymd(2026, 3, 29).expect("a day");
    let length = berlin.start_of(day.plus_days(1)).micros() - berlin.start_of(day).micros();
    assert_eq!(length, 23 * 3_600_000_000, "the day summer time begins has 23 hours");
    assert_eq!(day.weekday(), 7);
}

#[test]
fn a_secret_does_not_print() {
    let secret = Secret::new("hunter2".to_owned());
    assert!(!format!("{secret:?} {secret}").contains("hunter2"));
}

#[test]
fn error_codes_are_unique_snake_case_and_say_what_to_do() {
    let mut seen = std::collections::BTreeSet::new();
    for code in ErrorCode::ALL {
        assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
        assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        assert!(code.title().len() > 5 && code.action().ends_with('.'), "{}", code.as_str());
        assert_eq!(ErrorCode::from_name(code.as_str()), Some(*code));
    }
}

proptest! {
    #[test]
    fn ids_print_and_parse(value: u128) {
        let id = Id::<kinds::Wallet>::from_u128(value);
        prop_assert_eq!(Id::parse(&id.to_string()), Ok(id));
        prop_assert_eq!(Id::from_slice(&id.to_bytes()), Some(id));
    }

    #[test]
    fn dates_print_and_parse(days in -100_000..100_000_i32) {
        let date = ValueDate::from_days(days);
        let (year, month, day) = date.ymd();
        prop_assert_eq!(ValueDate::from_ymd(year, month as i8, day as i8), Some(date));
        if (0..=9999).contains(&year) { prop_assert_eq!(ValueDate::parse(&date.to_string()), Some(date)); }
    }

    #[test]
    fn times_print_and_parse(micros in 0..4_000_000_000_000_000_i64) {
        let at = Timestamp::from_micros(micros);
        prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
    }
}

//! What each data object may contain: length and format by tag (EMVCo MPM 1.1, tables of data objects, and requirements by tag).
//!
//! The tables stand here and nowhere else; reader and builder both go through them.

use super::fault::{Fault, Oddity};
use super::tag::Tag;
use money::Currency;

/// The format of a value beyond its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `ans` or `S`: text.
    Text {
        /// Whether letters beyond ASCII belong there (`S`).
        any_script: bool,
    },
    Version,
    Initiation,
    Digits,
    Currency,
    Amount,
    Tip,
    Percentage,
    Country,
    Language,
    DataRequest,
    Channel,
    /// Checked against the text elsewhere.
    Crc,
}

/// Length in characters and format of one data object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub min: usize,
    pub max: usize,
    pub format: Format,
    /// An empty value is a defect, not a remark.
    pub never_empty: bool,
}

const ANS: Format = Format::Text { any_script: false };
const ANY: Format = Format::Text { any_script: true };

const fn rule(min: usize, max: usize, format: Format) -> Rule {
    Rule { min, max, format, never_empty: true }
}

const fn optional(max: usize, format: Format) -> Rule {
    Rule { min: 1, max, format, never_empty: false }
}

/// The rule of a data object of the root (table "under the root").
pub(crate) fn root(tag: Tag) -> Rule {
    match tag.number() {
        0 => rule(2, 2, Format::Version),
        1 => rule(2, 2, Format::Initiation),
        2..=25 => rule(1, 99, ANS),
        52 => rule(4, 4, Format::Digits),
        53 => rule(3, 3, Format::Currency),
        54 | 56 => rule(1, 13, Format::Amount),
        55 => rule(2, 2, Format::Tip),
        57 => rule(1, 5, Format::Percentage),
        58 => rule(2, 2, Format::Country),
        59 => rule(1, 25, ANS),
        60 => rule(1, 15, ANS),
        61 => rule(1, 10, ANS),
        63 => rule(4, 4, Format::Crc),
        _ => rule(1, 99, ANY),
    }
}

/// The rule of a data object inside merchant account information (table "Merchant Account Information") or an unreserved template (table "Unreserved Templates").
pub(crate) fn account(tag: Tag) -> Rule {
    if tag == Tag::GUID { rule(1, 32, ANS) } else { optional(99, ANY) }
}

/// The rule of a data object inside the additional data field template (table "Additional Data Field Template").
pub(crate) fn additional(tag: Tag) -> Rule {
    match tag.number() {
        1..=8 => optional(25, ANS),
        9 => optional(99, Format::DataRequest),
        10 => optional(20, ANS),
        11 => optional(99, Format::Channel),
        _ => optional(99, ANY),
    }
}

/// The rule of a data object inside the language template (table "Language Template").
pub(crate) fn language(tag: Tag) -> Rule {
    match tag.number() {
        0 => rule(2, 2, Format::Language),
        1 => rule(1, 25, ANY),
        2 => optional(15, ANY),
        _ => optional(99, ANY),
    }
}

/// What a value shows when held against its rule.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub fault: Option<Fault>,
    pub oddity: Option<Oddity>,
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        Self { fault: Some(fault), oddity: None }
    }
}

impl From<Oddity> for Outcome {
    fn from(oddity: Oddity) -> Self {
        Self { fault: None, oddity: Some(oddity) }
    }
}

/// Holds a value against its rule.
pub(crate) fn judge(value: &str, rule: Rule) -> Outcome {
    if value.is_empty() && !rule.never_empty {
        return Oddity::Empty.into();
    }
    let found = value.chars().count();
    if !(rule.min..=rule.max).contains(&found) {
        return Fault::Length { min: rule.min, max: rule.max, found }.into();
    }
    if value.chars().any(char::is_control) {
        return Fault::ControlCharacter.into();
    }
    judge_format(value, rule.format)
}

fn judge_format(value: &str, format: Format) -> Outcome {
    let fault_unless = |fine: bool, fault: Fault| if fine { Outcome::default() } else { fault.into() };
    let oddity_unless = |fine: bool, oddity: Oddity| if fine { Outcome::default() } else { oddity.into() };
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    match format {
        Format::Text { any_script } => oddity_unless(any_script || value.is_ascii(), Oddity::BeyondAns),
        Format::Version => fault_unless(value == "01", Fault::Version),
        Format::Initiation => fault_unless(matches!(value, "11" | "12"), Fault::Initiation),
        Format::Digits => fault_unless(digits, Fault::NotDigits),
        Format::Currency if !digits => Fault::NotDigits.into(),
        Format::Currency => oddity_unless(currency(value).is_some(), Oddity::UnknownCurrency),
        Format::Amount => Outcome { fault: amount_fault(value), oddity: None },
        Format::Tip => fault_unless(matches!(value, "01" | "02" | "03"), Fault::TipIndicator),
        Format::Percentage => fault_unless(is_percentage(value), Fault::Percentage),
        Format::Country => fault_unless(value.bytes().all(|b| b.is_ascii_uppercase()), Fault::Country),
        Format::Language => fault_unless(value.bytes().all(|b| b.is_ascii_alphabetic()), Fault::Language),
        Format::DataRequest => oddity_unless(is_data_request(value), Oddity::DataRequest),
        Format::Channel => oddity_unless(digits && value.len() == 3, Oddity::Channel),
        Format::Crc => Outcome::default(),
    }
}

/// The currency with this three-digit number, when it is on ISO 4217 list one and has minor units.
pub(crate) fn currency(value: &str) -> Option<Currency> {
    Currency::iso_number(value.parse().ok()?).ok()
}

/// Requirements of 54: digits with at most one point, which may stand without decimals; not zero.
fn amount_fault(value: &str) -> Option<Fault> {
    if decimals(value).is_none() {
        return Some(Fault::Amount);
    }
    let zero = value.bytes().all(|b| matches!(b, b'0' | b'.'));
    zero.then_some(Fault::ZeroAmount)
}

/// How many digits stand after the point, when the text is `digits[.digits]`.
pub(crate) fn decimals(value: &str) -> Option<usize> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (!whole.is_empty() && plain(whole) && plain(fraction)).then_some(fraction.len())
}

/// Requirements of 57: 00.01 to 99.99.
fn is_percentage(value: &str) -> bool {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let nonzero = value.bytes().any(|b| (b'1'..=b'9').contains(&b));
    decimals(value).is_some_and(|decimals| decimals <= 2) && whole.len() <= 2 && fraction.len() <= 2 && nonzero
}

/// Requirements of 62: A (address), M (mobile number), E (e-mail), each at most once.
fn is_data_request(value: &str) -> bool {
    let once = |letter: char| value.chars().filter(|c| *c == letter).count() <= 1;
    value.chars().all(|c| matches!(c, 'A' | 'M' | 'E')) && ['A', 'M', 'E'].into_iter().all(once)
}

//! Amounts (never negative) and balances (signed), counted in minor units, and their decimal text.
//!
//! The text form is the API's: ASCII digits, at most one point, at most the currency's digits after it, no sign, no
//! exponent, no other script's digits, no grouping. Parsing and printing are inverse on canonical text.

use crate::currency::Currency;
use std::fmt;

/// An amount of one currency in minor units, from 0 to `i64::MAX`. Direction is a posting's side, never a sign.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Arithmetic that has no answer in [`Money`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// The result is above `i64::MAX` minor units.
    Overflow,
    /// The result would be below zero, or a negative count was given.
    Negative,
    /// The operands have different currencies.
    CurrencyMismatch,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseAmountError {
    /// Not `digits` or `digits.digits` in ASCII (a sign, an exponent, a space, a grouping mark, another script's digit).
    Malformed,
    /// More digits after the point than the currency has.
    TooManyDigits,
    /// Above `i64::MAX` minor units.
    Overflow,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overflow => "the amount is too large",
            Self::Negative => "the amount would be below zero",
            Self::CurrencyMismatch => "the amounts are in different currencies",
        })
    }
}

impl fmt::Display for ParseAmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "an amount is plain digits with at most one point, such as \"12.34\"",
            Self::TooManyDigits => "the amount has more digits after the point than the currency",
            Self::Overflow => "the amount is too large",
        })
    }
}

impl std::error::Error for MoneyError {}
impl std::error::Error for ParseAmountError {}

impl Money {
    /// An amount of `minor` minor units.
    ///
    /// # Errors
    /// `Negative` when `minor` is below zero.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor < 0 { Err(MoneyError::Negative) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing of a currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads the decimal text of the API: `"12.34"`, exactly the currency's digits or fewer.
    ///
    /// # Errors
    /// See [`ParseAmountError`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, ParseAmountError> {
        parse_minor(text, currency.digits()).map(|minor| Self { minor, currency })
    }

    /// The count of minor units, never negative.
    #[must_use]
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Whether the amount is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// `CurrencyMismatch`, `Overflow`.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference.
    ///
    /// # Errors
    /// `CurrencyMismatch`; `Negative` when `other` is the larger.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Self::new(self.minor - other.minor, self.currency)
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", print_minor(i128::from(self.minor), self.currency.digits()), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A signed balance of one currency in minor units, 128 bits wide so that no fold of 64-bit postings can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Balance {
    /// Minor units; positive in the account's normal direction.
    pub minor: i128,
    /// The currency.
    pub currency: Currency,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", print_minor(self.minor, self.currency.digits()), self.currency)
    }
}

/// Reads a decimal text into minor units of a unit with `digits` digits.
///
/// # Errors
/// See [`ParseAmountError`].
pub fn parse_minor(text: &str, digits: u8) -> Result<i64, ParseAmountError> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(ParseAmountError::Malformed),
        None => (text, ""),
    };
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return Err(ParseAmountError::Malformed);
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(ParseAmountError::Malformed);
    }
    if fraction.len() > usize::from(digits) {
        return Err(ParseAmountError::TooManyDigits);
    }
    let padding = usize::from(digits) - fraction.len();
    let zeros = std::iter::repeat_n(b'0', padding);
    whole
        .bytes()
        .chain(fraction.bytes())
        .chain(zeros)
        .try_fold(0_i64, |minor, digit| minor.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
        .ok_or(ParseAmountError::Overflow)
}

/// Prints minor units as decimal text with exactly `digits` digits after the point (`-0.05` for −5 with 2).
#[must_use]
pub fn print_minor(minor: i128, digits: u8) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let value = minor.unsigned_abs();
    if digits == 0 {
        return format!("{sign}{value}");
    }
    let scale = 10_u128.pow(u32::from(digits));
    format!("{sign}{}.{:0width$}", value / scale, value % scale, width = usize::from(digits))
}

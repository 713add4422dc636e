//! A currency or another unit of value: its code, number and count of minor digits.
//!
//! ISO 4217 currencies have the numbers of list one (1–999). A tenant's own units (points, coupons) have numbers from
//! 1000 on and are declared by the tenant; this crate only checks their shape. It does not know which are allowed where.

use crate::iso4217::LIST_ONE;
use std::fmt;

/// A unit in which value is counted. Cheap to copy; equal when number, digits and code are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    number: u16,
    digits: u8,
    code: [u8; 8],
}

/// Why a currency or unit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrencyError {
    /// The code is not on ISO 4217 list one.
    Unknown,
    /// The code is on the list but has no minor unit (gold, test codes): nothing can be held in it.
    NotHoldable,
    /// A tenant's unit breaks the rules for its shape: see [`Currency::unit`].
    BadUnit,
}

impl fmt::Display for CurrencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the currency code is not on ISO 4217 list one",
            Self::NotHoldable => "the currency has no minor unit, so nothing can be held in it",
            Self::BadUnit => {
                "a unit needs a code of 2 to 8 letters or digits, a number from 1000, and at most 6 digits"
            }
        })
    }
}

impl std::error::Error for CurrencyError {}

impl Currency {
    /// The ISO 4217 currency with this alphabetic code (`"CNY"`), exact case.
    ///
    /// # Errors
    /// `Unknown` when the code is not on list one, `NotHoldable` when it has no minor unit.
    pub fn iso(code: &str) -> Result<Self, CurrencyError> {
        let row = LIST_ONE.binary_search_by(|row| row.0.cmp(code)).map_err(|_| CurrencyError::Unknown)?;
        Self::from_row(LIST_ONE[row])
    }

    /// The ISO 4217 currency with this numeric code (156 for CNY), as in EMVCo tag 53.
    ///
    /// # Errors
    /// As [`Currency::iso`].
    pub fn iso_number(number: u16) -> Result<Self, CurrencyError> {
        let row = LIST_ONE.iter().find(|row| row.1 == number).ok_or(CurrencyError::Unknown)?;
        Self::from_row(*row)
    }

    /// A tenant's own unit of value: code of 2–8 ASCII capital letters or digits that is not an ISO code, number ≥ 1000,
    /// 0–6 digits.
    ///
    /// # Errors
    /// `BadUnit` when any of these does not hold.
    pub fn unit(code: &str, number: u16, digits: u8) -> Result<Self, CurrencyError> {
        let shape = (2..=8).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && number >= 1000
            && digits <= 6;
        let taken = LIST_ONE.binary_search_by(|row| row.0.cmp(code)).is_ok();
        if shape && !taken { Ok(Self::build(code, number, digits)) } else { Err(CurrencyError::BadUnit) }
    }

    fn from_row((code, number, digits): (&str, u16, Option<u8>)) -> Result<Self, CurrencyError> {
        digits.map(|digits| Self::build(code, number, digits)).ok_or(CurrencyError::NotHoldable)
    }

    fn build(code: &str, number: u16, digits: u8) -> Self {
        let mut bytes = [0; 8];
        bytes[..code.len()].copy_from_slice(code.as_bytes());
        Self { number, digits, code: bytes }
    }

    /// The alphabetic code.
    #[must_use]
    pub fn code(&self) -> &str {
        let end = self.code.iter().position(|b| *b == 0).unwrap_or(8);
        std::str::from_utf8(&self.code[..end]).expect("a code is ASCII by construction")
    }

    /// The numeric code: ISO's, or the tenant's own from 1000 on.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// How many decimal digits the minor unit has (CNY 2, JPY 0, KWD 3).
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.digits
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

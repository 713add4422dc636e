//! Payment cards: numbers (ISO/IEC 7812-1), brands, expiry, security codes.
//!
//! A [`CardNumber`] is a secret: nothing prints it, memory is wiped when it goes, and what may be shown of it is
//! [`CardNumber::last4`] (PCI DSS 4.0, requirement 3.4.1, allows the first six and last four digits; customers know their
//! card by the last four, so no more is given to anybody). Time is an argument. The module knows neither storage nor
//! networks.

mod brand;
#[cfg(test)]
mod tests;

pub use brand::Brand;

use std::fmt;
use vocabulary::{ErrorCode, Secret, Timestamp, ZoneName};

/// Why card details are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFault {
    /// Not digits, of no brand that is known, or of a length that the brand does not have.
    NumberMalformed,
    /// The check digit is wrong (ISO/IEC 7812-1, annex B).
    CheckDigit,
    /// The expiry is no month, or more than twenty years ahead.
    ExpiryMalformed,
    /// The card's last month is over.
    Expired,
    /// The security code has not the form that the brand gives it.
    SecurityCode,
}

impl CardFault {
    /// The stable code for callers.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NumberMalformed | Self::CheckDigit => ErrorCode::CardNumberInvalid,
            Self::ExpiryMalformed | Self::Expired => ErrorCode::CardExpired,
            Self::SecurityCode => ErrorCode::CardCodeInvalid,
        }
    }
}

impl fmt::Display for CardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NumberMalformed => "the number is of no card brand that is known here; check it",
            Self::CheckDigit => "the number's check digit is wrong; check it",
            Self::ExpiryMalformed => "the expiry is a month 1 to 12 and a year of at most twenty years ahead",
            Self::Expired => "the card has expired; use another one",
            Self::SecurityCode => "the security code is three digits, four on American Express",
        })
    }
}

impl std::error::Error for CardFault {}

/// A card number whose brand, length and check digit are right.
pub struct CardNumber {
    digits: Secret<String>,
    brand: Brand,
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardNumber({:?} …{})", self.brand, self.last4())
    }
}

impl CardNumber {
    /// Reads a number as people write it: ASCII digits, with blanks and hyphens between them.
    ///
    /// # Errors
    /// `NumberMalformed`, then `CheckDigit`.
    pub fn parse(text: &str) -> Result<Self, CardFault> {
        if text.len() > 40 {
            return Err(CardFault::NumberMalformed);
        }
        // As long as the text: no reallocation leaves a copy behind.
        let mut digits = String::with_capacity(text.len());
        digits.extend(text.chars().filter(|c| *c != ' ' && *c != '-'));
        let digits = Secret::new(digits);
        if !digits.expose().bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CardFault::NumberMalformed);
        }
        let brand = Brand::of(digits.expose()).ok_or(CardFault::NumberMalformed)?;
        if !has_check_digit(digits.expose()) {
            return Err(CardFault::CheckDigit);
        }
        Ok(Self { digits, brand })
    }

    /// The brand.
    #[must_use]
    pub const fn brand(&self) -> Brand {
        self.brand
    }

    /// The last four digits: all that is ever shown.
    #[must_use]
    pub fn last4(&self) -> &str {
        let digits = self.digits.expose();
        &digits[digits.len() - 4..]
    }

    /// All digits; call it where they are sealed or hashed and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.digits.expose()
    }
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B; Luhn).
fn has_check_digit(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The last month in which a card is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    year: u16,
    month: u8,
}

/// No card is issued for longer.
const MOST_YEARS: i32 = 20;
/// The civil day begins twelve hours later than in UTC at the last place on earth, where the card is good for so much longer.
const LAST_PLACE_SECONDS: i64 = 12 * 3_600;

impl Expiry {
    /// The expiry of a card that is good at `now` somewhere on earth.
    ///
    /// # Errors
    /// `ExpiryMalformed`, then `Expired`.
    pub fn check(year: u16, month: u8, now: Timestamp) -> Result<Self, CardFault> {
        let utc = ZoneName::parse("UTC").map_err(|_| CardFault::ExpiryMalformed)?;
        let (this_year, this_month, _) = utc.day_of(now.plus_seconds(-LAST_PLACE_SECONDS)).ymd();
        let ahead = i32::from(year) - i32::from(this_year);
        if !(1..=12).contains(&month) || ahead > MOST_YEARS || !(2000..=9999).contains(&year) {
            return Err(CardFault::ExpiryMalformed);
        }
        if ahead < 0 || (ahead == 0 && month < this_month) {
            return Err(CardFault::Expired);
        }
        Ok(Self { year, month })
    }

    /// The expiry that was checked when it was stored.
    #[must_use]
    pub const fn stored(year: u16, month: u8) -> Self {
        Self { year, month }
    }

    /// The year, four digits.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }
}

/// Checks the form of a security code (CVV2, CVC2, CID); nothing ever keeps it.
///
/// # Errors
/// `SecurityCode`.
pub fn check_security_code(code: &Secret<String>, brand: Brand) -> Result<(), CardFault> {
    let digits = code.expose().as_bytes();
    let fits = digits.len() == brand.security_code_digits() && digits.iter().all(u8::is_ascii_digit);
    if fits { Ok(()) } else { Err(CardFault::SecurityCode) }
}

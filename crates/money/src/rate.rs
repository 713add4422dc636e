//! Exact factors: basis points for fees and taxes, ratios for everything else.

use crate::amount::MoneyError;
use crate::rounding::{Rounding, mul_div};

/// Hundredths of a percent: 250 is 2.50 %. From 0 to 1,000,000 (a hundredfold).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// So many basis points, or nothing when above 1,000,000.
    #[must_use]
    pub fn new(points: u32) -> Option<Self> {
        (points <= 1_000_000).then_some(Self(points))
    }

    /// The count.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// This share of an amount in minor units, rounded as named.
    ///
    /// # Errors
    /// See [`mul_div`].
    pub fn of(self, minor: i64, rounding: Rounding) -> Result<i64, MoneyError> {
        mul_div(minor, i64::from(self.0), 10_000, rounding)
    }
}

/// An exact positive rational number, such as an exchange rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    /// `numerator / denominator`, or nothing when either is not positive.
    #[must_use]
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        (numerator > 0 && denominator > 0).then_some(Self { numerator, denominator })
    }

    /// `minor × ratio`, rounded as named.
    ///
    /// # Errors
    /// See [`mul_div`].
    pub fn apply(self, minor: i64, rounding: Rounding) -> Result<i64, MoneyError> {
        mul_div(minor, self.numerator, self.denominator, rounding)
    }
}

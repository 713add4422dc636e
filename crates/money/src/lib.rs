//! Money: currencies, amounts, balances, rounding. Exact or an error, never a float.
//!
//! Invariants: a [`Money`] is never negative and never changes currency; there is no `+` operator, so that no sum can
//! overflow or mix currencies unnoticed; every division names its rounding; a remainder is allotted, never lost.
//! This crate deliberately knows nothing of time, storage, text formats other than the decimal string, or serde.

mod amount;
mod currency;
mod iso4217;
mod rate;
mod rounding;

pub use amount::{Balance, Money, MoneyError, ParseAmountError, parse_minor, print_minor};
pub use currency::{Currency, CurrencyError};
pub use iso4217::LIST_ONE;
pub use rate::{BasisPoints, Ratio};
pub use rounding::{Rounding, allot, mul_div};

#[cfg(test)]
mod tests;

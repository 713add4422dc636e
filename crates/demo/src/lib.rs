//! A bank to look at: people, shops, a history of several weeks, live traffic; and the replay of card rows.
//!
//! Everything is done through the bank's own use cases, so that its books are as real as any. Who does what follows from a
//! seed. This crate deliberately knows neither HTTP nor the command line.

mod acts;
mod cast;
mod clock;
mod dice;
pub mod history;
pub mod replay;
pub mod traffic;
mod world;

pub use acts::{Stage, Tally};
pub use cast::{PASSWORD, PEOPLE, SHOPS, Trade};
pub use clock::HistoryClock;
pub use world::{Person, Shop, World, staff_tokens};

use bank::{BankError, Refusal};
use std::fmt;

/// Why the demo's world cannot be made.
#[derive(Debug)]
pub enum DemoError {
    /// The bank has trouble.
    Bank(BankError),
    /// The bank refused what it should not refuse.
    Refused(Refusal),
    /// No code was sent to a phone.
    NoCode,
    /// There is nobody to act, or an amount below zero.
    Empty,
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bank(_) => f.write_str("the bank has trouble"),
            Self::Refused(refusal) => write!(f, "the bank refused: {} ({})", refusal.detail, refusal.code.as_str()),
            Self::NoCode => f.write_str("no code was sent to a phone"),
            Self::Empty => f.write_str("the demo has nobody to act"),
        }
    }
}

impl std::error::Error for DemoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bank(error) => Some(error),
            Self::Refused(_) | Self::NoCode | Self::Empty => None,
        }
    }
}

impl From<BankError> for DemoError {
    fn from(error: BankError) -> Self {
        Self::Bank(error)
    }
}

//! Replay: card rows become customers, merchants and payments of a real bank.
//!
//! The file is read twice. The first pass learns who is in it and how much each customer spends; then customers, merchants
//! and opening balances are made, those that an earlier replay made being found again. The second pass pays, many rows to a
//! unit of work, several units on their way at a time.
//!
//! Invariant: a row acts at most once on a bank, however often its file is replayed: its payment's idempotency key is the
//! row's own `TRANSACTION_ID`, or the file's digest and the row's line. A bad row is reported with its line and moves nothing.

mod parties;
mod pass;
mod pay;

pub use parties::{Parties, Payer};

use bank::{Bank, BankError};
use formats::card_rows::CardRowsError;
use money::Currency;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What to replay.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// The file.
    pub file: PathBuf,
    /// The currency of its amounts.
    pub currency: Currency,
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// So many are done.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows in the file, good and bad.
    pub rows: u64,
    /// Payments made now.
    pub payments: u64,
    /// Rows whose payment an earlier replay (or an earlier row) had made.
    pub already: u64,
    /// Rows that the bank refused, by code.
    pub refused: BTreeMap<String, u64>,
    /// Rows that could not be read, or that contradict an earlier row of the same id.
    pub bad: u64,
    /// Customers in the file.
    pub customers: u64,
    /// Merchants in the file.
    pub merchants: u64,
    /// What the payments made now add up to, minor units.
    pub total_minor: i128,
    /// The first of the bad and refused rows.
    pub first_bad: Vec<BadRow>,
}

/// How many bad rows are kept with their words; all are counted.
pub const KEPT_BAD_ROWS: usize = 1_000;

impl Summary {
    fn note(&mut self, row: BadRow) {
        if self.first_bad.len() < KEPT_BAD_ROWS {
            self.first_bad.push(row);
        }
    }
}

/// Why a replay ended early. What was paid until then stays paid; replaying the file again goes on from there.
#[derive(Debug)]
pub enum ReplayError {
    /// The file cannot be opened or read.
    File(std::io::Error),
    /// The header cannot be used.
    Header(CardRowsError),
    /// The bank had trouble.
    Bank(BankError),
    /// The bank refused to open a customer or merchant.
    Refused(bank::Refusal),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(_) => f.write_str("the file cannot be read"),
            Self::Header(_) => f.write_str("the file is not one of card rows"),
            Self::Bank(_) => f.write_str("the bank stopped; replay the file again to go on, nothing is counted twice"),
            Self::Refused(refusal) => write!(f, "the bank refused a customer or merchant: {}", refusal.detail),
        }
    }
}

impl std::error::Error for ReplayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Header(error) => Some(error),
            Self::Bank(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}

impl From<BankError> for ReplayError {
    fn from(error: BankError) -> Self {
        Self::Bank(error)
    }
}

/// A prepared replay: everybody is known to the bank and has the money to spend.
pub struct Replay {
    options: ReplayOptions,
    census: pass::Census,
    parties: Parties,
}

impl Replay {
    /// Reads the file and makes its customers, merchants and opening balances. For a runtime with several threads.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn prepare(
        bank: &Bank,
        options: ReplayOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, ReplayError> {
        let census = tokio::task::block_in_place(|| pass::read(&options))?;
        let parties = parties::settle(bank, &census, options.currency, progress).await?;
        Ok(Self { options, census, parties })
    }

    /// Pays every good row. For threads that may block.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn pay(&self, bank: &Bank, progress: &mut dyn FnMut(Progress)) -> Result<Summary, ReplayError> {
        pay::run(bank, self, progress)
    }
}

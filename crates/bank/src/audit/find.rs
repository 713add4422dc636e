//! Looking at the log, and checking its links.

use super::keeper::{Keeper, Link, Within};
use super::records::{self, Filter, Row};
use crate::bank::Bank;
use crate::error::BankError;
use serde::Serialize;
use sql::Reading;
use std::fmt;
use vocabulary::Timestamp;

/// A record, opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who: an id, or `system`.
    pub actor: String,
    /// What was done, such as `policies.set`.
    pub action: String,
    /// To what: an id.
    pub subject: Option<String>,
    /// `done`, the code of the refusal, or `begun` for what takes more than one unit of work.
    pub outcome: String,
    /// From which network address.
    pub address: Option<String>,
    /// By which request.
    pub request: Option<String>,
    /// What was asked for: method, path and body.
    pub asked: Option<String>,
    /// The link, in hexadecimal digits.
    pub link: String,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whose acts.
    pub actor: Option<String>,
    /// Which acts.
    pub action: Option<String>,
    /// Acts on what.
    pub subject: Option<String>,
    /// Records before this number; the newest when none.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

fn open(keeper: &Keeper, (row, link): (Row, Link)) -> Result<Entry, BankError> {
    let Within { address, request, asked } = keeper.open_within(row.number, row.sealed)?;
    let Row { number, at, actor, action, subject, outcome, .. } = row;
    let link = link.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Entry { number, at, actor, action, subject, outcome, address, request, asked, link })
}

/// Records, newest first.
///
/// # Errors
/// Trouble; `Unsealed` when a record was damaged.
pub async fn look(bank: &Bank, wanted: Wanted) -> Result<Vec<Entry>, BankError> {
    let Wanted { actor, action, subject, before, limit } = wanted;
    let filter = Filter { actor, action, subject };
    let before = before.unwrap_or(i64::MAX);
    let rows = bank.store().read(move |snapshot| records::before(snapshot.reading(), before, &filter, limit)).await?;
    let keeper = bank.keeper();
    rows.into_iter().map(|row| open(&keeper, row)).collect()
}

/// Records after a number, in order. For threads that may block.
///
/// # Errors
/// As [`look`].
pub fn after_blocking(bank: &Bank, number: i64, limit: u32) -> Result<Vec<Entry>, BankError> {
    let rows = bank.store().read_blocking(|snapshot| records::after(snapshot.reading(), number, limit))?;
    let keeper = bank.keeper();
    rows.into_iter().map(|row| open(&keeper, row)).collect()
}

/// What a check of the log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Every record is whole and where it was written; there are so many.
    Whole(i64),
    /// A record with this number should come next and does not.
    Missing(i64),
    /// The record with this number, or the one before it, is not as it was written.
    Changed(i64),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(count) => write!(f, "{count} records, each linked to the one before"),
            Self::Missing(number) => write!(f, "record {number} is missing"),
            Self::Changed(number) => write!(f, "record {number} or the one before it is not as it was written"),
        }
    }
}

/// How many records are read at once.
const PAGE: u32 = 500;

/// Checks every record's number, link and seal. For threads that may block.
///
/// # Errors
/// Trouble.
pub fn verify(bank: &Bank) -> Result<Finding, BankError> {
    let keeper = bank.keeper();
    // Page by page, each from a snapshot of its own: a long log must not hold one.
    verify_pages(&keeper, |number| {
        Ok(bank.store().read_blocking(|snapshot| records::after(snapshot.reading(), number, PAGE))?)
    })
}

/// As [`verify`], within one reading.
pub(crate) fn verify_in(keeper: &Keeper, reading: Reading<'_>) -> Result<Finding, BankError> {
    verify_pages(keeper, |number| Ok(records::after(reading, number, PAGE)?))
}

fn verify_pages(
    keeper: &Keeper,
    mut after: impl FnMut(i64) -> Result<Vec<(Row, Link)>, BankError>,
) -> Result<Finding, BankError> {
    let (mut number, mut link): (i64, Link) = (0, [0; 32]);
    loop {
        let rows = after(number)?;
        if rows.is_empty() {
            return Ok(Finding::Whole(number));
        }
        for (row, found) in rows {
            if row.number != number + 1 {
                return Ok(Finding::Missing(number + 1));
            }
            let right = keeper.link(&link, &row);
            let linked = aws_lc_rs::constant_time::verify_slices_are_equal(&right, &found).is_ok();
            (number, link) = (row.number, found);
            if !linked || keeper.open_within(number, row.sealed).is_err() {
                return Ok(Finding::Changed(number));
            }
        }
    }
}

//! Trial balances: of a closed day as stored, and of this moment.

use crate::accounting::records;
use crate::accounting::tally::{self, Place, Turnover};
use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::StoreError;
use vocabulary::{BookingDate, Timestamp};

/// A row of a trial balance. Balances are signed, debit-positive minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRow {
    /// The general-ledger code.
    pub gl_code: String,
    /// The currency's number.
    pub currency_number: u16,
    /// The currency's code.
    pub currency: String,
    /// Before.
    pub opening_minor: i64,
    /// What was debited.
    pub debits_minor: i64,
    /// What was credited.
    pub credits_minor: i64,
    /// After: opening + debits − credits.
    pub closing_minor: i64,
}

/// A trial balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialBalance {
    /// The day it closes; none when it is of this moment.
    pub day: Option<BookingDate>,
    /// The last journal line in it.
    pub last_line: u64,
    /// When it was drawn up.
    pub at: Timestamp,
    /// Its rows, by code and currency.
    pub rows: Vec<TrialRow>,
}

impl TrialBalance {
    /// What each currency's closing balances add up to: zero, or the books are wrong.
    #[must_use]
    pub fn sums(&self) -> BTreeMap<String, i128> {
        let mut sums = BTreeMap::new();
        for row in &self.rows {
            *sums.entry(row.currency.clone()).or_insert(0) += i128::from(row.closing_minor);
        }
        sums
    }
}

/// Puts turnover on top of the rows that closed before.
pub(super) fn carried(
    desk: &Desk,
    before: &[TrialRow],
    mut turnover: BTreeMap<Place, Turnover>,
) -> Result<Vec<TrialRow>, StoreError> {
    let mut openings: BTreeMap<Place, i64> =
        before.iter().map(|row| ((row.gl_code.clone(), row.currency_number), row.closing_minor)).collect();
    for place in openings.keys() {
        turnover.entry(place.clone()).or_default();
    }
    let mut rows = Vec::with_capacity(turnover.len());
    for ((gl_code, currency_number), moved) in turnover {
        let opening = openings.remove(&(gl_code.clone(), currency_number)).unwrap_or(0);
        let closing = i128::from(opening) + i128::from(moved.debits) - i128::from(moved.credits);
        let range = |_| StoreError::Bug("a closing balance leaves the range of 64 bits".to_owned());
        rows.push(TrialRow {
            currency: code_of(desk, currency_number),
            gl_code,
            currency_number,
            opening_minor: opening,
            debits_minor: moved.debits,
            credits_minor: moved.credits,
            closing_minor: i64::try_from(closing).map_err(range)?,
        });
    }
    Ok(rows)
}

pub(super) fn code_of(desk: &Desk, number: u16) -> String {
    desk.currencies().by_number(number).map_or_else(|| number.to_string(), |found| found.code().to_owned())
}

/// The trial balance that a closed day left; none when the day is not closed.
///
/// # Errors
/// Trouble.
pub fn of_closed_day(bank: &Bank, day: BookingDate) -> Result<Option<TrialBalance>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read_blocking(|snapshot| {
        let reading = snapshot.reading();
        let Some(closed) = records::by_day(reading, day)? else { return Ok(None) };
        let mut rows = records::rows(reading, day)?;
        for row in &mut rows {
            row.currency = code_of(&desk, row.currency_number);
        }
        Ok(Some(TrialBalance { day: Some(day), last_line: closed.last_line, at: closed.closed_at, rows }))
    })?;
    Ok(found)
}

/// The trial balance of this moment: what the last closed day left and everything since.
///
/// # Errors
/// Trouble.
pub fn trial_balance(bank: &Bank) -> Result<TrialBalance, BankError> {
    let desk = bank.desk();
    let (last, before, at) = bank.store().read_blocking(|snapshot| {
        let last = records::last(snapshot.reading())?;
        let before = match &last {
            Some(closed) => records::rows(snapshot.reading(), closed.day)?,
            None => Vec::new(),
        };
        Ok((last, before, snapshot.now()))
    })?;
    let first = last.map_or(1, |closed| closed.last_line + 1);
    let (turnover, last_line) = tally::turnover(bank, first, BookingDate::from_days(i32::MAX))?;
    Ok(TrialBalance { day: None, last_line, at, rows: carried(&desk, &before, turnover)? })
}

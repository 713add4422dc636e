//! Closing days: seal, add up, store. See the module for why in three steps.

use crate::accounting::{records, tally, trial_balance};
use crate::bank::Bank;
use crate::entries;
use crate::error::BankError;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};
use store::{Job, NewEvent, Outcome, StoreError, Uow};
use vocabulary::{BookingDate, ErrorCode, Timestamp};

/// The job that closes every day that is over.
pub const JOB_CLOSE: &str = "books.close";

/// A closed day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedDay {
    /// The day.
    pub day: BookingDate,
    /// Its first journal line; one after `last_line` when it has none.
    pub first_line: u64,
    /// Its last journal line; the one before `first_line` when it has none.
    pub last_line: u64,
    /// When it was closed.
    pub closed_at: Timestamp,
}

/// Makes sure that days are closed: schedules the job anew. Call it once when the bank is opened.
///
/// # Errors
/// When the database fails.
pub fn begin(uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
    uow.cancel_jobs(JOB_CLOSE, 0)?;
    let now = uow.now();
    uow.schedule(now, JOB_CLOSE, 0)
}

/// The closing job: closes what is over, and is due again when the open day ends.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_close(bank: &Bank, job: &Job) -> Result<(), BankError> {
    close_due(bank)?;
    let (claim, desk) = (job.claim, bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            let due = next_cut_off(desk.zone(), desk.policies().cut_off_second_of_day, uow.now());
            uow.schedule(due, JOB_CLOSE, 0)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// The next moment at which a booking day ends.
fn next_cut_off(zone: &vocabulary::ZoneName, second: u32, now: Timestamp) -> Timestamp {
    let today = zone.day_of(now);
    let of = |day: BookingDate| zone.start_of(day).plus_seconds(i64::from(second.min(86_400)));
    if of(today) > now { of(today) } else { of(today.plus_days(1)) }
}

/// Closes every day that is over and not closed, oldest first. Returns those it closed.
///
/// # Errors
/// Trouble.
pub fn close_due(bank: &Bank) -> Result<Vec<ClosedDay>, BankError> {
    let mut closed = Vec::new();
    loop {
        let day = oldest_open(bank)?;
        if entries::day_of(&bank.desk(), bank.now()) <= day {
            return Ok(closed);
        }
        closed.extend(close(bank, day)?);
    }
}

/// Closes a day, and those before it that are still open. Refused with `day_already_closed` and `day_not_over`.
///
/// # Errors
/// Trouble.
pub fn close_day(bank: &Bank, day: BookingDate) -> Result<Result<ClosedDay, Refusal>, BankError> {
    let open = oldest_open(bank)?;
    if day < open {
        return Ok(Err(Refusal::of(ErrorCode::DayAlreadyClosed).at("day")));
    }
    if entries::day_of(&bank.desk(), bank.now()) <= day {
        return Ok(Err(Refusal::of(ErrorCode::DayNotOver).at("day")));
    }
    let mut next = open;
    loop {
        let closed = close(bank, next)?;
        if next == day {
            return Ok(closed.ok_or_else(|| Refusal::of(ErrorCode::DayAlreadyClosed).at("day")));
        }
        next = next.plus_days(1);
    }
}

/// The day after the last closed one; when none is, the day on which the tenant's store was made or its first line books.
fn oldest_open(bank: &Bank) -> Result<BookingDate, BankError> {
    let made = bank.store().zone().day_of(bank.store().tenant().created);
    let day = bank.store().read_blocking(|snapshot| {
        if let Some(closed) = records::last(snapshot.reading())? {
            return Ok(closed.day.plus_days(1));
        }
        let first = snapshot.lines_from(1, 1)?;
        Ok(first.first().and_then(|row| row.header).map_or(made, |header| header.booking.min(made)))
    })?;
    Ok(day)
}

/// Closes the oldest open day. None when somebody else has.
fn close(bank: &Bank, day: BookingDate) -> Result<Option<ClosedDay>, BankError> {
    let desk = bank.desk();
    let sealing = desk.clone();
    bank.store().write_blocking(move |uow| {
        entries::close_through(&sealing, uow, day)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    let (before, first_line) = bank.store().read_blocking(|snapshot| {
        let last = records::last(snapshot.reading())?;
        let rows = match &last {
            Some(closed) => records::rows(snapshot.reading(), closed.day)?,
            None => Vec::new(),
        };
        Ok((rows, last.map_or(1, |closed| closed.last_line + 1)))
    })?;
    let (turnover, last_line) = tally::turnover(bank, first_line, day)?;
    let rows = trial_balance::carried(&desk, &before, turnover)?;
    let outcome = bank.store().write_blocking(move |uow| {
        let closed = ClosedDay { day, first_line, last_line, closed_at: uow.now() };
        if !records::insert(uow, &closed, &rows)? {
            return Ok(Outcome::<Option<ClosedDay>, ()>::Done(None));
        }
        let body = serde_json::json!({"day": day.to_string(), "last_line": last_line}).to_string();
        let subject = u128::try_from(day.days()).unwrap_or(0);
        uow.emit(NewEvent { kind: "books.day_closed", version: 1, owner: None, subject, body });
        Ok::<_, StoreError>(Outcome::Done(Some(closed)))
    })?;
    match outcome {
        Outcome::Done(closed) => Ok(closed),
        Outcome::Refused(()) => Ok(None),
    }
}

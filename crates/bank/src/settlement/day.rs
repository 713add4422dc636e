//! A day's job: settle every merchant account for the business day that is over, then schedule the next.
//!
//! Crash points closed: the day is noted and its job scheduled in one unit, so no day is scheduled twice or forgotten; the
//! job ends only after every merchant was settled. A merchant who cannot be settled keeps neither the others nor the next
//! day waiting: the day's job comes again for that merchant alone, since a day settles nobody twice.

use super::records;
use super::settle::settle;
use crate::policies::Policies;
use crate::{Bank, BankError, Desk, entries, merchants};
use ledger::AccountNo;
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{BookingDate, Timestamp, ZoneName};

/// The job that settles a business day; its subject is the day.
pub const JOB_DAY: &str = "settlement.day";

const PAGE: u32 = 200;

/// Schedules the first day's job, if none was scheduled yet. Called when a bank is opened.
///
/// # Errors
/// Trouble.
pub fn start(bank: &Bank) -> Result<(), BankError> {
    let desk = bank.desk();
    bank.store().write_blocking(move |uow| {
        if !records::any_day(uow.reading())? {
            let first = business_day(desk.policies(), entries::day_of(&desk, uow.now()));
            schedule(&desk, uow, first)?;
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn business_day(policies: &Policies, day: BookingDate) -> BookingDate {
    policies.business_days_after(day, 0)
}

fn schedule(desk: &Desk, uow: &mut Uow<'_, '_>, day: BookingDate) -> Result<(), StoreError> {
    if records::note_day(uow, day)? {
        let due = cut_off(desk.policies(), desk.zone(), day);
        uow.schedule(due, JOB_DAY, u128::from(day.days().unsigned_abs()))?;
    }
    Ok(())
}

/// The moment at which a day's books are cut off.
pub(super) fn cut_off(policies: &Policies, zone: &ZoneName, day: BookingDate) -> Timestamp {
    match policies.cut_off_second_of_day {
        second if second >= 86_400 => zone.start_of(day.plus_days(1)),
        second => zone.start_of(day).plus_seconds(i64::from(second)),
    }
}

/// Settles the job's day.
///
/// # Errors
/// Trouble: then the job stays, and the next attempt goes on where this one ended.
pub fn run_day(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let day = BookingDate::from_days(i32::try_from(job.subject).unwrap_or(0));
    schedule_next(bank, day)?;
    let mut failed = None;
    let mut after = AccountNo(0);
    loop {
        let currencies = bank.currencies();
        let page = bank.store().read_blocking(move |snapshot| {
            merchants::records::accounts_after(snapshot.reading(), after, PAGE, &currencies)
        })?;
        let Some(last) = page.last() else { break };
        after = last.account;
        for account in &page {
            if let Err(error) = settle(bank, account, day) {
                tracing::warn!(merchant = %account.merchant, day = %day, %error, "a merchant was not settled");
                failed = Some(error);
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let claim = job.claim;
    bank.store().write_blocking(move |uow| {
        uow.finish_job(claim)?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn schedule_next(bank: &Bank, day: BookingDate) -> Result<(), BankError> {
    let desk = bank.desk();
    bank.store().write_blocking(move |uow| {
        let next = business_day(desk.policies(), day.plus_days(1));
        schedule(&desk, uow, next)?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

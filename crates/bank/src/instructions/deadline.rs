//! The deadline of an instruction: by then it is final or under investigation, with the date on which we look next.
//!
//! A deadline races with the bank's answer: news are heard first (see `rail_feed/ear.rs`), and the unit decides on the stage it
//! finds. It moves no money that may have moved: only an instruction that was never handed over is given up, and the
//! hand-over's own unit finds that and stops.

use crate::bank::Bank;
use crate::cases::CaseKind;
use crate::desk::Desk;
use crate::error::BankError;
use crate::instructions::rules::{AtDeadline, at_deadline};
use crate::instructions::{Instructed, Stage, effects};
use crate::rail_feed;
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp};

/// Looks at the job's instruction.
///
/// # Errors
/// Trouble; the job is then put off.
pub(crate) fn run_deadline<T: Instructed>(bank: &Bank, job: &Job) -> Result<(), BankError> {
    rail_feed::listen_a_moment(bank);
    let (claim, id, desk) = (job.claim, Id::<T::Kind>::from_u128(job.subject), bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)?
            && let Some(subject) = T::by_id(uow.reading(), id)?
        {
            look(&desk, uow, subject)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn look<T: Instructed>(desk: &Desk, uow: &mut Uow<'_, '_>, mut subject: T) -> Result<(), StoreError> {
    let facts = subject.facts();
    match at_deadline(facts.stage, facts.sent) {
        AtDeadline::Nothing => Ok(()),
        AtDeadline::GiveUp => {
            let reason = "the bank was not reached in time; nothing was sent";
            subject.give_up(desk, uow, (Stage::Failed, reason))
        }
        AtDeadline::Investigate => {
            let next = effects::investigate(desk, uow, &mut subject)?;
            uow.schedule(desk.zone().start_of(next), T::TERMS.deadline, facts.id.as_u128())?;
            effects::call_people(desk, uow, &subject, (CaseKind::NoResult, "the bank has given no final result"))?;
            Ok(())
        }
    }
}

/// The day on which we look next: so many days on as policy says, on a business day.
pub(crate) fn next_date(desk: &Desk, now: Timestamp) -> BookingDate {
    let days = i32::try_from(desk.policies().investigation_next_days).unwrap_or(1).max(1);
    desk.policies().first_open(desk.zone().day_of(now).plus_days(days))
}

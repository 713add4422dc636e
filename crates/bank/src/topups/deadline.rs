//! The deadline of a top-up: by then it is final or under investigation, with the date on which we look next.
//!
//! A deadline races with the bank's answer: news are heard first (see `rail_feed/ear.rs`), and the unit decides on the state it finds. It moves no money:
//! only an instruction that was never handed over is given up, and the hand-over's own unit finds that and stops.

use crate::bank::Bank;
use crate::cases::{self, CaseKind, NewCase};
use crate::desk::Desk;
use crate::error::BankError;
use crate::rail_feed;
use crate::topups::outcome::give_up;
use crate::topups::rules::{AtDeadline, at_deadline};
use crate::topups::{TopUp, TopUpState, records};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp};

/// The job that looks at a top-up at its deadline, and on each next date after it.
pub const JOB_DEADLINE: &str = "top_up.deadline";

/// Looks at the top-up.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_deadline(bank: &Bank, job: &Job) -> Result<(), BankError> {
    rail_feed::listen_a_moment(bank);
    let (no, id, desk) = (job.no, Id::from_u128(job.subject), bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(no)?
            && let Some(top_up) = records::by_id(uow.reading(), id)?
        {
            look(&desk, uow, top_up)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn look(desk: &Desk, uow: &mut Uow<'_, '_>, mut top_up: TopUp) -> Result<(), StoreError> {
    match at_deadline(top_up.state, top_up.sent.is_some()) {
        AtDeadline::Nothing => Ok(()),
        AtDeadline::GiveUp => {
            let reason = "the bank was not reached in time; nothing was sent";
            give_up(desk, uow, &mut top_up, (TopUpState::Failed, reason))
        }
        AtDeadline::Investigate => {
            let next = next_date(desk, uow.now());
            let begins = top_up.state < TopUpState::UnderInvestigation;
            top_up.state = TopUpState::UnderInvestigation;
            top_up.next_date = Some(next);
            records::change(uow, &top_up)?;
            if begins {
                top_up.emit(desk, uow);
            }
            uow.schedule(desk.zone().start_of(next), JOB_DEADLINE, top_up.id.as_u128())?;
            let (subject, finding) = (top_up.id.to_string(), "the bank has given no final result");
            let new = NewCase { kind: CaseKind::NoResult, subject: &subject, finding, next_date: Some(next) };
            cases::open(desk, uow, &new).map(drop)
        }
    }
}

/// The day on which we look next: so many days on as policy says, on a business day.
pub(crate) fn next_date(desk: &Desk, now: Timestamp) -> BookingDate {
    let days = i32::try_from(desk.policies().investigation_next_days).unwrap_or(1).max(1);
    desk.policies().first_open(desk.zone().day_of(now).plus_days(days))
}

//! The deadline of a payout: by then it is final or under investigation, with the date on which we look next.
//!
//! A deadline races with the bank's answer: news are heard first (see `rail_feed/ear.rs`), and the unit decides on the state it finds. It moves no money:
//! only an instruction that was never handed over goes back, and the hand-over's own unit finds that and stops.

use crate::bank::Bank;
use crate::cases::{self, CaseKind, NewCase};
use crate::desk::Desk;
use crate::error::BankError;
use crate::payouts::outcome::give_back;
use crate::payouts::rules::{AtDeadline, at_deadline};
use crate::payouts::{Payout, PayoutState, records};
use crate::{rail_feed, topups};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::Id;

/// The job that looks at a payout at its deadline, and on each next date after it.
pub const JOB_DEADLINE: &str = "payout.deadline";

/// Looks at the payout.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_deadline(bank: &Bank, job: &Job) -> Result<(), BankError> {
    rail_feed::listen_a_moment(bank);
    let (no, id, desk) = (job.no, Id::from_u128(job.subject), bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(no)?
            && let Some(payout) = records::by_id(uow.reading(), id)?
        {
            look(&desk, uow, payout)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn look(desk: &Desk, uow: &mut Uow<'_, '_>, mut payout: Payout) -> Result<(), StoreError> {
    match at_deadline(payout.state, payout.sent.is_some()) {
        AtDeadline::Nothing => Ok(()),
        AtDeadline::GiveBack => {
            let reason = "the bank was not reached in time; nothing was sent";
            give_back(desk, uow, &mut payout, (PayoutState::Failed, reason))
        }
        AtDeadline::Investigate => {
            let next = topups::next_date(desk, uow.now());
            let begins = payout.state < PayoutState::UnderInvestigation;
            payout.state = PayoutState::UnderInvestigation;
            payout.next_date = Some(next);
            records::change(uow, &payout)?;
            if begins {
                payout.emit(desk, uow);
            }
            uow.schedule(desk.zone().start_of(next), JOB_DEADLINE, payout.id.as_u128())?;
            let (subject, finding) = (payout.id.to_string(), "the bank has given no final result");
            let new = NewCase { kind: CaseKind::NoResult, subject: &subject, finding, next_date: Some(next) };
            cases::open(desk, uow, &new).map(drop)
        }
    }
}

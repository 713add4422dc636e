//! What an ended endpoint leaves: its deliveries go a bounded number at a time.
//!
//! Crash point closed: a piece is deleted in the unit that ends its job and plans the next, so a crash repeats nothing and
//! loses nothing. An attempt that was on its way when the endpoint ended finds no row to write to and changes nothing.

use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use store::{Job, Outcome, StoreError};
use vocabulary::Id;

/// Deliveries of an ended endpoint are to be deleted.
pub const JOB_FORGET: &str = "webhooks.forget";

/// So many at a time.
pub(super) const ROWS: u32 = 200;

/// Deletes a piece of what the job's endpoint left.
///
/// # Errors
/// Trouble; the job is then put off.
pub(crate) fn run_forget(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (claim, subject) = (job.claim, job.subject);
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? && records::forget(uow, Id::from_u128(subject), ROWS)? == ROWS as usize {
            let now = uow.now();
            uow.schedule(now, JOB_FORGET, subject)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

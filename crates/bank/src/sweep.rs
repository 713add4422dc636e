//! Sweeping: rows that nothing asks for any more go, a bounded number at a time.
//!
//! Failed sign-ins under names that nobody tried again, quotes long expired and sessions long over would pile up otherwise,
//! the first of them at the will of strangers. How long they stay is policy; a run deletes so few that nobody waits behind
//! it, and is due again at once while there is more. Race closed: the job ends in the unit that deletes and plans the next,
//! so two workers do not sweep twice, and a crash between them leaves one job.

#[cfg(test)]
mod tests;

use crate::bank::Bank;
use crate::error::BankError;
use crate::{confirmations, devices, quotes, registrations, sessions};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::Timestamp;

/// The job that sweeps again and again.
pub const JOB_SWEEP: &str = "sweep";

/// Rows of each kind that one run deletes at most.
const ROWS: u32 = 200;
const AGAIN_SECONDS: i64 = 3_600;

/// Begins sweeping when the bank is opened; there is one such job.
///
/// # Errors
/// When the database fails.
pub(crate) fn begin(uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
    uow.cancel_jobs(JOB_SWEEP, 0)?;
    let now = uow.now();
    uow.schedule(now, JOB_SWEEP, 0)
}

/// Sweeps once.
///
/// # Errors
/// Trouble; the job is then put off.
pub(crate) fn run_sweep(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (claim, policies) = (job.claim, bank.policies());
    bank.store().write_blocking(move |uow| {
        if !uow.finish_job(claim)? {
            return Ok::<_, StoreError>(Outcome::<(), ()>::Done(()));
        }
        let now = uow.now();
        let swept = [
            sessions::records::sweep_failures(uow, days_before(now, policies.sign_in_failure_days), ROWS)?,
            sessions::records::sweep_ended(uow, now, ROWS)?,
            confirmations::records::sweep(uow, days_before(now, 1), ROWS)?,
            devices::records::sweep(uow, now, ROWS)?,
            registrations::records::sweep(uow, days_before(now, 1), ROWS)?,
            quotes::records::sweep(uow, days_before(now, policies.quote_days), ROWS)?,
        ];
        let more = swept.contains(&(ROWS as usize));
        uow.schedule(if more { now } else { now.plus_seconds(AGAIN_SECONDS) }, JOB_SWEEP, 0)?;
        Ok(Outcome::Done(()))
    })?;
    Ok(())
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.plus_seconds(-i64::from(days) * 86_400)
}

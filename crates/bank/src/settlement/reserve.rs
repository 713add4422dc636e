//! The rolling reserve: what a settlement kept comes back to the merchant's account after the days that the terms name.
//!
//! Refunds may have used the reserve meanwhile: then less comes back. Crash point closed: the job ends in the unit that moves
//! the money, so a reserve is released once.

use super::records;
use super::settle::tell;
use crate::cases::{self, CaseKind, NewCase};
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::{Bank, BankError, Principal, merchants, payments};
use ledger::Count;
use store::{Job, Outcome};
use vocabulary::Id;

/// The job that releases what a settlement reserved.
pub const JOB_RELEASE: &str = "settlement.release";

/// Releases the reserve of the job's settlement.
///
/// # Errors
/// Trouble: then the job stays.
pub fn release(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (desk, claim, id) = (bank.desk(), job.claim, Id::from_u128(job.subject));
    bank.store().write_blocking(move |uow| {
        if !uow.finish_job(claim)? {
            return Ok(Outcome::<(), ()>::Done(()));
        }
        let Some(row) = records::by_id(uow.reading(), id)? else { return Ok(Outcome::Done(())) };
        let Some(currency) = desk.currencies().by_number(row.currency) else { return Ok(Outcome::Done(())) };
        let Some(account) = merchants::account(uow.reading(), row.merchant, currency)? else {
            return Ok(Outcome::Done(()));
        };
        let left = uow.account(account.reserve)?.and_then(|reserve| reserve.available()).unwrap_or(0);
        let steps = payments::moves(&[(account.reserve, account.account, row.shares.reserved.min(left), Count::No)]);
        if !steps.is_empty() {
            let (principal, channel, cause) = (Principal::System, Channel::Job, id.as_u128());
            let intent = Intent { kind: EntryKind::ReserveReleased, principal, channel, cause };
            let mut entry = entries::draft(&desk, uow, intent, steps);
            // The money is the merchant's, suspended or not.
            entry.forced = true;
            if uow.post(&entry)?.is_ok() {
                tell(&desk, uow, "settlement.reserve_released", &row);
            } else {
                let finding = "a reserve cannot be released: the merchant's account is closed; it stays in the reserve";
                let subject = id.to_string();
                let new = NewCase { kind: CaseKind::NotCreditable, subject: &subject, finding, next_date: None };
                cases::open(&desk, uow, &new)?;
            }
        }
        Ok(Outcome::Done(()))
    })?;
    Ok(())
}

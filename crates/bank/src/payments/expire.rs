//! Expiry: a job ends holds whose time is over.
//!
//! Crash points closed: the job was written with the hold and ends in the unit that releases it, so a hold is released once,
//! however often the job is tried. A capture or void that came first took the job back, and what it left is final.

use super::capture::hold_of;
use super::posting;
use super::void::end;
use super::{PaymentState, records, rules};
use crate::entries::{Channel, EntryKind, Intent};
use crate::{Bank, BankError, Principal};
use ledger::Step;
use store::{Job, Outcome, StoreError};
use vocabulary::Id;

/// The job that ends a payment's hold.
pub const JOB_EXPIRE: &str = "payment.expire";

/// Ends the hold of the job's payment, if it is still open.
///
/// # Errors
/// Trouble: then the job stays.
pub fn expire(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (desk, claim, id) = (bank.desk(), job.claim, Id::from_u128(job.subject));
    bank.store().write_blocking(move |uow| {
        if !uow.finish_job(claim)? {
            return Ok(Outcome::<(), ()>::Done(()));
        }
        let Some(mut payment) = records::by_id(uow.reading(), id)? else { return Ok(Outcome::Done(())) };
        if rules::open_hold(&payment).is_err() {
            return Ok(Outcome::Done(()));
        }
        let hold = hold_of(uow, &payment)?.entry;
        let (principal, channel) = (Principal::System, Channel::Job);
        let intent = Intent { kind: EntryKind::PaymentExpiry, principal, channel, cause: id.as_u128() };
        if let Err(refusal) = posting::post(&desk, uow, intent, vec![Step::Expire { hold }])? {
            return Err(StoreError::Bug(format!("a hold that is over does not expire: {}", refusal.detail)));
        }
        end(uow, &mut payment, PaymentState::Expired)?;
        posting::tell(uow, "payment.expired", &payment, posting::currency_of(&desk, &payment)?, "");
        Ok(Outcome::Done(()))
    })?;
    Ok(())
}

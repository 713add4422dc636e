//! Expiry of orders, by a job that was written with the order.
//!
//! Crash point closed: the job ends in the unit that moves the order, so an order expires once. An order that was paid,
//! cancelled or has money held for it is left alone; what the end of that hold makes of it is decided there.

use super::create::tell;
use super::{OrderState, records};
use crate::{Bank, BankError};
use store::{Job, Outcome};
use vocabulary::Id;

/// The job that expires an order.
pub const JOB_EXPIRE: &str = "order.expire";

/// Expires the job's order if it is still open.
///
/// # Errors
/// Trouble: then the job stays.
pub fn expire(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (claim, id) = (job.claim, Id::from_u128(job.subject));
    bank.store().write_blocking(move |uow| {
        if !uow.finish_job(claim)? {
            return Ok(Outcome::<(), ()>::Done(()));
        }
        let open = records::by_id(uow.reading(), id)?.filter(|order| order.state == OrderState::Open);
        if let Some(order) = open {
            records::set_state(uow, id, OrderState::Expired, None)?;
            tell(uow, "order.expired", &order);
        }
        Ok(Outcome::Done(()))
    })?;
    Ok(())
}

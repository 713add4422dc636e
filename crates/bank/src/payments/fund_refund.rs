//! Waiting refunds: paid as soon as the merchant has the money, at the latest from its next settlement, or ended then.
//!
//! Crash points closed: the queue's row, the refund's state and the payment's sums change in the unit that pays or ends it, so
//! a crash between two refunds of a settlement leaves each of them either paid or still waiting. The job and the settlement
//! may meet at one refund: the second finds that it waits no longer and does nothing.

use super::refund::{Booked, Refund, RefundState, book, paid, tell};
use super::{records, refund_records};
use crate::entries::{Channel, EntryKind, Intent};
use crate::{Bank, BankError, Desk, Principal};
use ledger::AccountNo;
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The job that tries to pay a waiting refund.
pub const JOB_FUNDS: &str = "refund.funds";

/// How many waiting refunds one settlement looks at.
const QUEUE: u32 = 10_000;

/// What trying came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    Paid,
    Short,
    NotWaiting,
}

/// Has the refund tried again.
pub(super) fn try_later(desk: &Desk, uow: &mut Uow<'_, '_>, id: Id<kinds::Refund>) -> Result<(), StoreError> {
    let due = uow.now().plus_seconds(i64::from(desk.policies().refund_retry_seconds));
    uow.schedule(due, JOB_FUNDS, id.as_u128())
}

/// Tries to pay the job's refund.
///
/// # Errors
/// Trouble: then the job stays.
pub fn fund(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (desk, claim, id) = (bank.desk(), job.claim, Id::from_u128(job.subject));
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? && attempt(&desk, uow, id)? == Tried::Short {
            try_later(&desk, uow, id)?;
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// Pays what waits for money of a merchant's account, oldest first; what cannot be paid and was asked for before `cut_off`
/// fails. Part of every settlement.
///
/// # Errors
/// Trouble: what was done before stays done.
pub fn fund_waiting(bank: &Bank, account: AccountNo, cut_off: Timestamp) -> Result<(), BankError> {
    let waiting = bank.store().read_blocking(|snapshot| refund_records::waiting(snapshot.reading(), account, QUEUE))?;
    for id in waiting {
        let desk = bank.desk();
        bank.store().write_blocking(move |uow| {
            if attempt(&desk, uow, id)? == Tried::Short {
                fail(&desk, uow, id, cut_off)?;
            }
            Ok(Outcome::<(), ()>::Done(()))
        })?;
    }
    Ok(())
}

fn attempt(desk: &Desk, uow: &mut Uow<'_, '_>, id: Id<kinds::Refund>) -> Result<Tried, StoreError> {
    let Some(mut refund) = waiting(uow, id)? else { return Ok(Tried::NotWaiting) };
    let Some(mut payment) = records::by_id(uow.reading(), refund.payment)? else { return Ok(Tried::NotWaiting) };
    let (principal, channel) = (Principal::System, Channel::Job);
    let intent = Intent { kind: EntryKind::Refund, principal, channel, cause: id.as_u128() };
    match book(desk, uow, (&payment, refund.amount), intent)? {
        Booked::Paid(back) => refund.back = back,
        // A frozen or closed account: as little to be had as from an empty one.
        Booked::Short | Booked::Refused(_) => return Ok(Tried::Short),
    }

    // After this point it must succeed.
    payment.waiting -= refund.amount;
    paid(&mut payment, &refund);
    finish(desk, uow, (&payment, &mut refund), RefundState::Succeeded)?;
    Ok(Tried::Paid)
}

fn fail(desk: &Desk, uow: &mut Uow<'_, '_>, id: Id<kinds::Refund>, cut_off: Timestamp) -> Result<(), StoreError> {
    let Some(mut refund) = waiting(uow, id)?.filter(|refund| refund.created < cut_off) else { return Ok(()) };
    let Some(mut payment) = records::by_id(uow.reading(), refund.payment)? else { return Ok(()) };
    payment.waiting -= refund.amount;
    payment.refunds -= 1;
    finish(desk, uow, (&payment, &mut refund), RefundState::Failed)
}

fn waiting(uow: &Uow<'_, '_>, id: Id<kinds::Refund>) -> Result<Option<Refund>, StoreError> {
    let found = refund_records::by_id(uow.reading(), id)?;
    Ok(found.filter(|refund| refund.state == RefundState::PendingFunds))
}

fn finish(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (payment, refund): (&super::Payment, &mut Refund),
    state: RefundState,
) -> Result<(), StoreError> {
    refund.state = state;
    refund.finished = Some(uow.now());
    records::update(uow, payment)?;
    refund_records::finish(uow, refund)?;
    refund_records::dequeue(uow, payment.to, refund.id)?;
    uow.cancel_jobs(JOB_FUNDS, refund.id.as_u128())?;
    tell(desk, uow, payment, refund)
}

//! Giving back what nobody claimed: in time by a job, or earlier because the sender cancels. Limits and fee go back too.
//!
//! The row's conditional update comes first in the unit: of claim, return and cancellation one changes it, the others find it
//! changed and move nothing.

use crate::bank::Bank;
use crate::cases::{self, CaseKind, NewCase};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::transfers::{Transfer, TransferState, TransferView, records};
use crate::wish::{Answer, Principal, Wish};
use ledger::{Count, Step, UpTo};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// The job that returns what nobody claimed.
pub const JOB_RETURN: &str = "transfer.return";

/// Returns a transfer that nobody claimed in time.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_return(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (claim, id, desk) = (job.claim, Id::from_u128(job.subject), bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)?
            && let Some(transfer) = records::by_id(uow.reading(), id)?
        {
            give_back(&desk, uow, transfer, (TransferState::Returned, Principal::System))?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// Takes back a transfer that waits. Refused with `not_found` when it is not the principal's, `transfer_not_pending` when it
/// does not wait.
///
/// # Errors
/// Trouble.
pub async fn cancel(bank: &Bank, wish: Wish, id: Id<kinds::Transfer>) -> Result<Answer<TransferView>, BankError> {
    let (desk, who) = (bank.desk(), wish.principal);
    bank.once(wish, move |uow| {
        let found = records::by_id(uow.reading(), id)?;
        let Some(transfer) = found.filter(|transfer| who == Principal::Customer(transfer.payer)) else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        match give_back(&desk, uow, transfer, (TransferState::Cancelled, who))? {
            Some(view) => Ok(Outcome::Done(view)),
            None => Ok(Outcome::Refused(Refusal::of(ErrorCode::TransferNotPending))),
        }
    })
    .await
}

/// None when it does not wait any more.
fn give_back(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    mut transfer: Transfer,
    (state, who): (TransferState, Principal),
) -> Result<Option<TransferView>, StoreError> {
    if !records::end(uow, transfer.id, state, None)? {
        return Ok(None);
    }
    let unknown = StoreError::Corrupt { table: "transfer", finding: "a currency that is not known" };
    let currency = desk.currencies().by_number(transfer.currency).ok_or(unknown)?;
    let count = Count::GiveBack { day: transfer.used_day };
    let parts = [(Own::Unclaimed, transfer.amount), (Own::FeeIncome, transfer.fee), (Own::TaxPayable, transfer.tax)];
    let mut steps = Vec::with_capacity(parts.len());
    for (own, amount) in parts {
        if amount > 0 {
            let debit = desk.chart().own(uow, own, currency)?;
            let credit = transfer.payer_account;
            steps.push(Step::Post { debit, credit, amount, up_to: UpTo::default(), count });
        }
    }
    let channel = if who == Principal::System { Channel::Job } else { Channel::Api };
    let intent = Intent { kind: EntryKind::TransferReturned, principal: who, channel, cause: transfer.id.as_u128() };
    let mut entry = entries::draft(desk, uow, intent, steps);
    // A frozen account, or one at its limits, gets its own money back all the same.
    entry.forced = true;
    if uow.post(&entry)?.is_err() {
        let finding = "an unclaimed transfer cannot go back: the sender's account is closed; it stays unclaimed money";
        let (kind, subject) = (CaseKind::NotCreditable, transfer.id.to_string());
        cases::open(desk, uow, &NewCase { kind, subject: &subject, finding, next_date: None })?;
    }
    uow.cancel_jobs(JOB_RETURN, transfer.id.as_u128())?;
    transfer.state = state;
    transfer.ended = Some(uow.now());
    transfer.emit(desk, uow);
    Ok(Some(transfer.view(desk)))
}

//! Dry runs of captures and refunds: posted, looked at, undone.

use crate::entries::{EntryKind, Intent};
use crate::fees::FeeParts;
use crate::payments::{self, Booked, CaptureCommand, RefundCommand};
use crate::{Bank, BankError, Desk, Refusal};
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};

/// What a capture or refund would come to for the merchant; minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What would move.
    pub amount: i64,
    /// Fee and tax: charged by a capture, given back by a refund.
    pub fee: FeeParts,
    /// The merchant's posted balance after it.
    pub balance_after: i64,
    /// What the merchant could still spend after it.
    pub available_after: i64,
    /// Whether a refund would have to wait for the next settlement.
    pub would_wait: bool,
}

/// What a capture would come to.
///
/// # Errors
/// Trouble; what would refuse the capture refuses this.
pub async fn of_capture(bank: &Bank, command: CaptureCommand) -> Result<Result<Preview, Refusal>, BankError> {
    let desk = bank.desk();
    without_trace(bank, move |uow| {
        undone(uow, |uow| {
            let (ready, fee) = match payments::book_capture(&desk, uow, &command)? {
                Ok(done) => done,
                Err(refusal) => return Ok(Err(refusal)),
            };
            look(uow, ready.payment.to, (ready.amount, fee, false)).map(Ok)
        })
    })
    .await
}

/// What a refund would come to.
///
/// # Errors
/// Trouble; what would refuse the refund refuses this.
pub async fn of_refund(bank: &Bank, command: RefundCommand) -> Result<Result<Preview, Refusal>, BankError> {
    let desk = bank.desk();
    without_trace(bank, move |uow| undone(uow, |uow| refund(&desk, uow, &command))).await
}

fn refund(desk: &Desk, uow: &mut Uow<'_, '_>, command: &RefundCommand) -> Result<Result<Preview, Refusal>, StoreError> {
    let (payment, amount) = match payments::plan_refund(desk, uow, command)? {
        Ok(planned) => planned,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (principal, channel, cause) = (command.principal, command.channel, payment.id.as_u128());
    let intent = Intent { kind: EntryKind::Refund, principal, channel, cause };
    let (fee, waits) = match payments::book_refund(desk, uow, (&payment, amount), intent)? {
        Booked::Paid(back) => (back, false),
        Booked::Short => (FeeParts::default(), true),
        Booked::Refused(refusal) => return Ok(Err(refusal)),
    };
    look(uow, payment.to, (amount, fee, waits)).map(Ok)
}

type Looked = Result<Result<Preview, Refusal>, StoreError>;

async fn without_trace<F>(bank: &Bank, mut body: F) -> Result<Result<Preview, Refusal>, BankError>
where
    F: FnMut(&mut Uow<'_, '_>) -> Looked + Send + 'static,
{
    match bank.store().write(move |uow| Ok(Outcome::<_, ()>::Done(body(uow)?))).await? {
        Outcome::Done(found) => Ok(found),
        Outcome::Refused(()) => Err(BankError::Bug("a dry run was neither made nor refused".to_owned())),
    }
}

/// Runs a body and undoes what it posted, whatever it says.
fn undone(uow: &mut Uow<'_, '_>, body: impl FnOnce(&mut Uow<'_, '_>) -> Looked) -> Looked {
    let attempt: Result<(), Result<Preview, Refusal>> = uow.attempt(|uow| Ok(Err(body(uow)?)))?;
    match attempt {
        Err(found) => Ok(found),
        Ok(()) => Err(StoreError::Bug("a dry run is always undone".to_owned())),
    }
}

fn look(
    uow: &mut Uow<'_, '_>,
    account: AccountNo,
    (amount, fee, would_wait): (i64, FeeParts, bool),
) -> Result<Preview, StoreError> {
    let missing = StoreError::Corrupt { table: "account", finding: "a merchant's account is missing" };
    let account = uow.account(account)?.ok_or(missing)?;
    let available_after = account.available().unwrap_or_else(|| account.posted());
    Ok(Preview { amount, fee, balance_after: account.posted(), available_after, would_wait })
}

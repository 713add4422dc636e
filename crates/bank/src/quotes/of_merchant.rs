//! Dry runs of what a merchant does with a payment: posted, looked at, undone.

use super::promise::Made;
use super::{Arrival, Movement, QuoteView};
use crate::entries::{Channel, EntryKind, Intent};
use crate::fees::FeeParts;
use crate::forecast::{self, Of};
use crate::payments::{self, Booked, CaptureCommand, Payment, RefundCommand};
use crate::policies::Bearer;
use crate::{Bank, BankError, Desk, Principal, Refusal};
use money::Money;
use store::{Outcome, StoreError, Uow};
use vocabulary::{Id, kinds};

type Looked = Result<Result<QuoteView, Refusal>, StoreError>;

/// What a capture would come to for the merchant.
///
/// # Errors
/// Trouble; what would refuse the capture refuses this.
pub async fn of_capture(bank: &Bank, command: CaptureCommand) -> Result<Result<QuoteView, Refusal>, BankError> {
    let desk = bank.desk();
    without_trace(bank, move |uow| {
        let (ready, fee) = match payments::book_capture(&desk, uow, &command)? {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let borne = if ready.payment.bearer == Bearer::Payee { fee.total() } else { 0 };
        let net = ready.amount - borne;
        let sums = Sums { amount: ready.amount, fee, borne, total: net, payee_receives: net };
        look(&desk, uow, (&ready.payment, command.principal), (Movement::Capture, Arrival::AtOnce, sums))
    })
    .await
}

/// What a void would come to: nothing moves on the merchant's account, and the payer can spend the rest again.
///
/// # Errors
/// Trouble; what would refuse the void refuses this.
pub async fn of_void(
    bank: &Bank,
    (principal, channel): (Principal, Channel),
    payment: Id<kinds::Payment>,
) -> Result<Result<QuoteView, Refusal>, BankError> {
    let desk = bank.desk();
    without_trace(bank, move |uow| {
        let (payment, released) = match payments::book_void(&desk, uow, (principal, channel), payment)? {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let rest = payment.amount - payment.captured;
        let sums = Sums { amount: rest, fee: FeeParts::default(), borne: 0, total: 0, payee_receives: released };
        look(&desk, uow, (&payment, principal), (Movement::Void, Arrival::AtOnce, sums))
    })
    .await
}

/// What a refund would come to for the merchant.
///
/// # Errors
/// Trouble; what would refuse the refund refuses this.
pub async fn of_refund(bank: &Bank, command: RefundCommand) -> Result<Result<QuoteView, Refusal>, BankError> {
    let desk = bank.desk();
    without_trace(bank, move |uow| refund(&desk, uow, &command)).await
}

fn refund(desk: &Desk, uow: &mut Uow<'_, '_>, command: &RefundCommand) -> Looked {
    let (payment, amount) = match payments::plan_fresh_refund(desk, uow, command)? {
        Ok(planned) => planned,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (principal, channel, cause) = (command.principal, command.channel, payment.id.as_u128());
    let intent = Intent { kind: EntryKind::Refund, principal, channel, cause };
    let (fee, arrival) = match payments::book_refund(desk, uow, (&payment, amount), intent)? {
        Booked::Paid(back) => (back, Arrival::AtOnce),
        Booked::Short if command.wait => (FeeParts::default(), Arrival::WhenFunded),
        Booked::Short => return Ok(Err(payments::merchant_short())),
        Booked::Refused(refusal) => return Ok(Err(refusal)),
    };
    // The bearer of the fee gets it back: a merchant gives so much less, a payer gets so much more.
    let (borne, on_top) = if payment.bearer == Bearer::Payee { (fee.total(), 0) } else { (0, fee.total()) };
    let sums = Sums { amount, fee, borne, total: amount - borne, payee_receives: amount + on_top };
    look(desk, uow, (&payment, principal), (Movement::Refund, arrival, sums))
}

/// Runs a body and undoes what it posted, whatever it says.
async fn without_trace<F>(bank: &Bank, mut body: F) -> Result<Result<QuoteView, Refusal>, BankError>
where
    F: FnMut(&mut Uow<'_, '_>) -> Looked + Send + 'static,
{
    let unit = move |uow: &mut Uow<'_, '_>| {
        let attempt: Result<(), _> = uow.attempt(|uow| Ok(Err(body(uow)?)))?;
        match attempt {
            Err(found) => Ok(Outcome::<_, ()>::Done(found)),
            Ok(()) => Err(StoreError::Bug("a dry run is always undone".to_owned())),
        }
    };
    match bank.store().write(unit).await? {
        Outcome::Done(found) => Ok(found),
        Outcome::Refused(()) => Err(BankError::Bug("a dry run was neither made nor refused".to_owned())),
    }
}

/// Minor units.
struct Sums {
    amount: i64,
    fee: FeeParts,
    /// What of the fee the merchant bears, or gets back.
    borne: i64,
    /// What moves on the merchant's account in all.
    total: i64,
    payee_receives: i64,
}

/// The merchant's side as it stands now in this unit.
fn look(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (payment, who): (&Payment, Principal),
    (movement, arrival, sums): (Movement, Arrival, Sums),
) -> Looked {
    let wrong = |_| StoreError::Corrupt { table: "payment", finding: "a negative amount" };
    let amount = Money::new(sums.amount, payments::currency_of(desk, payment)?).map_err(wrong)?;
    let of = Of { who, account: payment.to, amount, fee: sums.borne, total: sums.total };
    let made = Made {
        terms: None,
        forecast: forecast::look(uow, &of)?,
        fee: sums.fee,
        fee_bearer: payment.bearer,
        payee_receives: sums.payee_receives,
        arrival,
        decided_by: None,
    };
    Ok(Ok(made.view(movement, None)))
}

//! Capture: take the held amount or part of it; the fee is charged now. The rest is released unless more is to come.
//!
//! Races closed: capture against void and expiry — the first of them in the writer's order ends the hold, the other meets
//! `hold_already_…`; a capture at the very moment of expiry is decided by the ledger on one reading of the clock.

use super::expire::JOB_EXPIRE;
use super::plan::plan_capture;
use super::posting::{self, Decided};
use super::records::{self, PaymentHold};
use super::rules::{self, state_of};
use super::{Payment, PaymentView};
use crate::entries::{Channel, EntryKind, Intent};
use crate::fees::FeeParts;
use crate::orders::{self, OrderState};
use crate::{Answer, Bank, BankError, Desk, Principal, Refusal, Wish};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// A wish to capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureCommand {
    /// Who asks: the payment's merchant, or staff.
    pub principal: Principal,
    /// The idempotency key.
    pub key: Option<String>,
    /// Through which channel.
    pub channel: Channel,
    /// Which payment.
    pub payment: Id<kinds::Payment>,
    /// How much, minor units; all that is left when not given.
    pub amount: Option<i64>,
    /// Release the rest. Otherwise it stays held for further captures.
    pub last: bool,
}

/// Captures.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn capture(bank: &Bank, command: CaptureCommand) -> Result<Answer<PaymentView>, BankError> {
    let wish = match &command.key {
        Some(key) => {
            let body = format!("{} {:?} {}", command.payment, command.amount, command.last);
            Wish::new(command.principal, "payments.capture", key, body.as_bytes())
        }
        None => Wish::internal(command.principal, "payments.capture"),
    };
    let (desk, id) = (bank.desk(), bank.new_id());
    bank.once(wish, move |uow| {
        Ok(match act(&desk, uow, &command, id)? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

/// The payment, if it is one that the principal may act on as its merchant. Someone else's is as good as none.
pub(super) fn owned(uow: &Uow<'_, '_>, principal: Principal, id: Id<kinds::Payment>) -> Decided<Payment> {
    let found = records::by_id(uow.reading(), id)?;
    let found = found.filter(|payment| match principal {
        Principal::Merchant(merchant) => payment.merchant == merchant,
        Principal::Staff(_) | Principal::System => true,
        Principal::Customer(_) => false,
    });
    Ok(found.ok_or_else(|| Refusal::of(ErrorCode::NotFound)))
}

/// The hold of a payment made by a hold.
pub(super) fn hold_of(uow: &Uow<'_, '_>, payment: &Payment) -> Result<PaymentHold, StoreError> {
    let missing = StoreError::Corrupt { table: "payment_hold", finding: "a held payment without a hold" };
    records::hold(uow.reading(), payment)?.ok_or(missing)
}

/// What a capture will do: decided, not done.
pub(crate) struct Ready {
    pub(crate) payment: Payment,
    pub(crate) hold: PaymentHold,
    pub(crate) amount: i64,
    pub(crate) last: bool,
}

/// Decides a capture by the payment's own state.
pub(crate) fn decide(uow: &Uow<'_, '_>, command: &CaptureCommand) -> Decided<Ready> {
    let payment = match owned(uow, command.principal, command.payment)? {
        Ok(payment) => payment,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let amount = match rules::capture(&payment, command.amount) {
        Ok(amount) => amount,
        Err(no) => return Ok(Err(Refusal::new(no.code(), no.sentence()))),
    };
    let hold = hold_of(uow, &payment)?;
    let last = command.last || payment.captured + amount == payment.amount;
    Ok(Ok(Ready { payment, hold, amount, last }))
}

/// Decides and posts a capture; nothing else is written.
pub(crate) fn book(desk: &Desk, uow: &mut Uow<'_, '_>, command: &CaptureCommand) -> Decided<(Ready, FeeParts)> {
    let ready = match decide(uow, command)? {
        Ok(ready) => ready,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let till = posting::till(desk, uow, posting::currency_of(desk, &ready.payment)?)?;
    let Ok(plan) = plan_capture(&ready.payment, &ready.hold, (ready.amount, ready.last), till) else {
        return Ok(Err(posting::too_large()));
    };
    let (principal, channel) = (command.principal, command.channel);
    let cause = command.payment.as_u128();
    let intent = Intent { kind: EntryKind::PaymentCapture, principal, channel, cause };
    Ok(posting::post(desk, uow, intent, plan.steps)?.map(|_| (ready, plan.fee)))
}

fn act(desk: &Desk, uow: &mut Uow<'_, '_>, command: &CaptureCommand, id: Id<kinds::Capture>) -> Decided<PaymentView> {
    let (ready, fee) = match book(desk, uow, command)? {
        Ok(done) => done,
        Err(refusal) => return Ok(Err(refusal)),
    };

    // After this point it must succeed.
    let Ready { mut payment, hold, amount, last } = ready;
    payment.captured += amount;
    payment.charged = FeeParts { fee: payment.charged.fee + fee.fee, tax: payment.charged.tax + fee.tax };
    let held = if last { 0 } else { payment.amount - payment.captured };
    payment.state = state_of(payment.method, held, payment.captured, payment.refunded + payment.charged_back);
    records::update(uow, &payment)?;
    records::insert_capture(uow, (id, payment.id), amount, fee)?;
    if last {
        uow.cancel_jobs(JOB_EXPIRE, payment.id.as_u128())?;
    }
    if let Some(order) = payment.order {
        orders::set_state(uow, order, OrderState::Paid, Some(payment.id))?;
    }
    let currency = posting::currency_of(desk, &payment)?;
    let more = format!(",\"capture\":\"{id}\",\"capture_minor\":{amount},\"final\":{last}");
    posting::tell(uow, "payment.captured", &payment, currency, &more);
    let mut view = payment.view(desk.currencies());
    view.expires_at = (!last).then_some(hold.expires);
    Ok(Ok(view))
}

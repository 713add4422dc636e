//! Void: the merchant releases what is still held. What was captured before stays captured.
//!
//! Races closed: see `capture.rs`; a void that loses against a capture moves nothing.

use super::capture::{hold_of, owned};
use super::expire::JOB_EXPIRE;
use super::posting::{self, Decided};
use super::{Payment, PaymentState, PaymentView, records, rules};
use crate::entries::{Channel, EntryKind, Intent};
use crate::orders::{self, OrderState};
use crate::{Answer, Bank, BankError, Desk, Principal, Refusal, Wish};
use ledger::Step;
use store::{Outcome, StoreError, Uow};
use vocabulary::{Id, kinds};

/// Releases what a payment still holds.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn void(
    bank: &Bank,
    (principal, channel): (Principal, Channel),
    key: Option<String>,
    payment: Id<kinds::Payment>,
) -> Result<Answer<PaymentView>, BankError> {
    let wish = match &key {
        Some(key) => Wish::new(principal, "payments.void", key, payment.to_string().as_bytes()),
        None => Wish::internal(principal, "payments.void"),
    };
    let desk = bank.desk();
    bank.once(wish, move |uow| {
        Ok(match act(&desk, uow, (principal, channel), payment)? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

/// Decides and posts a void; nothing else is written. Gives the payment and what is released of the payer's money.
pub(crate) fn book(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (principal, channel): (Principal, Channel),
    id: Id<kinds::Payment>,
) -> Decided<(Payment, i64)> {
    let payment = match owned(uow, principal, id)? {
        Ok(payment) => payment,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(no) = rules::open_hold(&payment) {
        return Ok(Err(Refusal::new(no.code(), no.sentence())));
    }
    let hold = hold_of(uow, &payment)?.entry;
    let before = posting::available(uow, payment.from)?;
    let intent = Intent { kind: EntryKind::PaymentVoid, principal, channel, cause: id.as_u128() };
    if let Err(refusal) = posting::post(desk, uow, intent, vec![Step::Void { hold }])? {
        return Ok(Err(refusal));
    }
    let released = posting::available(uow, payment.from)?.saturating_sub(before);
    Ok(Ok((payment, released)))
}

fn act(desk: &Desk, uow: &mut Uow<'_, '_>, who: (Principal, Channel), id: Id<kinds::Payment>) -> Decided<PaymentView> {
    let mut payment = match book(desk, uow, who, id)? {
        Ok((payment, _)) => payment,
        Err(refusal) => return Ok(Err(refusal)),
    };

    // After this point it must succeed.
    end(uow, &mut payment, PaymentState::Voided)?;
    uow.cancel_jobs(JOB_EXPIRE, id.as_u128())?;
    posting::tell(uow, "payment.voided", &payment, posting::currency_of(desk, &payment)?, "");
    Ok(Ok(payment.view(desk.currencies())))
}

/// Writes that a payment's hold ended without a further capture; `nothing` is the state when nothing had been captured.
/// An order that nothing was captured for can be paid again while its time runs.
pub(super) fn end(uow: &mut Uow<'_, '_>, payment: &mut Payment, nothing: PaymentState) -> Result<(), StoreError> {
    payment.state = match payment.captured {
        0 => nothing,
        captured => rules::state_of(payment.method, 0, captured, payment.refunded + payment.charged_back),
    };
    records::update(uow, payment)?;
    let Some(id) = payment.order.filter(|_| payment.captured == 0) else { return Ok(()) };
    let Some(order) = orders::by_id(uow.reading(), id)? else { return Ok(()) };
    let state = if uow.now() < order.expires { OrderState::Open } else { OrderState::Expired };
    orders::set_state(uow, id, state, None)
}

//! Refund: the merchant gives back what it took, or part of it, at most as often and as long as the policy says.
//!
//! The money comes from the merchant's balance; what that lacks, from its reserve; when both do not suffice, the refund waits
//! (`pending_funds`) and is paid as soon as there is money, at the latest from the next settlement. A settlement that
//! cannot pay it either ends it with `refund_merchant_short`; a merchant that does not want to wait says so and is refused
//! with that code at once. A waiting refund counts like a paid one, so nothing is promised twice.
//!
//! Races closed: refunds in parallel — what is left of the payment is read and taken in one unit; a retry with the same
//! reference finds the refund that the first attempt made, whatever its key; a refusal posts nothing and a posted refund is
//! always answered with success, since both are one unit.

use super::capture::owned;
use super::posting::{self, Decided};
use super::refund_rules::{self, Purse, RefundRejection, RefundTerms};
use super::{Payment, PaymentState, records, refund_records, rules};
use crate::entries::{Channel, EntryKind, Intent};
use crate::fees::FeeParts;
use crate::references::{self, Named};
use crate::{Answer, Bank, BankError, Currencies, Desk, Principal, Refusal, Wish};
use money::print_minor;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// The state of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RefundState {
    /// It waits for the merchant's money.
    PendingFunds = 1,
    /// The payer has it.
    Succeeded = 2,
    /// The next settlement could not pay it: `refund_merchant_short`.
    Failed = 3,
}

impl RefundState {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::PendingFunds,
            2 => Self::Succeeded,
            3 => Self::Failed,
            _ => return None,
        })
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: Id<kinds::Refund>,
    /// Of which payment.
    pub payment: Id<kinds::Payment>,
    /// Minor units.
    pub amount: i64,
    /// Fee and tax given back with it.
    pub back: FeeParts,
    /// Its state.
    pub state: RefundState,
    /// The merchant's name for it.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was paid or failed.
    pub finished: Option<Timestamp>,
}

/// A refund as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    /// Its id.
    pub id: Id<kinds::Refund>,
    /// Of which payment.
    pub payment: Id<kinds::Payment>,
    /// Minor units.
    pub amount: i64,
    /// The currency's code.
    pub currency: String,
    /// Fee and tax given back with it.
    pub fee_returned: FeeParts,
    /// Its state.
    pub state: RefundState,
    /// Why it failed.
    pub failure: Option<ErrorCode>,
    /// The merchant's name for it.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was paid or failed.
    pub finished_at: Option<Timestamp>,
}

impl Refund {
    /// The refund as shown.
    #[must_use]
    pub fn view(&self, currencies: &Currencies, currency: u16) -> RefundView {
        RefundView {
            id: self.id,
            payment: self.payment,
            amount: self.amount,
            currency: currencies.by_number(currency).map_or_else(String::new, |found| found.code().to_owned()),
            fee_returned: self.back,
            state: self.state,
            failure: (self.state == RefundState::Failed).then_some(ErrorCode::RefundMerchantShort),
            reference: self.reference.clone(),
            reason: self.reason.clone(),
            created_at: self.created,
            finished_at: self.finished,
        }
    }
}

/// A wish to refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundCommand {
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
    /// The merchant's reference, unique for ever for its refunds: a retry with it finds the refund that was made.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Wait for money when balance and reserve do not suffice; otherwise be refused.
    pub wait: bool,
}

/// Refunds.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn refund(bank: &Bank, command: RefundCommand) -> Result<Answer<RefundView>, BankError> {
    let wish = match &command.key {
        Some(key) => {
            let asked = (command.payment, command.amount, &command.reference, &command.reason, command.wait);
            Wish::new(command.principal, "payments.refund", key, format!("{asked:?}").as_bytes())
        }
        None => Wish::internal(command.principal, "payments.refund"),
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

/// What the merchant can pay a refund from, now.
pub(super) fn purse(uow: &mut Uow<'_, '_>, payment: &Payment) -> Result<Purse, StoreError> {
    let balance = posting::available(uow, payment.to)?;
    let frozen = uow.account(payment.to)?.is_some_and(|account| account.freeze.credit);
    Ok(Purse { balance, reserve: posting::available(uow, payment.reserve)?, frozen })
}

/// What posting a refund came to.
pub(crate) enum Booked {
    /// The payer has the money; so much of the fee came back.
    Paid(FeeParts),
    /// Balance and reserve do not suffice; nothing was posted.
    Short,
    /// The ledger refused; nothing was posted.
    Refused(Refusal),
}

/// Posts a refund of an amount that the payment allows; nothing else is written.
pub(crate) fn book(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (payment, amount): (&Payment, i64),
    intent: Intent,
) -> Result<Booked, StoreError> {
    let contradiction = |_| StoreError::Corrupt { table: "payment", finding: "sums that contradict each other" };
    let back = refund_rules::fee_back(payment, amount).map_err(contradiction)?;
    let till = posting::till(desk, uow, posting::currency_of(desk, payment)?)?;
    let purse = purse(uow, payment)?;
    let Some(steps) = refund_rules::steps(payment, amount, back, (purse, till)) else { return Ok(Booked::Short) };
    Ok(match posting::post(desk, uow, intent, steps)? {
        Ok(_) => Booked::Paid(back),
        Err(refusal) => Booked::Refused(refusal),
    })
}

/// Decides a refund by the payment's own state: which payment, and how much.
fn plan_refund(desk: &Desk, uow: &Uow<'_, '_>, command: &RefundCommand) -> Decided<(Payment, i64)> {
    let payment = match owned(uow, command.principal, command.payment)? {
        Ok(payment) => payment,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let terms = RefundTerms { days: desk.policies().refund_days, most: desk.policies().refunds_per_payment };
    match refund_rules::refund(&payment, command.amount, terms, uow.now()) {
        Ok(amount) => Ok(Ok((payment, amount))),
        Err(no) => Ok(Err(Refusal::new(no.code(), in_words(desk, &payment, no)))),
    }
}

/// The sentence of a rejection, with what is left as people write it.
fn in_words(desk: &Desk, payment: &Payment, no: RefundRejection) -> String {
    match (no, desk.currencies().by_number(payment.currency)) {
        (RefundRejection::ExceedsPayment { left }, Some(currency)) => {
            let left = print_minor(i128::from(left), currency.digits());
            format!("refunds and open disputes leave {left} {currency}; refund at most that")
        }
        _ => no.sentence(),
    }
}

/// As [`plan_refund`], of a refund that is not yet made: a reference that names one is reused.
pub(crate) fn plan_fresh_refund(desk: &Desk, uow: &Uow<'_, '_>, command: &RefundCommand) -> Decided<(Payment, i64)> {
    let known = match owned(uow, command.principal, command.payment)? {
        Ok(payment) => payment,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match before(uow, command, &known)? {
        Ok(None) => plan_refund(desk, uow, command),
        Ok(Some(_)) => Ok(Err(Refusal::of(ErrorCode::ReferenceReused).at("reference"))),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The refusal of a refund that the merchant cannot pay and does not want to wait for.
pub(crate) fn merchant_short() -> Refusal {
    let no = RefundRejection::MerchantShort;
    Refusal::new(no.code(), no.sentence())
}

/// The refund that the reference named before, if it is this very wish; `reference_reused` if it is another.
fn before(uow: &Uow<'_, '_>, command: &RefundCommand, payment: &Payment) -> Decided<Option<Refund>> {
    let Some(reference) = &command.reference else { return Ok(Ok(None)) };
    if let Err(no) = references::check(Some(reference), None) {
        return Ok(Err(Refusal::new(no.code(), no.sentence()).at(no.field())));
    }
    let Some(found) = references::find(uow.reading(), payment.merchant, Named::Refund, reference)? else {
        return Ok(Ok(None));
    };
    let found = refund_records::by_id(uow.reading(), Id::from_u128(found))?;
    let same = |found: &Refund| found.payment == payment.id && command.amount.is_none_or(|asked| asked == found.amount);
    Ok(match found.filter(same) {
        Some(found) => Ok(Some(found)),
        None => Err(Refusal::of(ErrorCode::ReferenceReused).at("reference")),
    })
}

fn act(desk: &Desk, uow: &mut Uow<'_, '_>, command: &RefundCommand, id: Id<kinds::Refund>) -> Decided<RefundView> {
    let known = match owned(uow, command.principal, command.payment)? {
        Ok(payment) => payment,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match before(uow, command, &known)? {
        Ok(None) => {}
        Ok(Some(found)) => return Ok(Ok(found.view(desk.currencies(), known.currency))),
        Err(refusal) => return Ok(Err(refusal)),
    }
    let (payment, amount) = match plan_refund(desk, uow, command)? {
        Ok(planned) => planned,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (principal, channel) = (command.principal, command.channel);
    let intent = Intent { kind: EntryKind::Refund, principal, channel, cause: id.as_u128() };
    let (state, back) = match book(desk, uow, (&payment, amount), intent)? {
        Booked::Paid(back) => (RefundState::Succeeded, back),
        Booked::Short if command.wait => (RefundState::PendingFunds, FeeParts::default()),
        Booked::Short => return Ok(Err(merchant_short())),
        Booked::Refused(refusal) => return Ok(Err(refusal)),
    };

    // After this point it must succeed.
    let refund = Refund {
        id,
        payment: payment.id,
        amount,
        back,
        state,
        reference: command.reference.clone(),
        reason: command.reason.clone(),
        created: uow.now(),
        finished: (state == RefundState::Succeeded).then(|| uow.now()),
    };
    write(desk, uow, payment, &refund).map(Ok)
}

fn write(desk: &Desk, uow: &mut Uow<'_, '_>, mut payment: Payment, refund: &Refund) -> Result<RefundView, StoreError> {
    refund_records::insert(uow, refund)?;
    if let Some(reference) = &refund.reference {
        references::claim(uow, payment.merchant, (Named::Refund, reference), refund.id.as_u128())?;
    }
    payment.refunds += 1;
    if refund.state == RefundState::Succeeded {
        paid(&mut payment, refund);
    } else {
        payment.waiting += refund.amount;
        refund_records::enqueue(uow, payment.to, refund.id)?;
        super::fund_refund::try_later(desk, uow, refund.id)?;
    }
    records::update(uow, &payment)?;
    tell(desk, uow, &payment, refund)?;
    Ok(refund.view(desk.currencies(), payment.currency))
}

/// Takes a refund that was paid into the payment's sums.
pub(super) fn paid(payment: &mut Payment, refund: &Refund) {
    payment.refunded += refund.amount;
    payment.given_back.fee += refund.back.fee;
    payment.given_back.tax += refund.back.tax;
    restate(payment);
}

/// The state that the payment's sums mean now. A hold that is still open stays what it is.
pub(super) fn restate(payment: &mut Payment) {
    let held = i64::from(payment.state == PaymentState::PartiallyCaptured);
    payment.state = rules::state_of(payment.method, held, payment.captured, payment.refunded + payment.charged_back);
}

/// Tells the merchant how a refund stands.
pub(super) fn tell(desk: &Desk, uow: &mut Uow<'_, '_>, payment: &Payment, refund: &Refund) -> Result<(), StoreError> {
    let kind = match refund.state {
        RefundState::PendingFunds => "refund.pending_funds",
        RefundState::Succeeded => "refund.succeeded",
        RefundState::Failed => "refund.failed",
    };
    let more = format!(",\"refund\":\"{}\",\"refund_minor\":{}", refund.id, refund.amount);
    posting::tell(uow, kind, payment, posting::currency_of(desk, payment)?, &more);
    Ok(())
}

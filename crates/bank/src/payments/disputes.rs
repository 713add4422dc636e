//! Disputes, the record of them: an open dispute counts against refunds; one that the payer wins is charged back.
//!
//! A charge-back is forced: what merchant's balance and reserve lack becomes the merchant's receivable, which its settlements
//! repay. Races closed: a dispute and refunds in parallel — what is left of the payment is read and taken in one unit, so
//! refunds + charge-backs + open disputes never exceed what was captured.

use super::posting::{self, Decided};
use super::refund::{purse, restate};
use super::refund_rules::moves;
use super::{Payment, records, refund_records};
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::{Answer, Bank, BankError, Desk, Principal, Refusal, Wish};
use ledger::Count;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// The state of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DisputeState {
    /// Not decided.
    Open = 1,
    /// The merchant keeps the money.
    MerchantWon = 2,
    /// The payer has the money back.
    PayerWon = 3,
}

impl DisputeState {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Open,
            2 => Self::MerchantWon,
            3 => Self::PayerWon,
            _ => return None,
        })
    }
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Its id.
    pub id: Id<kinds::Dispute>,
    /// About which payment.
    pub payment: Id<kinds::Payment>,
    /// Minor units.
    pub amount: i64,
    /// Its state.
    pub state: DisputeState,
    /// When it was opened.
    pub created: Timestamp,
    /// When it was decided.
    pub closed: Option<Timestamp>,
}

/// A dispute as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeView {
    /// Its id.
    pub id: Id<kinds::Dispute>,
    /// About which payment.
    pub payment: Id<kinds::Payment>,
    /// Minor units.
    pub amount: i64,
    /// Its state.
    pub state: DisputeState,
}

impl Dispute {
    fn view(&self) -> DisputeView {
        DisputeView { id: self.id, payment: self.payment, amount: self.amount, state: self.state }
    }
}

/// A wish to open a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDispute {
    /// Who asks: the payer, or staff.
    pub principal: Principal,
    /// The idempotency key.
    pub key: Option<String>,
    /// About which payment.
    pub payment: Id<kinds::Payment>,
    /// Minor units.
    pub amount: i64,
}

/// Who won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeOutcome {
    /// The merchant keeps the money.
    Merchant,
    /// The payer gets it back.
    Payer,
}

/// A decision about a dispute, by staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseDispute {
    /// Who decides.
    pub principal: Principal,
    /// The idempotency key.
    pub key: Option<String>,
    /// Which dispute.
    pub dispute: Id<kinds::Dispute>,
    /// Who won.
    pub outcome: DisputeOutcome,
}

/// Opens a dispute.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn open_dispute(bank: &Bank, command: OpenDispute) -> Result<Answer<DisputeView>, BankError> {
    let body = format!("{} {}", command.payment, command.amount);
    let wish = wish(command.principal, "disputes.open", command.key.as_deref(), &body);
    let (desk, id) = (bank.desk(), bank.new_id());
    bank.once(wish, move |uow| {
        Ok(match open(&desk, uow, &command, id)? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

/// Decides a dispute.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn close_dispute(bank: &Bank, command: CloseDispute) -> Result<Answer<DisputeView>, BankError> {
    let body = format!("{} {:?}", command.dispute, command.outcome);
    let wish = wish(command.principal, "disputes.close", command.key.as_deref(), &body);
    let desk = bank.desk();
    bank.once(wish, move |uow| {
        Ok(match close(&desk, uow, &command)? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

fn wish(principal: Principal, operation: &'static str, key: Option<&str>, body: &str) -> Wish {
    match key {
        Some(key) => Wish::new(principal, operation, key, body.as_bytes()),
        None => Wish::internal(principal, operation),
    }
}

fn open(desk: &Desk, uow: &mut Uow<'_, '_>, command: &OpenDispute, id: Id<kinds::Dispute>) -> Decided<DisputeView> {
    let found = records::by_id(uow.reading(), command.payment)?.filter(|payment| match command.principal {
        Principal::Customer(customer) => payment.payer == customer,
        Principal::Staff(_) | Principal::System => true,
        Principal::Merchant(_) => false,
    });
    let Some(mut payment) = found else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
    if payment.captured == 0 {
        return Ok(Err(Refusal::of(ErrorCode::PaymentNotCaptured)));
    }
    if command.amount <= 0 {
        return Ok(Err(Refusal::of(ErrorCode::AmountNotPositive).at("amount")));
    }
    if command.amount > payment.refundable_left() {
        return Ok(Err(Refusal::of(ErrorCode::RefundExceedsPayment).at("amount")));
    }
    let created = uow.now();
    let dispute =
        Dispute { id, payment: payment.id, amount: command.amount, state: DisputeState::Open, created, closed: None };
    payment.disputed += command.amount;
    records::update(uow, &payment)?;
    refund_records::insert_dispute(uow, &dispute)?;
    tell(desk, uow, "dispute.opened", &payment, &dispute)?;
    Ok(Ok(dispute.view()))
}

fn close(desk: &Desk, uow: &mut Uow<'_, '_>, command: &CloseDispute) -> Decided<DisputeView> {
    if !matches!(command.principal, Principal::Staff(_) | Principal::System) {
        return Ok(Err(Refusal::of(ErrorCode::Forbidden)));
    }
    let found = refund_records::dispute(uow.reading(), command.dispute)?;
    let Some(mut dispute) = found.filter(|dispute| dispute.state == DisputeState::Open) else {
        return Ok(Err(Refusal::of(ErrorCode::NotFound)));
    };
    let missing = StoreError::Corrupt { table: "dispute", finding: "a dispute about no payment" };
    let mut payment = records::by_id(uow.reading(), dispute.payment)?.ok_or(missing)?;
    dispute.state = match command.outcome {
        DisputeOutcome::Merchant => DisputeState::MerchantWon,
        DisputeOutcome::Payer => {
            if let Err(refusal) = charge_back(desk, uow, (&payment, &dispute), command.principal)? {
                return Ok(Err(refusal));
            }
            payment.charged_back += dispute.amount;
            DisputeState::PayerWon
        }
    };
    payment.disputed -= dispute.amount;
    dispute.closed = Some(uow.now());
    restate(&mut payment);
    records::update(uow, &payment)?;
    refund_records::close_dispute(uow, &dispute)?;
    tell(desk, uow, "dispute.closed", &payment, &dispute)?;
    Ok(Ok(dispute.view()))
}

fn charge_back(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (payment, dispute): (&Payment, &Dispute),
    principal: Principal,
) -> Decided<()> {
    let purse = purse(uow, payment)?;
    let lent = (dispute.amount - purse.balance).clamp(0, purse.reserve);
    let steps = moves(&[
        (payment.reserve, payment.to, lent, Count::No),
        (payment.to, payment.from, dispute.amount, Count::GiveBack { day: payment.day }),
    ]);
    let (kind, channel, cause) = (EntryKind::Chargeback, Channel::Api, dispute.id.as_u128());
    let mut entry = entries::draft(desk, uow, Intent { kind, principal, channel, cause }, steps);
    entry.forced = true;
    match uow.post(&entry)? {
        Ok(_) => Ok(Ok(())),
        Err(refusal) => Ok(Err(Refusal::of_ledger(desk, uow, principal, &refusal)?)),
    }
}

fn tell(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    kind: &'static str,
    payment: &Payment,
    dispute: &Dispute,
) -> Result<(), StoreError> {
    let more = format!(",\"dispute\":\"{}\",\"dispute_minor\":{}", dispute.id, dispute.amount);
    posting::tell(uow, kind, payment, posting::currency_of(desk, payment)?, &more);
    Ok(())
}

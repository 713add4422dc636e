//! The shapes of payments and refunds, as payer and merchant see them.

use crate::dto::{Moment, Money, Ref, ids};
use bank::Currencies;
use bank::fees::FeeParts;
use bank::payments::{self as payments, PaymentView, RefundView};
use bank::policies::Bearer;
use serde::Serialize;
use utoipa::ToSchema;

/// A fee.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fee {
    /// The bank's part.
    pub fee: Money,
    /// The tax on it.
    pub tax: Money,
}

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payment {
    /// Its id.
    pub id: ids::Payment,
    /// Its state.
    #[schema(value_type = PaymentState)]
    pub state: payments::PaymentState,
    /// `immediate` or `hold`.
    #[schema(value_type = PaymentMethod)]
    pub method: payments::Method,
    /// Who is paid.
    pub merchant: ids::Merchant,
    /// At which store.
    pub store: Option<ids::Store>,
    /// From which wallet; only the payer sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet: Option<ids::Wallet>,
    /// What was asked.
    pub amount: Money,
    /// What moved to the merchant.
    pub captured: Money,
    /// What went back.
    pub refunded: Money,
    /// Refunds that wait for the merchant's money.
    pub refunds_waiting: Money,
    /// What is disputed.
    pub disputed: Money,
    /// What disputes took back.
    pub charged_back: Money,
    /// The fee; seen by who bears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<Fee>,
    /// What of the fee was given back; seen by who bears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_returned: Option<Fee>,
    /// The order it pays.
    pub order: Option<ids::Order>,
    /// The reference given to it.
    pub reference: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When its hold expires.
    pub expires_at: Option<Moment>,
    /// The payer's balance right after; only in the payer's own answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_after: Option<Money>,
}

/// The state of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum PaymentState {
    /// The payer must do something first (reserved).
    RequiresAction,
    /// It waits out a delay (reserved).
    Delayed,
    /// A person looks at it (reserved).
    InReview,
    /// Evidence is awaited (reserved).
    UnderInvestigation,
    /// The amount is set aside.
    Held,
    /// Part of it moved; the rest is still set aside.
    PartiallyCaptured,
    /// The hold ended with at least a part of it moved.
    Captured,
    /// The amount moved at once.
    Succeeded,
    /// Part of what moved went back.
    PartiallyRefunded,
    /// All that moved went back.
    Refunded,
    /// The merchant released the hold.
    Voided,
    /// The hold's time ran out.
    Expired,
    /// It ended without money having moved.
    Failed,
}

/// How the money was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum PaymentMethod {
    /// At once.
    Immediate,
    /// By a hold, captured later.
    Hold,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refund {
    /// Its id.
    pub id: ids::Refund,
    /// Of which payment.
    pub payment: ids::Payment,
    /// How much.
    pub amount: Money,
    /// What of the fee comes back with it.
    pub fee_returned: Fee,
    /// Its state.
    #[schema(value_type = RefundState)]
    pub state: payments::RefundState,
    /// Why it failed: an error code.
    #[schema(example = json!(null))]
    pub failure: Option<&'static str>,
    /// The merchant's name for it.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Moment,
    /// When it was paid or failed.
    pub finished_at: Option<Moment>,
}

/// The state of a refund.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum RefundState {
    /// It waits for the merchant's money.
    PendingFunds,
    /// The payer has it.
    Succeeded,
    /// The merchant's money did not come in time.
    Failed,
}

fn show_fee(currencies: &Currencies, parts: FeeParts, code: &str) -> Fee {
    Fee { fee: Money::of(currencies, parts.fee, code), tax: Money::of(currencies, parts.tax, code) }
}

/// Who looks at a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The payer.
    Payer,
    /// The merchant, or staff.
    Merchant,
}

pub(crate) fn show(currencies: &Currencies, view: PaymentView, side: Side) -> Payment {
    let amount = |minor| Money::of(currencies, minor, &view.currency);
    let bears = (side == Side::Payer) == (view.fee_bearer == Bearer::Payer);
    Payment {
        id: view.id.into(),
        state: view.state,
        method: view.method,
        merchant: view.merchant.into(),
        store: view.store.map(Ref),
        wallet: (side == Side::Payer).then_some(Ref(view.wallet)),
        amount: amount(view.amount),
        captured: amount(view.captured),
        refunded: amount(view.refunded),
        refunds_waiting: amount(view.refunds_waiting),
        disputed: amount(view.disputed),
        charged_back: amount(view.charged_back),
        fee: bears.then(|| show_fee(currencies, view.fee, &view.currency)),
        fee_returned: bears.then(|| show_fee(currencies, view.fee_returned, &view.currency)),
        balance_after: view.payer_balance.filter(|_| side == Side::Payer).map(amount),
        order: view.order.map(Ref),
        reference: view.reference,
        description: view.description,
        created_at: view.created_at.into(),
        expires_at: view.expires_at.map(Moment),
    }
}

pub(crate) fn show_refund(currencies: &Currencies, view: RefundView) -> Refund {
    Refund {
        id: view.id.into(),
        payment: view.payment.into(),
        amount: Money::of(currencies, view.amount, &view.currency),
        fee_returned: show_fee(currencies, view.fee_returned, &view.currency),
        state: view.state,
        failure: view.failure.map(|code| code.as_str()),
        reference: view.reference,
        reason: view.reason,
        created_at: view.created_at.into(),
        finished_at: view.finished_at.map(Moment),
    }
}

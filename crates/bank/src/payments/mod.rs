//! Payments: a customer pays a merchant.
//!
//! ```text
//! pay ─────────────────────────────────────────────▶ succeeded ─┐
//! authorize ─▶ held ─capture(final)────────────────▶ captured ──┼─refund─▶ partially_refunded ─refund─▶ refunded
//!               │  └─capture(not final)─▶ partially_captured    │
//!               │                          └─capture, void, expire─▶ captured
//!               ├─void────▶ voided
//!               └─expire──▶ expired
//! requires_action, delayed, in_review, under_investigation: reserved for payments that wait for the payer, a delay, a
//! person or evidence; nothing leads there yet. failed: it ended without money having moved.
//! ```
//!
//! The journal moves the amount from the payer's account to the merchant's, then the fee and its tax from whoever bears
//! them, in one entry; so there is no payment without its fee and no fee without its payment.
//!
//! Invariants: captured ≤ amount; refunded + waiting refunds + charged back + open disputes ≤ captured; the fee given back
//! ≤ the fee charged; a payment's state is a function of these numbers ([`state_of`]) and moves forward only.
//!
//! Where to look: one file per action. [`pay`] is the hot path: it reads nothing but memory when neither order, reference
//! nor quote is given, and writes one row. Lists need no index: the journal chains each account's entries, and a payment's
//! first entry names it.
//!
//! Races closed: everything a decision rests on is read in the unit of work that acts on it, and units run one after the
//! other. A crash leaves either all of a payment (journal, row, event, order, answer to the key) or nothing.

mod authorize;
mod capture;
mod disputes;
mod expire;
mod fund_refund;
mod history;
mod parties;
mod pay;
mod pay_many;
mod plan;
mod posting;
mod records;
mod refund;
mod refund_records;
mod refund_rules;
mod rules;
mod void;

pub use authorize::{AuthorizeCommand, authorize};
pub use capture::{CaptureCommand, capture};
pub use disputes::{CloseDispute, DisputeOutcome, DisputeView, OpenDispute, close_dispute, open_dispute};
pub use expire::{JOB_EXPIRE, expire};
pub use fund_refund::{JOB_FUNDS, fund, fund_waiting};
pub use history::{list_by_account, refund_by_id, refunds_of, view};
pub use parties::{Payee, Prepared, Target};
pub use pay::{How, PayCommand, pay, pay_blocking};
pub use pay_many::{MOST, RowOutcome, pay_many};
pub use records::{MIGRATIONS, by_id};
pub use refund::{RefundCommand, RefundState, RefundView, refund};
pub use refund_records::MIGRATIONS as REFUND_MIGRATIONS;
pub use rules::state_of;
pub use void::void;

pub(crate) use authorize::life as hold_life;
pub(crate) use capture::book as book_capture;
pub(crate) use parties::prepare;
pub(crate) use pay::{Checked, check};
pub(crate) use plan::{plan_hold, plan_pay};
pub(crate) use posting::{currency_of, till};
pub(crate) use refund::{Booked, book as book_refund, merchant_short, plan_fresh_refund};
pub(crate) use refund_rules::moves;
pub(crate) use void::book as book_void;

use crate::Currencies;
use crate::fees::FeeParts;
use crate::policies::{Bearer, RoundingRule};
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use vocabulary::{Id, Timestamp, kinds};

/// The state of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PaymentState {
    /// The payer must do something first (reserved).
    RequiresAction = 1,
    /// It waits out a delay (reserved).
    Delayed = 2,
    /// A person looks at it (reserved).
    InReview = 3,
    /// Evidence is awaited (reserved).
    UnderInvestigation = 4,
    /// The amount is set aside on the payer's account.
    Held = 5,
    /// Part of it moved; the rest is still set aside.
    PartiallyCaptured = 6,
    /// The hold ended with at least a part of it moved.
    Captured = 7,
    /// The amount moved at once.
    Succeeded = 8,
    /// Part of what moved went back.
    PartiallyRefunded = 9,
    /// All that moved went back.
    Refunded = 10,
    /// The merchant released the hold; nothing moved.
    Voided = 11,
    /// The hold's time ran out; nothing moved.
    Expired = 12,
    /// It ended without money having moved.
    Failed = 13,
}

impl PaymentState {
    const ALL: [Self; 13] = [
        Self::RequiresAction,
        Self::Delayed,
        Self::InReview,
        Self::UnderInvestigation,
        Self::Held,
        Self::PartiallyCaptured,
        Self::Captured,
        Self::Succeeded,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Voided,
        Self::Expired,
        Self::Failed,
    ];

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == number)
    }
}

/// How the money was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Method {
    /// At once.
    Immediate = 1,
    /// By a hold, captured later.
    Hold = 2,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: Id<kinds::Payment>,
    /// Its state.
    pub state: PaymentState,
    /// How the money was taken.
    pub method: Method,
    /// Who is paid.
    pub merchant: Id<kinds::Merchant>,
    /// At which store, if known.
    pub store: Option<Id<kinds::Store>>,
    /// Who pays.
    pub payer: Id<kinds::Customer>,
    /// From which wallet.
    pub wallet: Id<kinds::Wallet>,
    /// The payer's account.
    pub from: AccountNo,
    /// The merchant's account.
    pub to: AccountNo,
    /// The merchant's reserve.
    pub reserve: AccountNo,
    /// The currency's number.
    pub currency: u16,
    /// Minor units asked for.
    pub amount: i64,
    /// Minor units that moved to the merchant.
    pub captured: i64,
    /// Minor units that went back.
    pub refunded: i64,
    /// Minor units of refunds that wait for the merchant's money.
    pub waiting: i64,
    /// Minor units of open disputes.
    pub disputed: i64,
    /// Minor units taken back by disputes that the payer won.
    pub charged_back: i64,
    /// How many refunds there are, waiting ones included.
    pub refunds: u32,
    /// Fee and tax charged.
    pub charged: FeeParts,
    /// Fee and tax given back.
    pub given_back: FeeParts,
    /// Who bears the fee.
    pub bearer: Bearer,
    /// Whether refunds give the fee back.
    pub refundable: bool,
    /// How what is given back becomes whole.
    pub rounding: RoundingRule,
    /// The order it pays.
    pub order: Option<Id<kinds::Order>>,
    /// The reference given to it.
    pub reference: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The first line of its first journal entry.
    pub entry: u64,
    /// The calendar day on which it used limits.
    pub day: i32,
    /// When it was made.
    pub created: Timestamp,
}

impl Payment {
    /// What refunds and disputes may still take.
    #[must_use]
    pub fn refundable_left(&self) -> i64 {
        self.captured - self.refunded - self.waiting - self.disputed - self.charged_back
    }

    /// The payment as shown.
    #[must_use]
    pub fn view(&self, currencies: &Currencies) -> PaymentView {
        PaymentView {
            id: self.id,
            state: self.state,
            method: self.method,
            merchant: self.merchant,
            store: self.store,
            payer: self.payer,
            wallet: self.wallet,
            currency: currencies.by_number(self.currency).map_or_else(String::new, |found| found.code().to_owned()),
            amount: self.amount,
            captured: self.captured,
            refunded: self.refunded,
            refunds_waiting: self.waiting,
            disputed: self.disputed,
            charged_back: self.charged_back,
            fee: self.charged,
            fee_returned: self.given_back,
            fee_bearer: self.bearer,
            order: self.order,
            reference: self.reference.clone(),
            description: self.description.clone(),
            created_at: self.created,
            expires_at: None,
            payer_balance: None,
        }
    }
}

/// A payment as shown. What only the payer may see is marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// Its id.
    pub id: Id<kinds::Payment>,
    /// Its state.
    pub state: PaymentState,
    /// How the money was taken.
    pub method: Method,
    /// Who is paid.
    pub merchant: Id<kinds::Merchant>,
    /// At which store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Id<kinds::Store>>,
    /// Who pays.
    pub payer: Id<kinds::Customer>,
    /// From which wallet.
    pub wallet: Id<kinds::Wallet>,
    /// The currency's code.
    pub currency: String,
    /// Minor units asked for.
    pub amount: i64,
    /// Minor units that moved to the merchant.
    pub captured: i64,
    /// Minor units that went back.
    #[serde(default, skip_serializing_if = "nothing")]
    pub refunded: i64,
    /// Minor units of refunds that wait for the merchant's money.
    #[serde(default, skip_serializing_if = "nothing")]
    pub refunds_waiting: i64,
    /// Minor units of open disputes.
    #[serde(default, skip_serializing_if = "nothing")]
    pub disputed: i64,
    /// Minor units taken back by disputes that the payer won.
    #[serde(default, skip_serializing_if = "nothing")]
    pub charged_back: i64,
    /// Fee and tax charged.
    pub fee: FeeParts,
    /// Fee and tax given back.
    pub fee_returned: FeeParts,
    /// Who bears the fee.
    pub fee_bearer: Bearer,
    /// The order it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Id<kinds::Order>>,
    /// The reference given to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its hold expires, if it has one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// For the payer only: the posted balance right after. Absent when the payment is looked up later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_balance: Option<i64>,
}

/// Recorded answers leave out what is nothing: there is one for every payment.
fn nothing(minor: &i64) -> bool {
    *minor == 0
}

#[cfg(test)]
pub(crate) mod tests;

//! Payouts: money from a wallet or a merchant's account to a bank account.
//!
//! ```text
//! created ──► instructed ──► paid ──► returned
//!    │            │  ▲         ▲
//!    │            ▼  │ evidence │ (although we had given back: a receivable and a case)
//!    ├──► under_investigation ─┤
//!    └────────────┴──► failed ─┘
//! ```
//! States have ascending numbers and only move up. The money (and the fee) leaves its account for suspense in the unit that
//! writes the wish, before anybody is instructed, so it cannot be spent twice; it leaves suspense for the nostro when the
//! bank has paid, or goes back, fee and limits included, when the bank surely will not.
//!
//! How it is handed over, what a deadline and the bank's words make of it, and the crash points and races closed there, is the
//! same for top-ups: see `instructions/`.

mod outcome;
pub(crate) mod records;
mod send_back;
mod start;
#[cfg(test)]
mod tests;

pub use records::MIGRATIONS;
pub(crate) use send_back::{SendBack, send_back};
pub use start::{StartForMerchant, StartPayout, dry_run, quote, start, start_for_merchant, start_quoted};

use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::instructions::{self, Stage};
use crate::rail_feed::end_to_end;
use crate::wish::Principal;
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use store::{Job, NewEvent, StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

/// The state of a payout. The numbers only ever rise over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PayoutState {
    /// Wished for; the money is in suspense; not yet with the bank.
    Created = 1,
    /// With the bank.
    Instructed = 2,
    /// No final result by the deadline, or a doubtful one; the money stays in suspense.
    UnderInvestigation = 3,
    /// The bank will not; the money went back.
    Failed = 4,
    /// The bank paid.
    Paid = 5,
    /// It came back after it was paid; the money went back.
    Returned = 6,
}

impl PayoutState {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Instructed => "instructed",
            Self::UnderInvestigation => "under_investigation",
            Self::Failed => "failed",
            Self::Paid => "paid",
            Self::Returned => "returned",
        }
    }

    /// Whether the bank has spoken its last word, as far as we know.
    #[must_use]
    pub fn is_final(self) -> bool {
        self >= Self::Failed
    }
}

impl From<Stage> for PayoutState {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Created => Self::Created,
            Stage::Instructed => Self::Instructed,
            Stage::UnderInvestigation => Self::UnderInvestigation,
            Stage::Failed => Self::Failed,
            Stage::Executed => Self::Paid,
            Stage::Returned => Self::Returned,
        }
    }
}

impl From<PayoutState> for Stage {
    fn from(state: PayoutState) -> Self {
        match state {
            PayoutState::Created => Self::Created,
            PayoutState::Instructed => Self::Instructed,
            PayoutState::UnderInvestigation => Self::UnderInvestigation,
            PayoutState::Failed => Self::Failed,
            PayoutState::Paid => Self::Executed,
            PayoutState::Returned => Self::Returned,
        }
    }
}

/// The job that hands a payout to the bank.
pub const JOB_INSTRUCT: &str = "payout.instruct";

/// The job that looks at a payout at its deadline, and on each next date after it.
pub const JOB_DEADLINE: &str = "payout.deadline";

/// Hands the job's payout over.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_instruct(bank: &Bank, job: &Job) -> Result<(), BankError> {
    instructions::run_instruct::<Payout>(bank, job)
}

/// Looks at the job's payout.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_deadline(bank: &Bank, job: &Job) -> Result<(), BankError> {
    instructions::run_deadline::<Payout>(bank, job)
}

/// A payout's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payout {
    pub(crate) id: Id<kinds::Payout>,
    pub(crate) owner: u128,
    pub(crate) merchant: bool,
    /// The account that the money left, and goes back to.
    pub(crate) source: AccountNo,
    pub(crate) bank_account: Id<kinds::BankAccount>,
    pub(crate) currency: u16,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) tax: i64,
    /// What the bank paid, minor units; 0 while it did not.
    pub(crate) paid: i64,
    pub(crate) state: PayoutState,
    /// The day whose limits it used.
    pub(crate) used_day: i32,
    /// It was paid although we had given back: a receivable stands for it.
    pub(crate) late: bool,
    /// The business object that caused it (a settlement), 0 for none.
    pub(crate) cause: u128,
    pub(crate) created: Timestamp,
    /// When it was (about to be) handed to the bank.
    pub(crate) sent: Option<Timestamp>,
    pub(crate) deadline: Timestamp,
    pub(crate) next_date: Option<BookingDate>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) reason: String,
}

/// A payout as its owner and the staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutView {
    /// Its id.
    pub id: Id<kinds::Payout>,
    /// Whose, when it is a customer's.
    pub customer: Option<Id<kinds::Customer>>,
    /// Whose, when it is a merchant's.
    pub merchant: Option<Id<kinds::Merchant>>,
    /// To which bank account.
    pub bank_account: Id<kinds::BankAccount>,
    /// What was asked, minor units.
    pub amount_minor: i64,
    /// The fee on top of it, tax included, minor units.
    pub fee_minor: i64,
    /// What the bank paid, minor units.
    pub paid_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// Its state.
    pub state: PayoutState,
    /// Under which id the bank knows it.
    pub end_to_end_id: String,
    /// When it was wished for.
    pub created_at: Timestamp,
    /// By when it is final or under investigation.
    pub decided_by: Timestamp,
    /// Under investigation: when we look next.
    pub next_date: Option<BookingDate>,
    /// When it became final.
    pub ended_at: Option<Timestamp>,
    /// Why it failed or came back, in the bank's words.
    pub reason: Option<String>,
}

impl Payout {
    pub(crate) fn view(&self, desk: &Desk) -> PayoutView {
        let currency = desk.currencies().by_number(self.currency);
        PayoutView {
            id: self.id,
            customer: (!self.merchant).then(|| Id::from_u128(self.owner)),
            merchant: self.merchant.then(|| Id::from_u128(self.owner)),
            bank_account: self.bank_account,
            amount_minor: self.amount,
            fee_minor: self.fee + self.tax,
            paid_minor: self.paid,
            currency: currency.map_or_else(|| self.currency.to_string(), |found| found.code().to_owned()),
            state: self.state,
            end_to_end_id: end_to_end(self.id),
            created_at: self.created,
            decided_by: self.deadline,
            next_date: self.next_date,
            ended_at: self.ended,
            reason: (!self.reason.is_empty()).then(|| self.reason.clone()),
        }
    }

    /// The event that tells of its state.
    const fn event(&self) -> &'static str {
        match self.state {
            PayoutState::Created => "payout.created",
            PayoutState::Instructed => "payout.instructed",
            PayoutState::UnderInvestigation => "payout.under_investigation",
            PayoutState::Failed => "payout.failed",
            PayoutState::Paid => "payout.paid",
            PayoutState::Returned => "payout.returned",
        }
    }

    fn emit(&self, desk: &Desk, uow: &mut Uow<'_, '_>) {
        self.tell(desk, uow, self.event());
    }

    /// Tells of it under another name than that of its state.
    fn tell(&self, desk: &Desk, uow: &mut Uow<'_, '_>, kind: &'static str) {
        let view = self.view(desk);
        let body = serde_json::json!({"payout": view.id, "amount_minor": view.amount_minor,
            "paid_minor": view.paid_minor, "currency": view.currency, "state": view.state});
        let (owner, subject) = (Some(self.owner), self.id.as_u128());
        uow.emit(NewEvent { kind, version: 1, owner, subject, body: body.to_string() });
    }
}

/// The currency of a payout, by its number; none when there is no such payout.
pub(crate) fn currency_of(uow: &Uow<'_, '_>, id: Id<kinds::Payout>) -> Result<Option<u16>, StoreError> {
    Ok(records::by_id(uow.reading(), id)?.map(|payout| payout.currency))
}

/// A payout.
///
/// # Errors
/// Trouble.
pub async fn find(bank: &Bank, id: Id<kinds::Payout>) -> Result<Option<PayoutView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| Ok(records::by_id(snapshot.reading(), id)?)).await?;
    Ok(found.map(|payout| payout.view(&desk)))
}

/// The payouts that a business object (a settlement) caused, newest first.
///
/// # Errors
/// Trouble.
pub async fn caused_by(bank: &Bank, cause: u128) -> Result<Vec<PayoutView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| Ok(records::by_cause(snapshot.reading(), cause)?)).await?;
    Ok(found.iter().map(|payout| payout.view(&desk)).collect())
}

/// The payouts of a customer or merchant, newest first, from before an id.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    owner: Principal,
    before: Option<Id<kinds::Payout>>,
    limit: u32,
) -> Result<Vec<PayoutView>, BankError> {
    let (desk, owner) = (bank.desk(), owner.actor());
    let found = bank.store().read(move |snapshot| Ok(records::page(snapshot.reading(), owner, before, limit)?)).await?;
    Ok(found.iter().map(|payout| payout.view(&desk)).collect())
}

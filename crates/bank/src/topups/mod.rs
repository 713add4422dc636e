//! Top-ups: money from a customer's bank account into a wallet.
//!
//! ```text
//! created ──► instructed ──► succeeded ──► returned
//!    │            │  ▲           ▲
//!    │            ▼  │ evidence  │ (late)
//!    ├──► under_investigation ───┤
//!    └────────────┴──► failed ───┘
//! ```
//! States have ascending numbers and only move up. On creation an incoming hold (nostro → wallet) reserves the limits, so that
//! what the bank will execute can also be credited; on success it is captured, on failure voided, which gives the limits back.
//!
//! How it is handed over, what a deadline and the bank's words make of it, and the crash points and races closed there, is the
//! same for payouts: see `instructions/`.

mod outcome;
pub(crate) mod records;
mod start;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use outcome::{fee_of_released, released, sent_back};
pub use records::MIGRATIONS;
pub use start::{StartTopUp, dry_run, quote, start, start_quoted};

use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::instructions::{self, Stage};
use crate::rail_feed::end_to_end;
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use store::{Job, NewEvent, StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

/// The state of a top-up. The numbers only ever rise over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TopUpState {
    /// Wished for; not yet with the bank.
    Created = 1,
    /// With the bank.
    Instructed = 2,
    /// No final result by the deadline, or a doubtful one.
    UnderInvestigation = 3,
    /// The bank will not.
    Failed = 4,
    /// Credited.
    Succeeded = 5,
    /// Taken back by the bank.
    Returned = 6,
}

impl TopUpState {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Instructed => "instructed",
            Self::UnderInvestigation => "under_investigation",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::Returned => "returned",
        }
    }
}

impl From<Stage> for TopUpState {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Created => Self::Created,
            Stage::Instructed => Self::Instructed,
            Stage::UnderInvestigation => Self::UnderInvestigation,
            Stage::Failed => Self::Failed,
            Stage::Executed => Self::Succeeded,
            Stage::Returned => Self::Returned,
        }
    }
}

impl From<TopUpState> for Stage {
    fn from(state: TopUpState) -> Self {
        match state {
            TopUpState::Created => Self::Created,
            TopUpState::Instructed => Self::Instructed,
            TopUpState::UnderInvestigation => Self::UnderInvestigation,
            TopUpState::Failed => Self::Failed,
            TopUpState::Succeeded => Self::Executed,
            TopUpState::Returned => Self::Returned,
        }
    }
}

/// The job that hands a top-up to the bank.
pub const JOB_INSTRUCT: &str = "top_up.instruct";

/// The job that looks at a top-up at its deadline, and on each next date after it.
pub const JOB_DEADLINE: &str = "top_up.deadline";

/// Hands the job's top-up over.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_instruct(bank: &Bank, job: &Job) -> Result<(), BankError> {
    instructions::run_instruct::<TopUp>(bank, job)
}

/// Looks at the job's top-up.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_deadline(bank: &Bank, job: &Job) -> Result<(), BankError> {
    instructions::run_deadline::<TopUp>(bank, job)
}

/// A top-up's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopUp {
    pub(crate) id: Id<kinds::TopUp>,
    pub(crate) customer: Id<kinds::Customer>,
    pub(crate) wallet: Id<kinds::Wallet>,
    pub(crate) account: AccountNo,
    pub(crate) bank_account: Id<kinds::BankAccount>,
    pub(crate) currency: u16,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) tax: i64,
    /// What came, minor units; 0 while nothing did.
    pub(crate) credited: i64,
    pub(crate) state: TopUpState,
    /// The entry that placed the incoming hold.
    pub(crate) hold: u128,
    /// The day whose limits it used.
    pub(crate) used_day: i32,
    pub(crate) created: Timestamp,
    /// When it was (about to be) handed to the bank.
    pub(crate) sent: Option<Timestamp>,
    pub(crate) deadline: Timestamp,
    pub(crate) next_date: Option<BookingDate>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) reason: String,
}

/// A top-up as its customer and the staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpView {
    /// Its id.
    pub id: Id<kinds::TopUp>,
    /// Whose.
    pub customer: Id<kinds::Customer>,
    /// Into which wallet.
    pub wallet: Id<kinds::Wallet>,
    /// From which bank account.
    pub bank_account: Id<kinds::BankAccount>,
    /// What was asked, minor units.
    pub amount_minor: i64,
    /// The fee taken from it, tax included, minor units.
    pub fee_minor: i64,
    /// What came, minor units, before the fee.
    pub credited_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// Its state.
    pub state: TopUpState,
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

impl TopUp {
    pub(crate) fn view(&self, desk: &Desk) -> TopUpView {
        let currency = desk.currencies().by_number(self.currency);
        TopUpView {
            id: self.id,
            customer: self.customer,
            wallet: self.wallet,
            bank_account: self.bank_account,
            amount_minor: self.amount,
            fee_minor: self.fee + self.tax,
            credited_minor: self.credited,
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
            TopUpState::Created => "top_up.created",
            TopUpState::Instructed => "top_up.instructed",
            TopUpState::UnderInvestigation => "top_up.under_investigation",
            TopUpState::Failed => "top_up.failed",
            TopUpState::Succeeded => "top_up.succeeded",
            TopUpState::Returned => "top_up.returned",
        }
    }

    fn emit(&self, desk: &Desk, uow: &mut Uow<'_, '_>) {
        self.tell(desk, uow, self.event());
    }

    /// Tells of it under another name than that of its state.
    fn tell(&self, desk: &Desk, uow: &mut Uow<'_, '_>, kind: &'static str) {
        let view = self.view(desk);
        let body = serde_json::json!({"top_up": view.id, "wallet": view.wallet, "amount_minor": view.amount_minor,
            "credited_minor": view.credited_minor, "currency": view.currency, "state": view.state});
        let (owner, subject) = (Some(self.customer.as_u128()), self.id.as_u128());
        uow.emit(NewEvent { kind, version: 1, owner, subject, body: body.to_string() });
    }
}

/// The currency of a top-up, by its number; none when there is no such top-up.
pub(crate) fn currency_of(uow: &Uow<'_, '_>, id: Id<kinds::TopUp>) -> Result<Option<u16>, StoreError> {
    Ok(records::by_id(uow.reading(), id)?.map(|top_up| top_up.currency))
}

/// A top-up.
///
/// # Errors
/// Trouble.
pub async fn find(bank: &Bank, id: Id<kinds::TopUp>) -> Result<Option<TopUpView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| Ok(records::by_id(snapshot.reading(), id)?)).await?;
    Ok(found.map(|top_up| top_up.view(&desk)))
}

/// A customer's top-ups, newest first, from before an id.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    before: Option<Id<kinds::TopUp>>,
    limit: u32,
) -> Result<Vec<TopUpView>, BankError> {
    let desk = bank.desk();
    let found =
        bank.store().read(move |snapshot| Ok(records::page(snapshot.reading(), customer, before, limit)?)).await?;
    Ok(found.iter().map(|top_up| top_up.view(&desk)).collect())
}

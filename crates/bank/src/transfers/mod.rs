//! Transfers: money between people, by alias or wallet.
//!
//! ```text
//! (payee known)   ──► completed
//! (alias unknown) ──► waiting ──► claimed    when somebody proves that the alias is theirs
//!                        ├──────► returned   after the time that policy sets (24 h)
//!                        └──────► cancelled  by the sender
//! ```
//! The sender first looks the payee up and sees a masked name; what comes with it, the confirmation, is a keyed hash over payer,
//! payee and time, and must be sent with the transfer. Money for an alias that nobody holds waits in an account of the
//! bank's own, under the alias's keyed hash.
//!
//! Races closed here: claim, return and cancellation meet in one conditional update of the row, so exactly one of them moves
//! the money; the payee is resolved again in the unit that moves the money, so an alias that changed hands after the
//! confirmation refuses with `payee_changed`; two transfers of the same last money meet at the ledger's floor.

mod claim;
mod give_back;
mod look_up;
pub(crate) mod records;
mod send;
#[cfg(test)]
mod tests;

pub use claim::{CLAIMED_AT_ONCE, claim_for_alias};
pub use give_back::{JOB_RETURN, cancel, run_return};
pub use look_up::{Payee, PayeeRef, look_up};
pub use records::MIGRATIONS;
pub use send::{Send, dry_run, quote, send, send_quoted};

use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use store::{NewEvent, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The state of a transfer. All but the first are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TransferState {
    /// Nobody holds the alias yet.
    Waiting = 1,
    /// The payee has it.
    Completed = 2,
    /// The alias found its holder, who has it.
    Claimed = 3,
    /// Nobody claimed it in time: the sender has it again.
    Returned = 4,
    /// The sender took it back while it waited.
    Cancelled = 5,
}

impl TransferState {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Waiting,
            2 => Self::Completed,
            3 => Self::Claimed,
            4 => Self::Returned,
            5 => Self::Cancelled,
            _ => return None,
        })
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Waiting => "transfer.waiting",
            Self::Completed => "transfer.completed",
            Self::Claimed => "transfer.claimed",
            Self::Returned => "transfer.returned",
            Self::Cancelled => "transfer.cancelled",
        }
    }
}

/// A transfer's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) id: Id<kinds::Transfer>,
    pub(crate) payer: Id<kinds::Customer>,
    pub(crate) payer_account: AccountNo,
    pub(crate) payee: Option<Id<kinds::Customer>>,
    pub(crate) payee_wallet: Option<Id<kinds::Wallet>>,
    /// The keyed hash of the alias that it waits, or waited, for.
    pub(crate) alias: Option<Vec<u8>>,
    pub(crate) currency: u16,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) tax: i64,
    pub(crate) state: TransferState,
    /// The day whose limits it used.
    pub(crate) used_day: i32,
    pub(crate) created: Timestamp,
    pub(crate) returns_at: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
}

/// A transfer as its sender, its receiver and the staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferView {
    /// Its id.
    pub id: Id<kinds::Transfer>,
    /// Who sent it.
    pub payer: Id<kinds::Customer>,
    /// Who has it; nobody while it waits or when it went back.
    pub payee: Option<Id<kinds::Customer>>,
    /// In which wallet.
    pub payee_wallet: Option<Id<kinds::Wallet>>,
    /// What the payee gets, minor units.
    pub amount_minor: i64,
    /// The fee, tax included, minor units.
    pub fee_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// Its state.
    pub state: TransferState,
    /// When it was sent.
    pub created_at: Timestamp,
    /// While it waits: when it goes back.
    pub returns_at: Option<Timestamp>,
    /// When it became final.
    pub ended_at: Option<Timestamp>,
}

impl Transfer {
    pub(crate) fn view(&self, desk: &Desk) -> TransferView {
        let currency = desk.currencies().by_number(self.currency);
        TransferView {
            id: self.id,
            payer: self.payer,
            payee: self.payee,
            payee_wallet: self.payee_wallet,
            amount_minor: self.amount,
            fee_minor: self.fee + self.tax,
            currency: currency.map_or_else(|| self.currency.to_string(), |found| found.code().to_owned()),
            state: self.state,
            created_at: self.created,
            returns_at: self.returns_at.filter(|_| self.state == TransferState::Waiting),
            ended_at: self.ended,
        }
    }

    /// Tells the sender, and the receiver when there is one.
    fn emit(&self, desk: &Desk, uow: &mut Uow<'_, '_>) {
        let view = self.view(desk);
        let body = serde_json::json!({"transfer": view.id, "payer": view.payer, "payee": view.payee,
            "amount_minor": view.amount_minor, "currency": view.currency, "state": view.state})
        .to_string();
        let (kind, subject) = (self.state.event(), self.id.as_u128());
        uow.emit(NewEvent { kind, version: 1, owner: Some(self.payer.as_u128()), subject, body: body.clone() });
        if let Some(payee) = self.payee {
            let owner = Some(payee.as_u128());
            uow.emit(NewEvent { kind: "transfer.received", version: 1, owner, subject, body });
        }
    }
}

/// A transfer.
///
/// # Errors
/// Trouble.
pub async fn find(bank: &Bank, id: Id<kinds::Transfer>) -> Result<Option<TransferView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| Ok(records::by_id(snapshot.reading(), id)?)).await?;
    Ok(found.map(|transfer| transfer.view(&desk)))
}

/// A customer's transfers, sent and received, newest first, from before an id.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    before: Option<Id<kinds::Transfer>>,
    limit: u32,
) -> Result<Vec<TransferView>, BankError> {
    let desk = bank.desk();
    let found =
        bank.store().read(move |snapshot| Ok(records::page(snapshot.reading(), customer, before, limit)?)).await?;
    Ok(found.iter().map(|transfer| transfer.view(&desk)).collect())
}

//! What waits for a second person, and what became of it.

use super::records::{self, Approval, State};
use crate::audit::Keeper;
use crate::bank::Bank;
use crate::error::BankError;
use serde::{Deserialize, Serialize};
use vocabulary::{Id, Timestamp, kinds};

/// An act that waits or waited for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Its id.
    pub id: Id<kinds::Approval>,
    /// Who asked.
    pub requester: Id<kinds::Staff>,
    /// For which act.
    pub operation: String,
    /// The permission that the act needs; whoever approves has it too.
    pub permission: String,
    /// On what.
    pub subject: Option<String>,
    /// Exactly what: method, path and body.
    pub asked: String,
    /// Its digest, 64 hexadecimal digits.
    pub digest: String,
    /// `asked`, `approved`, `refused` or `used`.
    pub state: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// Until when it can be decided and done.
    pub expires: Timestamp,
    /// Who decided.
    pub decider: Option<Id<kinds::Staff>>,
}

pub(super) fn show(keeper: &Keeper, row: Approval) -> Result<ApprovalView, BankError> {
    let asked = keeper.open_text(&row.id.to_bytes(), row.asked)?;
    let Approval { id, requester, operation, permission, subject, created, expires, decider, .. } = row;
    let digest = row.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let state = row.state.name().to_owned();
    Ok(ApprovalView { id, requester, operation, permission, subject, asked, digest, state, created, expires, decider })
}

/// Those in a state, newest first, from before an id.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    state: State,
    before: Option<Id<kinds::Approval>>,
    limit: u32,
) -> Result<Vec<ApprovalView>, BankError> {
    let rows = bank.store().read(move |snapshot| records::page(snapshot.reading(), state, before, limit)).await?;
    let keeper = bank.keeper();
    rows.into_iter().map(|row| show(&keeper, row)).collect()
}

/// One of them.
///
/// # Errors
/// Trouble.
pub async fn find(bank: &Bank, id: Id<kinds::Approval>) -> Result<Option<ApprovalView>, BankError> {
    let row = bank.store().read(move |snapshot| records::by_id(snapshot.reading(), id)).await?;
    row.map(|row| show(&bank.keeper(), row)).transpose()
}

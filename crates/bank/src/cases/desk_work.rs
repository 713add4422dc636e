//! What staff do with cases: look, note, close with a reason and the evidence.

use crate::bank::Bank;
use crate::cases::{self, CaseView, records};
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::suspense;
use crate::wish::{Answer, Principal, Wish};
use serde::{Deserialize, Serialize};
use store::Outcome;
use vocabulary::{ErrorCode, Id, kinds};

/// How a case ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Why it may be closed; not empty.
    pub reason: String,
    /// What shows it (a statement's reference, a letter's number); not empty.
    pub evidence: String,
}

/// The case, with its notes.
///
/// # Errors
/// Trouble.
pub async fn find(bank: &Bank, id: Id<kinds::Case>) -> Result<Option<CaseView>, BankError> {
    Ok(bank.store().read(move |snapshot| Ok(records::by_id(snapshot.reading(), id)?)).await?)
}

/// Cases, newest first, from before an id, without notes.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    open_only: bool,
    before: Option<Id<kinds::Case>>,
    limit: u32,
) -> Result<Vec<CaseView>, BankError> {
    Ok(bank.store().read(move |snapshot| Ok(records::page(snapshot.reading(), open_only, before, limit)?)).await?)
}

/// Adds a note. Refused with `not_found`, or `missing_field` for an empty one.
///
/// # Errors
/// Trouble.
pub async fn note(bank: &Bank, wish: Wish, id: Id<kinds::Case>, text: String) -> Result<Answer<CaseView>, BankError> {
    let staff = acting(wish.principal);
    bank.once(wish, move |uow| {
        if text.trim().is_empty() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::MissingField).at("text")));
        }
        if records::by_id(uow.reading(), id)?.is_none() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        }
        records::add_note(uow, id, staff, &text)?;
        let case = records::by_id(uow.reading(), id)?;
        Ok(case.map_or_else(|| Outcome::Refused(Refusal::of(ErrorCode::NotFound)), Outcome::Done))
    })
    .await
}

/// Closes a case. Refused with `missing_field` without reason or evidence, `not_found`, `money_waiting` (then two people must decide
/// where it goes), `case_closed`.
///
/// # Errors
/// Trouble.
pub async fn close(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Case>,
    closing: Closing,
) -> Result<Answer<CaseView>, BankError> {
    let staff = acting(wish.principal);
    bank.once(wish, move |uow| {
        let empty = [("reason", &closing.reason), ("evidence", &closing.evidence)];
        if let Some((field, _)) = empty.iter().find(|(_, text)| text.trim().is_empty()) {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::MissingField).at(field)));
        }
        let Some(case) = records::by_id(uow.reading(), id)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        if case.open && suspense::under(uow.reading(), id)?.is_some() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::MoneyWaiting)));
        }
        if !records::set_closed(uow, id)? {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CaseClosed)));
        }
        let text = format!("closed: {} (evidence: {})", closing.reason, closing.evidence);
        records::add_note(uow, id, staff, &text)?;
        cases::tell_closed(uow, id, (case.kind, &case.subject));
        let case = records::by_id(uow.reading(), id)?;
        Ok(case.map_or_else(|| Outcome::Refused(Refusal::of(ErrorCode::NotFound)), Outcome::Done))
    })
    .await
}

fn acting(principal: Principal) -> Option<Id<kinds::Staff>> {
    match principal {
        Principal::Staff(id) => Some(id),
        Principal::Customer(_) | Principal::Merchant(_) | Principal::System => None,
    }
}

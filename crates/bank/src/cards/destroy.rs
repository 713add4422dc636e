//! A card goes: here at once, in the vault as soon as it answers.
//!
//! Crash point closed: the vault is told by a job that is written with the removal, and it may be told twice. The customer may
//! bring the same number meanwhile; the vault then gives the token that is about to go, and linking it is refused, because a
//! removed token never comes back.

use super::records::{self, CardRow};
use crate::bank::Bank;
use crate::error::BankError;
use store::{Job, NewEvent, Outcome, StoreError, Uow};
use vocabulary::{Id, kinds};

/// The vault is to destroy a card's number.
pub(crate) const JOB_DESTROY: &str = "cards.destroy";

/// Removes a card in this unit.
pub(super) fn begin(uow: &mut Uow<'_, '_>, card: &CardRow) -> Result<(), StoreError> {
    records::remove(uow, card.id)?;
    let now = uow.now();
    uow.schedule(now, JOB_DESTROY, card.id.as_u128())?;
    let body = serde_json::json!({"card": card.id}).to_string();
    let (owner, subject) = (Some(card.customer.as_u128()), card.id.as_u128());
    uow.emit(NewEvent { kind: "card.removed", version: 1, owner, subject, body });
    Ok(())
}

/// Removes all cards of a customer.
pub(crate) fn remove_all(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    for card in records::of_customer(uow.reading(), customer)? {
        begin(uow, &card)?;
    }
    Ok(())
}

/// Tells the vault.
///
/// # Errors
/// Trouble; the vault did not answer. The job is then put off.
pub(crate) fn run_destroy(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (id, claim) = (Id::from_u128(job.subject), job.claim);
    let card = bank.store().read_blocking(|snapshot| Ok(records::by_id(snapshot.reading(), id)?))?;
    if let Some(card) = card {
        let vault = bank.card_vault().ok_or_else(|| BankError::Outside("no card vault is named".to_owned()))?;
        vault.destroy(card.token, card.customer).map_err(|error| BankError::Outside(error.to_string()))?;
    }
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            records::set_destroyed(uow, id)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

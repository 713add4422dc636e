//! What an owner does with her cards.

use super::destroy::begin;
use super::records;
use super::{CardId, CardView, label, open, seal, view};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use store::{NewEvent, Outcome};
use vocabulary::{ErrorCode, Id, kinds};

/// A customer's cards, newest first.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, owner: Id<kinds::Customer>) -> Result<Vec<CardView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let mut views = Vec::new();
        for card in records::of_customer(snapshot.reading(), owner)? {
            if let Some(details) = open(&desk, snapshot.reading(), &card)? {
                views.push(view(&card, details));
            }
        }
        Ok(views)
    });
    Ok(found.await?)
}

/// Gives a card another name, or none. Refused with `invalid_field`, `card_not_found`.
///
/// # Errors
/// Trouble.
pub async fn rename(bank: &Bank, wish: Wish, id: CardId, name: Option<String>) -> Result<Answer<CardView>, BankError> {
    let (owner, desk) = (wish.principal.actor(), bank.desk());
    bank.once(wish, move |uow| {
        let name = match label(name.as_deref()) {
            Ok(name) => name,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let found = records::by_id(uow.reading(), id)?.filter(|card| card.customer.as_u128() == owner);
        let key = desk.sealing().key(uow.reading(), owner)?;
        let (Some(card), Some(key)) = (found, key) else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardNotFound)));
        };
        let Some(mut details) = open(&desk, uow.reading(), &card)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardNotFound)));
        };
        details.label.clone_from(&name);
        records::set_details(uow, id, &seal(&desk, &key, id, &details)?)?;
        let body = serde_json::json!({"card": id}).to_string();
        let (owner, subject) = (Some(owner), id.as_u128());
        uow.emit(NewEvent { kind: "card.renamed", version: 1, owner, subject, body });
        Ok(Outcome::Done(view(&card, details)))
    })
    .await
}

/// Removes a card, and has its number destroyed. Refused with `card_not_found` when it is not the principal's.
///
/// # Errors
/// Trouble.
pub async fn remove(bank: &Bank, wish: Wish, id: CardId) -> Result<Answer<()>, BankError> {
    let owner = wish.principal.actor();
    bank.once(wish, move |uow| {
        let found = records::by_id(uow.reading(), id)?;
        let Some(card) = found.filter(|card| card.customer.as_u128() == owner && card.removed.is_none()) else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardNotFound)));
        };
        begin(uow, &card)?;
        Ok(Outcome::Done(()))
    })
    .await
}

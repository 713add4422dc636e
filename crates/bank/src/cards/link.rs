//! A ticket for the vault, and the token that comes back.

use super::records::{self, CardRow};
use super::{CardId, CardView, Details, JOB_DESTROY, label, owner, seal, view};
use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use ports::CardDescription;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A ticket, and where to go with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    /// The ticket.
    pub ticket: String,
    /// When it ends, by the machine's clock.
    pub expires_at: Timestamp,
    /// The card vault's address.
    pub vault: String,
}

impl std::fmt::Debug for TicketView {
    /// Not the ticket: whoever has it may bring a card.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TicketView(until {})", self.expires_at)
    }
}

/// Gives a customer a ticket for the card vault. Refused with `forbidden` for anybody else, `cards_not_offered`,
/// `cards_too_many`.
///
/// # Errors
/// Trouble.
pub async fn ticket(bank: &Bank, wish: Wish) -> Result<Answer<TicketView>, BankError> {
    let owner = owner(wish.principal);
    let made = match (&owner, bank.card_vault()) {
        (Ok(owner), Some(vault)) => {
            let ticket = vault.ticket(*owner);
            let vault = vault.address().to_owned();
            Some(TicketView { ticket: ticket.text.expose().clone(), expires_at: ticket.expires, vault })
        }
        _ => None,
    };
    let desk = bank.desk();
    bank.once(wish, move |uow| {
        let owner = match &owner {
            Ok(owner) => *owner,
            Err(refusal) => return Ok(Outcome::Refused(refusal.clone())),
        };
        let Some(made) = &made else { return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardsNotOffered))) };
        if is_full(&desk, uow, owner)? {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardsTooMany)));
        }
        Ok(Outcome::Done(made.clone()))
    })
    .await
}

fn is_full(desk: &Desk, uow: &Uow<'_, '_>, owner: Id<kinds::Customer>) -> Result<bool, StoreError> {
    Ok(records::count(uow.reading(), owner)? >= i64::from(desk.policies.cards_per_customer))
}

/// A card to be linked.
#[derive(Clone, Debug)]
pub struct NewCard {
    /// The token that the vault gave the customer.
    pub token: Id<kinds::CardToken>,
    /// What she calls it.
    pub label: Option<String>,
}

/// Links the card that a token stands for. The same token again gives the same link, with what the vault says of it now. Refused
/// with `forbidden` for anybody but customers, `invalid_field`, `cards_not_offered`, `card_not_found` (also when the token is
/// someone else's or was removed), `cards_too_many`.
///
/// # Errors
/// Trouble; `Outside` when the vault does not answer.
pub async fn link(bank: &Bank, wish: Wish, new: NewCard) -> Result<Answer<CardView>, BankError> {
    let asked = match owner(wish.principal).and_then(|owner| Ok((owner, label(new.label.as_deref())?))) {
        Ok((owner, label)) => match described(bank, new.token, owner).await? {
            Ok(found) => Ok(Linking { id: bank.new_id(), token: new.token, owner, label, found }),
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    let desk = bank.desk();
    bank.once(wish, move |uow| match &asked {
        Ok(linking) => linking.act(&desk, uow),
        Err(refusal) => Ok(Outcome::Refused(refusal.clone())),
    })
    .await
}

/// Asks the vault, on a thread that may block.
async fn described(
    bank: &Bank,
    token: Id<kinds::CardToken>,
    owner: Id<kinds::Customer>,
) -> Result<Result<CardDescription, Refusal>, BankError> {
    let Some(vault) = bank.card_vault() else { return Ok(Err(Refusal::of(ErrorCode::CardsNotOffered))) };
    let vault = Arc::clone(vault);
    let asked = tokio::task::spawn_blocking(move || vault.describe(token, owner)).await;
    let answered = asked.map_err(|error| BankError::Bug(error.to_string()))?;
    let found = answered.map_err(|error| BankError::Outside(error.to_string()))?;
    Ok(found.ok_or_else(|| Refusal::of(ErrorCode::CardNotFound)))
}

struct Linking {
    id: CardId,
    token: Id<kinds::CardToken>,
    owner: Id<kinds::Customer>,
    label: Option<String>,
    found: CardDescription,
}

impl Linking {
    fn act(&self, desk: &Desk, uow: &mut Uow<'_, '_>) -> Result<Outcome<CardView, Refusal>, StoreError> {
        let key = desk.sealing().key(uow.reading(), self.owner.as_u128())?;
        let Some(key) = key else { return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound))) };
        let known = records::by_token(uow.reading(), self.token)?;
        if known.as_ref().is_some_and(|card| card.removed.is_some() || card.customer != self.owner) {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardNotFound)));
        }
        let full = known.is_none() && is_full(desk, uow, self.owner)?;
        let mut details = self.details();
        if let (Some(card), None) = (&known, &self.label) {
            details.label = super::open(desk, uow.reading(), card)?.and_then(|details| details.label);
        }
        let card = match known {
            Some(card) => {
                records::set_details(uow, card.id, &seal(desk, &key, card.id, &details)?)?;
                card
            }
            None => {
                let now = uow.now();
                let sealed = if full { None } else { Some(seal(desk, &key, self.id, &details)?) };
                let (customer, removed) = (self.owner, full.then_some(now));
                let card = CardRow { id: self.id, customer, token: self.token, details: sealed, linked: now, removed };
                records::insert(uow, &card)?;
                card
            }
        };
        if full {
            // The vault keeps what we asked about: it is told that nobody wants it.
            let now = uow.now();
            uow.schedule(now, JOB_DESTROY, card.id.as_u128())?;
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CardsTooMany)));
        }
        let body = serde_json::json!({"card": card.id}).to_string();
        let (owner, subject) = (Some(self.owner.as_u128()), card.id.as_u128());
        uow.emit(NewEvent { kind: "card.linked", version: 1, owner, subject, body });
        Ok(Outcome::Done(view(&card, details)))
    }

    fn details(&self) -> Details {
        let CardDescription { brand, last4, expiry_month, expiry_year } = self.found.clone();
        Details { brand, last4, month: expiry_month, year: expiry_year, label: self.label.clone() }
    }
}

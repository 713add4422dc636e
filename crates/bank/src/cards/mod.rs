//! Cards that customers link. The bank never sees a card number: that is the card vault's alone, and what the bank holds is a
//! token, and sealed under the customer's key the brand, the last four digits, the expiry and her own name for it.
//!
//! ```text
//! ticket ──▶ (the customer brings her card to the vault) ──▶ linked ──▶ removed ──▶ destroyed
//! ```
//!
//! A removed card starts nothing from that moment on; a job tells the vault to destroy the number and tries until it has. A token
//! that was removed never comes back. The vault is asked before a unit of work, never in one. Nothing is charged yet: there is
//! no card network.

mod change;
mod destroy;
mod link;
pub(crate) mod records;
#[cfg(test)]
mod tests;

pub use change::{list, remove, rename};
pub(crate) use destroy::{JOB_DESTROY, remove_all, run_destroy};
pub use link::{NewCard, TicketView, link, ticket};
pub use records::MIGRATIONS;

use crate::desk::Desk;
use crate::refusal::Refusal;
use crate::sealed::{PersonKey, Place, Sealed};
use crate::wish::Principal;
use records::CardRow;
use serde::{Deserialize, Serialize};
use sql::Reading;
use std::sync::Arc;
use store::StoreError;
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

type CardId = Id<kinds::Card>;

/// The longest name that a customer may give a card, characters.
pub const LABEL_CHARACTERS: usize = 40;
/// A name with more digits than this may be a card number, which has no business here.
const LABEL_DIGITS: usize = 6;

/// A linked card as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardView {
    /// Its id.
    pub id: CardId,
    /// The brand's name.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The last month in which it is good, 1 to 12.
    pub expiry_month: u8,
    /// That month's year.
    pub expiry_year: u16,
    /// What the owner calls it.
    pub label: Option<String>,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// What is sealed of a card.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Details {
    brand: String,
    last4: String,
    month: u8,
    year: u16,
    label: Option<String>,
}

const fn place(id: CardId) -> Place {
    Place::new("linked_card", "details", id.as_u128())
}

/// A name as it is kept: nothing for none or blanks. Refused when it is too long, has line breaks or the like, or may be a card
/// number.
fn label(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    if text.chars().count() > LABEL_CHARACTERS || text.chars().any(char::is_control) || digits > LABEL_DIGITS {
        let detail = "a card's name has at most 40 characters and six digits, and no card number in it";
        return Err(Refusal::new(ErrorCode::InvalidField, detail).at("label"));
    }
    Ok(Some(text.to_owned()))
}

/// The customer behind a wish; nobody else has cards.
fn owner(principal: Principal) -> Result<Id<kinds::Customer>, Refusal> {
    match principal {
        Principal::Customer(id) => Ok(id),
        Principal::Merchant(_) | Principal::Staff(_) | Principal::System => Err(Refusal::of(ErrorCode::Forbidden)),
    }
}

fn seal(desk: &Desk, key: &Arc<PersonKey>, id: CardId, details: &Details) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_string(details).map_err(|error| StoreError::Bug(error.to_string()))?;
    Ok(key.seal(desk.entropy(), place(id), &plain)?.stored().to_vec())
}

/// A card's details; nothing when it was removed or its owner erased.
fn open(desk: &Desk, reading: Reading<'_>, card: &CardRow) -> Result<Option<Details>, StoreError> {
    let key = desk.sealing().key(reading, card.customer.as_u128())?;
    let (Some(key), Some(sealed)) = (key, &card.details) else { return Ok(None) };
    let plain = Sealed::<String>::from_stored(sealed.clone()).open(&key, place(card.id))?;
    let damaged = StoreError::Corrupt { table: "linked_card", finding: "the details cannot be read" };
    serde_json::from_str(&plain).map(Some).map_err(|_| damaged)
}

fn view(card: &CardRow, details: Details) -> CardView {
    let Details { brand, last4, month, year, label } = details;
    CardView { id: card.id, brand, last4, expiry_month: month, expiry_year: year, label, linked_at: card.linked }
}

//! Bank accounts outside, linked by a customer or merchant, for money that comes from or goes to a bank.
//!
//! A number is an IBAN (checked, ISO 13616) or a national number of 6 to 34 digits and capital letters. It stands sealed under
//! its owner's key and is found again by keyed hash, so linking the same number twice gives the same link. A link that was
//! removed is kept, because instructions name it, and starts nothing new.

pub(crate) mod records;
mod settlement;
#[cfg(test)]
mod tests;

pub use records::MIGRATIONS;
pub(crate) use settlement::settlement_account;
pub use settlement::{of_merchant, settle_to};

use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::{Place, Sealed, Sealing};
use crate::wish::{Answer, Principal, Wish};
use formats::iban::Iban;
use records::LinkedAccount;
use serde::{Deserialize, Serialize};
use sql::Reading;
use std::sync::Arc;
use store::{NewEvent, Outcome, StoreError};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

type BankAccountId = Id<kinds::BankAccount>;

/// A linked bank account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccountView {
    /// Its id.
    pub id: BankAccountId,
    /// The number with all but the last four characters hidden.
    pub masked: String,
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When the link was removed.
    pub removed_at: Option<Timestamp>,
}

/// The number as banks exchange it: no blanks, capital letters; nothing when it is no bank account number.
#[must_use]
pub fn normalised(number: &str) -> Option<String> {
    let compact: String = number.chars().filter(|c| *c != ' ' && *c != '-').collect::<String>().to_ascii_uppercase();
    let bytes = compact.as_bytes();
    let like_iban = bytes.len() > 4 && bytes[..2].iter().all(u8::is_ascii_uppercase);
    if like_iban {
        return Iban::parse(&compact).ok().map(|iban| iban.as_str().to_owned());
    }
    let local = (6..=34).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
    local.then_some(compact)
}

pub(crate) fn masked(number: &str) -> String {
    let shown = number.len().saturating_sub(4);
    format!("…{}", &number[shown..])
}

/// Links a bank account to the wish's principal. Refused with `bank_account_invalid`, `forbidden` for anybody but customers and
/// merchants.
///
/// # Errors
/// Trouble.
pub async fn link(bank: &Bank, wish: Wish, number: String) -> Result<Answer<BankAccountView>, BankError> {
    let principal = wish.principal;
    let owner = match principal {
        Principal::Customer(_) | Principal::Merchant(_) => Some(principal.actor()),
        Principal::Staff(_) | Principal::System => None,
    };
    let normal = normalised(&number);
    let desk = bank.desk();
    let id = bank.new_id::<kinds::BankAccount>();
    // A merchant has no key of its own until something of it must be sealed.
    let spare = Arc::new(desk.sealing().new_person(owner.unwrap_or(0))?);
    bank.once(wish, move |uow| {
        let Some(owner) = owner else { return Ok(Outcome::Refused(Refusal::of(ErrorCode::Forbidden))) };
        let Some(number) = &normal else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::BankAccountInvalid).at("number")));
        };
        let hash = desk.sealing().hash("bank_account.number", number);
        if let Some(found) = records::by_hash(uow.reading(), owner, &hash)? {
            return Ok(Outcome::Done(view(&found, number)));
        }
        let key = match desk.sealing().key(uow.reading(), owner)? {
            Some(key) => key,
            None => {
                Sealing::insert(uow, owner, &spare)?;
                Arc::clone(&spare.key)
            }
        };
        let sealed = key.seal(desk.entropy(), place(id), number)?;
        let linked = LinkedAccount { id, owner, number: sealed.stored().to_vec(), linked: uow.now(), removed: None };
        records::insert(uow, &linked, &hash)?;
        let body = serde_json::json!({"bank_account": id}).to_string();
        let (kind, subject) = ("bank_account.linked", id.as_u128());
        uow.emit(NewEvent { kind, version: 1, owner: Some(owner), subject, body });
        if let Principal::Merchant(merchant) = principal {
            settlement::first_link(uow, merchant, id)?;
        }
        Ok(Outcome::Done(view(&linked, number)))
    })
    .await
}

/// Removes a link; it starts nothing new. Refused with `bank_account_not_found` when it is not the principal's.
///
/// # Errors
/// Trouble.
pub async fn remove(bank: &Bank, wish: Wish, id: BankAccountId) -> Result<Answer<BankAccountView>, BankError> {
    let (owner, desk) = (wish.principal.actor(), bank.desk());
    bank.once(wish, move |uow| {
        let found = records::by_id(uow.reading(), id)?.filter(|found| found.owner == owner && found.removed.is_none());
        let Some(mut found) = found else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::BankAccountNotFound)));
        };
        records::remove(uow, id)?;
        found.removed = Some(uow.now());
        let number = open(&desk, uow.reading(), &found)?.unwrap_or_default();
        Ok(Outcome::Done(view(&found, &number)))
    })
    .await
}

/// An owner's links, newest first, those removed left out.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, owner: Principal) -> Result<Vec<BankAccountView>, BankError> {
    let (owner, desk) = (owner.actor(), bank.desk());
    let found = bank
        .store()
        .read(move |snapshot| {
            let mut views = Vec::new();
            for linked in records::of_owner(snapshot.reading(), owner)? {
                let number = open(&desk, snapshot.reading(), &linked)?.unwrap_or_default();
                views.push(view(&linked, &number));
            }
            Ok(views)
        })
        .await?;
    Ok(found)
}

/// Whether a link is this owner's and may start something.
///
/// # Errors
/// When the database fails.
pub(crate) fn usable(reading: Reading<'_>, owner: u128, id: BankAccountId) -> Result<bool, StoreError> {
    let found = records::by_id(reading, id)?;
    Ok(found.is_some_and(|found| found.owner == owner && found.removed.is_none()))
}

/// The number of a linked account, for the bank; none when there is no such link or its owner's key was destroyed.
///
/// # Errors
/// When database or vault fail.
pub(crate) fn number(desk: &Desk, reading: Reading<'_>, id: BankAccountId) -> Result<Option<String>, StoreError> {
    match records::by_id(reading, id)? {
        Some(found) => open(desk, reading, &found),
        None => Ok(None),
    }
}

fn open(desk: &Desk, reading: Reading<'_>, linked: &LinkedAccount) -> Result<Option<String>, StoreError> {
    let Some(key) = desk.sealing().key(reading, linked.owner)? else { return Ok(None) };
    let sealed = Sealed::<String>::from_stored(linked.number.clone());
    Ok(Some(sealed.open(&key, place(linked.id))?))
}

fn view(linked: &LinkedAccount, number: &str) -> BankAccountView {
    BankAccountView { id: linked.id, masked: masked(number), linked_at: linked.linked, removed_at: linked.removed }
}

const fn place(id: BankAccountId) -> Place {
    Place::new("bank_account", "number", id.as_u128())
}

//! Who holds an alias.

use super::records::{self, Holder};
use super::{SEARCH, claim::view};
use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::sealed::{KeyedHash, Sealing};
use formats::alias::Alias;
use sql::Reading;
use vocabulary::{Id, kinds};

/// The keyed hash under which an alias is found. Compute it before the unit.
#[must_use]
pub fn search_hash(sealing: &Sealing, alias: &Alias) -> KeyedHash {
    sealing.hash(SEARCH, alias.as_str())
}

/// Who holds an alias now; nobody when it is not verified.
///
/// # Errors
/// Trouble.
pub async fn find(bank: &Bank, alias: &Alias) -> Result<Option<Holder>, BankError> {
    let hash = search_hash(bank.sealing(), alias);
    Ok(bank.store().read(move |snapshot| records::resolve(snapshot.reading(), &hash)).await?)
}

/// The keyed hash and the holder of a verified alias by its id: what a waiting transfer is found by.
///
/// # Errors
/// Trouble.
pub fn by_id(reading: Reading<'_>, id: Id<kinds::Alias>) -> Result<Option<(KeyedHash, Holder)>, BankError> {
    let Some(row) = records::by_id(reading, id)? else { return Ok(None) };
    let held = records::resolve(reading, &row.hash)?.filter(|holder| holder.alias == id);
    Ok(held.map(|holder| (row.hash, holder)))
}

/// What others see of an alias; none when its holder was erased.
///
/// # Errors
/// Trouble.
pub fn masked(desk: &Desk, reading: Reading<'_>, id: Id<kinds::Alias>) -> Result<Option<String>, BankError> {
    let Some(row) = records::by_id(reading, id)? else { return Ok(None) };
    let Some(key) = desk.sealing().key(reading, row.customer.as_u128())? else { return Ok(None) };
    let value = row.value.open(&key, records::value_place(id))?;
    Ok(Some(view(&row, &value).masked))
}

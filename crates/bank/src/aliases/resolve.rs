//! Who holds an alias.

use super::{SEARCH, records};
use crate::sealed::{KeyedHash, Sealing};
use formats::alias::Alias;
use sql::Connection;
use store::StoreError;
use vocabulary::{Id, kinds};

/// The holder of a verified alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The alias.
    pub alias: Id<kinds::Alias>,
    /// The wallet.
    pub wallet: Id<kinds::Wallet>,
    /// The customer.
    pub customer: Id<kinds::Customer>,
}

/// The keyed hash under which an alias is found. Compute it before the unit.
#[must_use]
pub fn search_hash(sealing: &Sealing, alias: &Alias) -> KeyedHash {
    sealing.hash(SEARCH, alias.as_str())
}

/// Who holds the alias of this hash; nobody when it is not verified.
///
/// # Errors
/// When the database fails.
pub fn resolve(reading: &Connection, hash: &KeyedHash) -> Result<Option<Holder>, StoreError> {
    let found = records::holder(reading, hash)?;
    Ok(found.map(|(alias, wallet, customer)| Holder { alias, wallet, customer }))
}

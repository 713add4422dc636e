//! The table of quotes.

use crate::payments::Method;
use crate::policies::Fee;
use sql::Reading;
use store::{Fingerprint, Migration, StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// Quotes.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 36,
    name: "quotes",
    sql: "CREATE TABLE quote (
        id BLOB PRIMARY KEY NOT NULL, actor BLOB NOT NULL, method INTEGER NOT NULL, fingerprint BLOB NOT NULL,
        fee TEXT NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX quote_expires ON quote(expires);",
}];

/// What a quote promises, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) actor: u128,
    pub(super) method: u8,
    pub(super) fingerprint: Fingerprint,
    pub(super) fee: Fee,
    pub(super) expires: Timestamp,
}

impl Quote {
    /// Whether it was made for this wish.
    pub(super) fn is_for(&self, actor: u128, method: Method, fingerprint: &Fingerprint) -> bool {
        self.actor == actor && self.method == method as u8 && self.fingerprint == *fingerprint
    }
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, id: Id<kinds::Quote>, quote: &Quote) -> Result<(), StoreError> {
    let fee = serde_json::to_string(&quote.fee).map_err(|error| StoreError::Bug(error.to_string()))?;
    let sql = "INSERT INTO quote(id, actor, method, fingerprint, fee, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let actor = quote.actor.to_be_bytes();
    let params = sql::params![id, &actor, quote.method, &quote.fingerprint, fee.as_str(), quote.expires];
    uow.execute(sql, params).map(drop)
}

/// Forgets at most so many quotes that expired before a moment; returns how many.
pub(crate) fn sweep(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM quote WHERE id IN (SELECT id FROM quote WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    uow.execute(sql, sql::params![before, most])
}

pub(super) fn by_id(reading: Reading<'_>, id: Id<kinds::Quote>) -> Result<Option<Quote>, StoreError> {
    let sql = "SELECT actor, method, fingerprint, fee, expires FROM quote WHERE id = ?1";
    let corrupt = sql::SqlError::Corrupt("a quote");
    Ok(reading.query_opt(sql, sql::params![id], |row| {
        let Ok(fingerprint) = row.blob(2)?.try_into() else { return Err(corrupt) };
        let Ok(fee) = serde_json::from_str(&row.text(3)?) else { return Err(corrupt) };
        Ok(Quote { actor: row.u128(0)?, method: row.small(1)?, fingerprint, fee, expires: row.time(4)? })
    })?)
}

//! The table of quotes.

use crate::policies::Fee;
use sql::Reading;
use store::{Fingerprint, Migration, StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// Quotes.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 36,
        name: "quotes",
        sql: "CREATE TABLE quote (
        id BLOB PRIMARY KEY NOT NULL, actor BLOB NOT NULL, method INTEGER NOT NULL, fingerprint BLOB NOT NULL,
        fee TEXT NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX quote_expires ON quote(expires);",
    },
    // By what a quote was redeemed; with it the column of the payment's method holds every kind of movement.
    Migration {
        version: 37,
        name: "quotes are redeemed once",
        sql: "ALTER TABLE quote ADD COLUMN redeemed BLOB;
        ALTER TABLE quote RENAME COLUMN method TO movement;",
    },
];

/// What a quote promises, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) actor: u128,
    pub(super) movement: u8,
    pub(super) fingerprint: Fingerprint,
    /// The fee's terms; none where the bank takes none.
    pub(super) fee: Option<Fee>,
    pub(super) expires: Timestamp,
    /// The movement that was made with it.
    pub(super) redeemed: Option<u128>,
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, id: Id<kinds::Quote>, quote: &Quote) -> Result<(), StoreError> {
    let fee = serde_json::to_string(&quote.fee).map_err(|error| StoreError::Bug(error.to_string()))?;
    let sql = "INSERT INTO quote(id, actor, movement, fingerprint, fee, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let actor = quote.actor.to_be_bytes();
    let params = sql::params![id, &actor, quote.movement, &quote.fingerprint, fee.as_str(), quote.expires];
    uow.put(sql, params)
}

/// Forgets at most so many quotes that expired before a moment; returns how many.
pub(crate) fn sweep(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM quote WHERE id IN (SELECT id FROM quote WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    uow.execute(sql, sql::params![before, most])
}

/// Whether the quote was there and nothing had redeemed it.
pub(super) fn redeem(uow: &mut Uow<'_, '_>, id: Id<kinds::Quote>, by: u128) -> Result<bool, StoreError> {
    let sql = "UPDATE quote SET redeemed = ?2 WHERE id = ?1 AND redeemed IS NULL";
    Ok(uow.execute(sql, sql::params![id, &by.to_be_bytes()])? == 1)
}

pub(super) fn by_id(reading: Reading<'_>, id: Id<kinds::Quote>) -> Result<Option<Quote>, StoreError> {
    let sql = "SELECT actor, movement, fingerprint, fee, expires, redeemed FROM quote WHERE id = ?1";
    let corrupt = sql::SqlError::Corrupt("a quote");
    Ok(reading.query_opt(sql, sql::params![id], |row| {
        let Ok(fingerprint) = row.blob(2)?.try_into() else { return Err(corrupt) };
        let Ok(fee) = serde_json::from_str(&row.text(3)?) else { return Err(corrupt) };
        let redeemed = row.opt_u128(5)?;
        Ok(Quote { actor: row.u128(0)?, movement: row.small(1)?, fingerprint, fee, expires: row.time(4)?, redeemed })
    })?)
}

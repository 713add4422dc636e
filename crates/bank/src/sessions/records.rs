//! Sessions, and failed sign-ins by the hash of the name.

use super::Session;
use crate::known::Kind;
use crate::sealed::KeyedHash;
use crate::tokens::TokenHash;
use sql::{Migration, Reading, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 16, name: "sessions", sql: SESSION }];

const SESSION: &str = "
CREATE TABLE session(
  hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE, customer BLOB NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_customer ON session(customer);
CREATE INDEX session_expires ON session(expires);
CREATE TABLE sign_in_failure(
  hash BLOB PRIMARY KEY, failures INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_failure_last ON sign_in_failure(last);
";

pub(super) fn insert(uow: &mut Uow<'_, '_>, hash: &TokenHash, session: &Session) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO session(hash, id, customer, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)";
    uow.execute(sql, params![hash, session.id, session.customer, now, session.expires]).map(drop)
}

pub(super) fn by_hash(reading: Reading<'_>, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT id, customer, expires FROM session WHERE hash = ?1";
    Ok(reading.query_opt(sql, params![hash], |row| {
        Ok(Session { id: row.id(0)?, customer: row.id(1)?, expires: row.time(2)? })
    })?)
}

pub(super) fn end(uow: &mut Uow<'_, '_>, id: Id<kinds::Session>) -> Result<bool, StoreError> {
    uow.tell(Kind::Session.of(id.as_u128()));
    Ok(uow.execute("DELETE FROM session WHERE id = ?1", params![id])? == 1)
}

/// Ends all sessions of a customer. After the commit forget them in memory too.
pub(crate) fn end_all(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    uow.tell(Kind::SessionsOf.of(customer.as_u128()));
    uow.execute("DELETE FROM session WHERE customer = ?1", params![customer]).map(drop)
}

/// Ends all sessions of a customer but one. After the commit forget them in memory too.
pub(super) fn end_others(uow: &mut Uow<'_, '_>, one: &Session) -> Result<(), StoreError> {
    uow.tell(Kind::SessionsOf.of(one.customer.as_u128()));
    let sql = "DELETE FROM session WHERE customer = ?1 AND id <> ?2";
    uow.execute(sql, params![one.customer, one.id]).map(drop)
}

/// Ends the customer's sessions whose time is over, so that they do not pile up.
pub(super) fn sweep(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("DELETE FROM session WHERE customer = ?1 AND expires <= ?2", params![customer, now]).map(drop)
}

/// Ends at most so many sessions whose time was over before a moment; returns how many.
pub(crate) fn sweep_ended(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql =
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    uow.execute(sql, params![before, most])
}

/// Forgets failures of at most so many names that last failed before a moment; returns of how many.
pub(crate) fn sweep_failures(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM sign_in_failure WHERE hash IN \
        (SELECT hash FROM sign_in_failure WHERE last < ?1 ORDER BY last LIMIT ?2)";
    uow.execute(sql, params![before, most])
}

/// How many failures in a row, and when the last was.
pub(super) fn failures(reading: Reading<'_>, hash: &KeyedHash) -> Result<Option<(u32, Timestamp)>, StoreError> {
    let sql = "SELECT failures, last FROM sign_in_failure WHERE hash = ?1";
    Ok(reading.query_opt(sql, params![hash], |row| Ok((row.small(0)?, row.time(1)?)))?)
}

pub(super) fn set_failures(uow: &mut Uow<'_, '_>, hash: &KeyedHash, failures: u32) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO sign_in_failure(hash, failures, last) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO UPDATE SET \
        failures = ?2, last = ?3";
    uow.execute(sql, params![hash, failures, now]).map(drop)
}

pub(super) fn clear_failures(uow: &mut Uow<'_, '_>, hash: &KeyedHash) -> Result<(), StoreError> {
    uow.execute("DELETE FROM sign_in_failure WHERE hash = ?1", params![hash]).map(drop)
}

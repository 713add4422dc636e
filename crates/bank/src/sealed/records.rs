//! The table of persons' wrapped keys.

use crate::known::Kind;
use sql::{Migration, Reading, params};
use store::{StoreError, Uow};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 10, name: "persons' keys", sql: PERSON_KEY },
    Migration { version: 60, name: "whose vault it is", sql: VAULT_CHECK },
];

const PERSON_KEY: &str = "
CREATE TABLE person_key(
  owner BLOB PRIMARY KEY, wrapped BLOB, created INTEGER NOT NULL, destroyed INTEGER
) STRICT, WITHOUT ROWID;
";

/// One key that is used for nothing, wrapped by the vault that belongs to this database (see `belonging`).
const VAULT_CHECK: &str = "
CREATE TABLE vault_check(only_row INTEGER PRIMARY KEY CHECK (only_row = 1), wrapped BLOB NOT NULL) STRICT;
";

pub(super) fn kept(reading: Reading<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(reading.query_opt("SELECT wrapped FROM vault_check", &[], |row| row.blob(0))?)
}

pub(super) fn keep(uow: &mut Uow<'_, '_>, wrapped: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO vault_check(only_row, wrapped) VALUES (1, ?1) ON CONFLICT DO NOTHING";
    uow.execute(sql, params![wrapped]).map(drop)
}

pub(super) fn some_person(reading: Reading<'_>) -> Result<Option<(u128, Vec<u8>)>, StoreError> {
    let sql = "SELECT owner, wrapped FROM person_key WHERE wrapped IS NOT NULL LIMIT 1";
    Ok(reading.query_opt(sql, &[], |row| Ok((row.u128(0)?, row.blob(1)?)))?)
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, owner: u128, wrapped: &[u8]) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO person_key(owner, wrapped, created) VALUES (?1, ?2, ?3)";
    uow.execute(sql, params![&owner.to_be_bytes(), wrapped, now]).map(drop)
}

pub(super) fn wrapped(reading: Reading<'_>, owner: u128) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT wrapped FROM person_key WHERE owner = ?1";
    let found = reading.query_opt(sql, params![&owner.to_be_bytes()], |row| row.opt_blob(0))?;
    Ok(found.flatten())
}

pub(super) fn remove(uow: &mut Uow<'_, '_>, owner: u128) -> Result<(), StoreError> {
    uow.tell(Kind::Person.of(owner));
    uow.execute("DELETE FROM person_key WHERE owner = ?1", params![&owner.to_be_bytes()]).map(drop)
}

pub(super) fn destroy(uow: &mut Uow<'_, '_>, owner: u128) -> Result<bool, StoreError> {
    uow.tell(Kind::Person.of(owner));
    let now = uow.now();
    let sql = "UPDATE person_key SET wrapped = NULL, destroyed = ?2 WHERE owner = ?1 AND wrapped IS NOT NULL";
    Ok(uow.execute(sql, params![&owner.to_be_bytes(), now])? == 1)
}

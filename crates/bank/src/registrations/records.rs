//! Registrations that were begun.

use crate::sealed::{KeyedHash, Sealing};
use sql::{Migration, Reading, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 83, name: "registrations", sql: REGISTRATION }];

const REGISTRATION: &str = "
CREATE TABLE registration(
  id BLOB PRIMARY KEY, contact BLOB NOT NULL, code BLOB NOT NULL, tries INTEGER NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL, finished INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX registration_contact ON registration(contact, created);
CREATE INDEX registration_expires ON registration(expires);
";

/// A registration's row.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    /// The keyed hash of the contact.
    pub(super) contact: KeyedHash,
    /// The keyed hash of the code that was sent, or of one that nobody was told.
    pub(super) code: Vec<u8>,
    /// How many wrong codes came back.
    pub(super) tries: u32,
    /// Until when the code is good.
    pub(super) expires: Timestamp,
    /// When a customer was made of it.
    pub(super) finished: Option<Timestamp>,
}

pub(super) fn insert(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Registration>,
    (contact, code, expires): (&KeyedHash, &[u8], Timestamp),
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO registration(id, contact, code, tries, created, expires) VALUES (?1, ?2, ?3, 0, ?4, ?5)";
    uow.execute(sql, params![id, contact, code, now, expires]).map(drop)
}

pub(super) fn by_id(reading: Reading<'_>, id: Id<kinds::Registration>) -> Result<Option<Registration>, StoreError> {
    let sql = "SELECT contact, code, tries, expires, finished FROM registration WHERE id = ?1";
    Ok(reading.query_opt(sql, params![id], |row| {
        Ok(Registration {
            contact: row.blob(0)?.try_into().map_err(|_| sql::SqlError::Corrupt("a contact's hash"))?,
            code: row.blob(1)?,
            tries: row.small(2)?,
            expires: row.time(3)?,
            finished: row.opt_time(4)?,
        })
    })?)
}

/// How many were begun for a contact after a moment.
pub(super) fn begun_since(reading: Reading<'_>, contact: &KeyedHash, since: Timestamp) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM registration WHERE contact = ?1 AND created > ?2";
    Ok(reading.number(sql, params![contact, since])?)
}

pub(super) fn count_try(uow: &mut Uow<'_, '_>, id: Id<kinds::Registration>) -> Result<(), StoreError> {
    uow.execute("UPDATE registration SET tries = tries + 1 WHERE id = ?1", params![id]).map(drop)
}

pub(super) fn set_finished(uow: &mut Uow<'_, '_>, id: Id<kinds::Registration>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("UPDATE registration SET finished = ?2 WHERE id = ?1", params![id, now]).map(drop)
}

/// Deletes at most so many registrations that ended before a moment, with the keys of their messages; returns how many.
pub(crate) fn sweep(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "SELECT id FROM registration WHERE expires < ?1 ORDER BY expires LIMIT ?2";
    let over: Vec<Id<kinds::Registration>> = uow.reading().query(sql, params![before, most], |row| row.id(0))?;
    for id in &over {
        Sealing::remove(uow, id.as_u128())?;
        uow.execute("DELETE FROM registration WHERE id = ?1", params![*id])?;
    }
    Ok(over.len())
}

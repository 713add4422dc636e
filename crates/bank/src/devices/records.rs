//! Devices, and challenges that were used.

use super::proof::DeviceKey;
use crate::sealed::{Place, Sealed};
use crate::tokens::TokenHash;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 82, name: "devices", sql: DEVICE }];

const DEVICE: &str = "
CREATE TABLE device(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL, key BLOB NOT NULL, name BLOB, created INTEGER NOT NULL,
  seen INTEGER NOT NULL, revoked INTEGER, UNIQUE(customer, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE device_challenge(
  hash BLOB PRIMARY KEY, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_challenge_expires ON device_challenge(expires);
";

/// A device's row.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) id: Id<kinds::Device>,
    pub(super) key: DeviceKey,
    pub(super) name: Option<Sealed<String>>,
    pub(super) created: Timestamp,
    pub(super) seen: Timestamp,
    pub(super) revoked: Option<Timestamp>,
}

pub(super) fn name_place(id: Id<kinds::Device>) -> Place {
    Place::new("device", "name", id.as_u128())
}

const COLUMNS: &str = "id, key, name, created, seen, revoked";

fn read(row: &Row<'_>) -> Result<Device, SqlError> {
    Ok(Device {
        id: row.id(0)?,
        key: DeviceKey::read(&row.blob(1)?).ok_or(SqlError::Corrupt("a device's key"))?,
        name: row.opt_blob(2)?.map(Sealed::from_stored),
        created: row.time(3)?,
        seen: row.time(4)?,
        revoked: row.opt_time(5)?,
    })
}

/// Uses a challenge up; false when it was used before.
pub(super) fn use_up(uow: &mut Uow<'_, '_>, hash: &TokenHash, expires: Timestamp) -> Result<bool, StoreError> {
    let sql = "INSERT INTO device_challenge(hash, expires) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(uow.execute(sql, params![hash, expires])? == 1)
}

/// Forgets at most so many challenges that ended before a moment; returns how many.
pub(crate) fn sweep(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM device_challenge WHERE hash IN \
        (SELECT hash FROM device_challenge WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    uow.execute(sql, params![before, most])
}

pub(super) fn by_key(
    reading: Reading<'_>,
    customer: Id<kinds::Customer>,
    key: &DeviceKey,
) -> Result<Option<Device>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM device WHERE customer = ?1 AND key = ?2");
    Ok(reading.query_opt(&sql, params![customer, key.stored()], read)?)
}

/// The key of a device that is not revoked.
pub(crate) fn key(reading: Reading<'_>, id: Id<kinds::Device>) -> Result<Option<DeviceKey>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM device WHERE id = ?1 AND revoked IS NULL");
    Ok(reading.query_opt(&sql, params![id], read)?.map(|device| device.key))
}

pub(super) fn insert(
    uow: &mut Uow<'_, '_>,
    (id, customer): (Id<kinds::Device>, Id<kinds::Customer>),
    (key, name): (&DeviceKey, Option<&Sealed<String>>),
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO device(id, customer, key, name, created, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    uow.execute(sql, params![id, customer, key.stored(), name.map(Sealed::stored), now]).map(drop)
}

/// Notes that a device proved itself now.
pub(crate) fn set_seen(uow: &mut Uow<'_, '_>, id: Id<kinds::Device>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.put("UPDATE device SET seen = ?2 WHERE id = ?1", params![id, now])
}

/// The customer's devices that are not revoked, newest first.
pub(super) fn of_customer(
    reading: Reading<'_>,
    customer: Id<kinds::Customer>,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM device WHERE customer = ?1 AND revoked IS NULL ORDER BY id DESC LIMIT ?2");
    Ok(reading.query(&sql, params![customer, limit], read)?)
}

/// False when she has no such device.
pub(super) fn revoke(
    uow: &mut Uow<'_, '_>,
    customer: Id<kinds::Customer>,
    id: Id<kinds::Device>,
) -> Result<bool, StoreError> {
    let now = uow.now();
    let sql = "UPDATE device SET revoked = ?3 WHERE id = ?1 AND customer = ?2 AND revoked IS NULL";
    Ok(uow.execute(sql, params![id, customer, now])? == 1)
}

/// Deletes all devices of a customer who is erased.
pub(crate) fn forget_all(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    uow.execute("DELETE FROM device WHERE customer = ?1", params![customer]).map(drop)
}

/// Since when the device of a session has been bound to its customer; nothing when the session has none. Whoever decides about
/// a second factor asks this: a device bound a moment ago is a new one.
///
/// # Errors
/// When the database fails.
pub fn bound_since(reading: Reading<'_>, session: Id<kinds::Session>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT device.created FROM session JOIN device ON device.id = session.device WHERE session.id = ?1";
    Ok(reading.query_opt(sql, params![session], |row| row.time(0))?)
}

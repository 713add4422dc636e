//! Factors, recovery codes, failures, and when a person's factors were last changed.

use crate::sealed::{KeyedHash, Place, Sealed};
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 71, name: "factors", sql: FACTOR }];

const FACTOR: &str = "
CREATE TABLE factor(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL, kind INTEGER NOT NULL, secret BLOB NOT NULL, created INTEGER NOT NULL,
  confirmed INTEGER, last_step INTEGER NOT NULL, last_used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX factor_customer ON factor(customer, kind);
CREATE TABLE recovery_code(
  hash BLOB PRIMARY KEY, customer BLOB NOT NULL, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_code_customer ON recovery_code(customer);
CREATE TABLE factor_failure(
  customer BLOB NOT NULL, kind INTEGER NOT NULL, failures INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (customer, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE factor_change(
  customer BLOB PRIMARY KEY, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

type Customer = Id<kinds::Customer>;
type FactorId = Id<kinds::Factor>;

/// What can be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The password.
    Password = 0,
    /// The payment PIN.
    Pin = 1,
    /// An authenticator's code.
    Totp = 2,
    /// A recovery code.
    RecoveryCode = 3,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Pin => "pin",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// A factor's row.
#[derive(Clone, Debug)]
pub(super) struct FactorRow {
    pub(super) id: FactorId,
    pub(super) customer: Customer,
    pub(super) kind: Kind,
    /// The authenticator's secret, or the PIN's hash.
    pub(super) secret: Sealed<Vec<u8>>,
    pub(super) created: Timestamp,
    /// Nothing while an authenticator has not shown a code.
    pub(super) confirmed: Option<Timestamp>,
    /// The last step of an authenticator that was taken.
    pub(super) last_step: i64,
    pub(super) last_used: Option<Timestamp>,
}

pub(super) fn secret_place(id: FactorId) -> Place {
    Place::new("factor", "secret", id.as_u128())
}

fn read(row: &Row<'_>) -> Result<FactorRow, SqlError> {
    let kind = match row.int(2)? {
        1 => Kind::Pin,
        2 => Kind::Totp,
        _ => return Err(SqlError::Corrupt("a factor's kind")),
    };
    Ok(FactorRow {
        id: row.id(0)?,
        customer: row.id(1)?,
        kind,
        secret: Sealed::from_stored(row.blob(3)?),
        created: row.time(4)?,
        confirmed: row.opt_time(5)?,
        last_step: row.int(6)?,
        last_used: row.opt_time(7)?,
    })
}

const SELECT: &str = "SELECT id, customer, kind, secret, created, confirmed, last_step, last_used FROM factor";

pub(super) fn insert(uow: &mut Uow<'_, '_>, row: &FactorRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO factor(id, customer, kind, secret, created, confirmed, last_step) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let FactorRow { id, customer, created, confirmed, last_step, .. } = row;
    let (kind, secret) = (row.kind as i64, row.secret.stored());
    uow.execute(sql, params![*id, *customer, kind, secret, *created, *confirmed, *last_step]).map(drop)
}

/// All of a customer, those that wait for their first code too.
pub(super) fn of(reading: Reading<'_>, customer: Customer) -> Result<Vec<FactorRow>, StoreError> {
    Ok(reading.query(&format!("{SELECT} WHERE customer = ?1 ORDER BY id"), params![customer], read)?)
}

/// A customer's factor of a kind: one that is in use, or an authenticator that waits for its first code.
pub(super) fn of_kind(
    reading: Reading<'_>,
    (customer, kind): (Customer, Kind),
    waits: bool,
) -> Result<Option<FactorRow>, StoreError> {
    Ok(of(reading, customer)?.into_iter().find(|row| row.kind == kind && row.confirmed.is_none() == waits))
}

pub(super) fn by_id(reading: Reading<'_>, id: FactorId) -> Result<Option<FactorRow>, StoreError> {
    Ok(reading.query_opt(&format!("{SELECT} WHERE id = ?1"), params![id], read)?)
}

/// Notes that a factor was used, an authenticator's at which step.
pub(super) fn set_used(uow: &mut Uow<'_, '_>, id: FactorId, step: i64) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("UPDATE factor SET last_step = ?2, last_used = ?3 WHERE id = ?1", params![id, step, now]).map(drop)
}

pub(super) fn set_confirmed(uow: &mut Uow<'_, '_>, id: FactorId, step: i64) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("UPDATE factor SET confirmed = ?2, last_step = ?3 WHERE id = ?1", params![id, now, step]).map(drop)
}

pub(super) fn delete(uow: &mut Uow<'_, '_>, id: FactorId) -> Result<(), StoreError> {
    uow.execute("DELETE FROM factor WHERE id = ?1", params![id]).map(drop)
}

pub(super) fn delete_kind(
    uow: &mut Uow<'_, '_>,
    (customer, kind): (Customer, Kind),
    waits: bool,
) -> Result<(), StoreError> {
    match of_kind(uow.reading(), (customer, kind), waits)? {
        Some(row) => delete(uow, row.id),
        None => Ok(()),
    }
}

/// Ends everything of a customer.
pub(crate) fn end_all(uow: &mut Uow<'_, '_>, customer: Customer) -> Result<(), StoreError> {
    uow.execute("DELETE FROM factor WHERE customer = ?1", params![customer])?;
    uow.execute("DELETE FROM recovery_code WHERE customer = ?1", params![customer])?;
    uow.execute("DELETE FROM factor_failure WHERE customer = ?1", params![customer]).map(drop)
}

pub(super) fn insert_code(uow: &mut Uow<'_, '_>, customer: Customer, hash: &KeyedHash) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO recovery_code(hash, customer, created) VALUES (?1, ?2, ?3)";
    uow.execute(sql, params![hash, customer, now]).map(drop)
}

pub(super) fn delete_codes(uow: &mut Uow<'_, '_>, customer: Customer) -> Result<(), StoreError> {
    uow.execute("DELETE FROM recovery_code WHERE customer = ?1", params![customer]).map(drop)
}

/// Uses a code up; whether it was there.
pub(super) fn use_code(uow: &mut Uow<'_, '_>, customer: Customer, hash: &KeyedHash) -> Result<bool, StoreError> {
    let sql = "DELETE FROM recovery_code WHERE hash = ?1 AND customer = ?2";
    Ok(uow.execute(sql, params![hash, customer])? == 1)
}

pub(super) fn codes_left(reading: Reading<'_>, customer: Customer) -> Result<i64, StoreError> {
    Ok(reading.number("SELECT count(*) FROM recovery_code WHERE customer = ?1", params![customer])?)
}

/// How many failures in a row, and when the last was.
pub(super) fn failures(
    reading: Reading<'_>,
    (customer, kind): (Customer, Kind),
) -> Result<Option<(u32, Timestamp)>, StoreError> {
    let sql = "SELECT failures, last FROM factor_failure WHERE customer = ?1 AND kind = ?2";
    Ok(reading.query_opt(sql, params![customer, kind as i64], |row| Ok((row.small(0)?, row.time(1)?)))?)
}

pub(super) fn set_failures(
    uow: &mut Uow<'_, '_>,
    (customer, kind): (Customer, Kind),
    failures: u32,
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO factor_failure(customer, kind, failures, last) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (customer, kind) DO UPDATE SET failures = ?3, last = ?4";
    uow.execute(sql, params![customer, kind as i64, failures, now]).map(drop)
}

pub(super) fn clear_failures(uow: &mut Uow<'_, '_>, (customer, kind): (Customer, Kind)) -> Result<(), StoreError> {
    let sql = "DELETE FROM factor_failure WHERE customer = ?1 AND kind = ?2";
    uow.execute(sql, params![customer, kind as i64]).map(drop)
}

pub(super) fn set_changed(uow: &mut Uow<'_, '_>, customer: Customer) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO factor_change(customer, at) VALUES (?1, ?2) ON CONFLICT (customer) DO UPDATE SET at = ?2";
    uow.execute(sql, params![customer, now]).map(drop)
}

/// When a customer's factors were last set or removed.
pub(crate) fn changed(reading: Reading<'_>, customer: Customer) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT at FROM factor_change WHERE customer = ?1";
    Ok(reading.query_opt(sql, params![customer], |row| row.time(0))?)
}

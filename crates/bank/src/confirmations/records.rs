//! Confirmations, counters of small movements, payees who were confirmed, and thresholds that customers have lowered.

use super::rules::Reason;
use crate::sealed::{Place, Sealed};
use sql::{Migration, Reading, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 72, name: "confirmations", sql: CONFIRMATION }];

const CONFIRMATION: &str = "
CREATE TABLE confirmation(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL, digest BLOB NOT NULL, shown BLOB NOT NULL, state INTEGER NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmation_expires ON confirmation(expires);
CREATE TABLE small_movement(
  customer BLOB NOT NULL, currency INTEGER NOT NULL, total INTEGER NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (customer, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE small_limit(
  customer BLOB NOT NULL, currency INTEGER NOT NULL, most INTEGER NOT NULL, PRIMARY KEY (customer, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE confirmed_payee(
  customer BLOB NOT NULL, payee BLOB NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (customer, payee)
) STRICT, WITHOUT ROWID;
";

type Customer = Id<kinds::Customer>;
type ConfirmationId = Id<kinds::Confirmation>;

/// How far a confirmation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a factor.
    Asked = 1,
    /// A factor was proved.
    Confirmed = 2,
    /// The movement was made.
    Used = 3,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Confirmed => "confirmed",
            Self::Used => "used",
        }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Confirmation {
    pub(super) id: ConfirmationId,
    pub(super) customer: Customer,
    pub(super) digest: [u8; 32],
    /// What is shown, sealed under the payer's key.
    pub(super) shown: Sealed<Vec<u8>>,
    pub(super) state: State,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
}

pub(super) fn shown_place(id: ConfirmationId) -> Place {
    Place::new("confirmation", "shown", id.as_u128())
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, row: &Confirmation) -> Result<(), StoreError> {
    let sql = "INSERT INTO confirmation(id, customer, digest, shown, state, created, expires) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Confirmation { id, customer, digest, created, expires, .. } = row;
    let (shown, state) = (row.shown.stored(), row.state as i64);
    uow.execute(sql, params![*id, *customer, digest, shown, state, *created, *expires]).map(drop)
}

pub(super) fn by_id(reading: Reading<'_>, id: ConfirmationId) -> Result<Option<Confirmation>, StoreError> {
    let sql = "SELECT customer, digest, shown, state, created, expires FROM confirmation WHERE id = ?1";
    Ok(reading.query_opt(sql, params![id], |row| {
        let number = row.int(3)?;
        let state = [State::Asked, State::Confirmed, State::Used].into_iter().find(|state| *state as i64 == number);
        Ok(Confirmation {
            id,
            customer: row.id(0)?,
            digest: row.blob(1)?.try_into().map_err(|_| SqlError::Corrupt("a digest of a confirmation"))?,
            shown: Sealed::from_stored(row.blob(2)?),
            state: state.ok_or(SqlError::Corrupt("a state of a confirmation"))?,
            created: row.time(4)?,
            expires: row.time(5)?,
        })
    })?)
}

pub(super) fn set_state(uow: &mut Uow<'_, '_>, id: ConfirmationId, state: State) -> Result<(), StoreError> {
    uow.execute("UPDATE confirmation SET state = ?2 WHERE id = ?1", params![id, state as i64]).map(drop)
}

/// Forgets at most so many confirmations that ended before a moment; returns how many.
pub(crate) fn sweep(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM confirmation WHERE id IN \
        (SELECT id FROM confirmation WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    uow.execute(sql, params![before, most])
}

/// What has passed unconfirmed since the last confirmed movement: sum in minor units, and number.
pub(super) fn passed(reading: Reading<'_>, (customer, currency): (Customer, u16)) -> Result<(i64, u32), StoreError> {
    let sql = "SELECT total, number FROM small_movement WHERE customer = ?1 AND currency = ?2";
    let found = reading.query_opt(sql, params![customer, currency], |row| Ok((row.int(0)?, row.small(1)?)))?;
    Ok(found.unwrap_or((0, 0)))
}

pub(super) fn set_passed(
    uow: &mut Uow<'_, '_>,
    (customer, currency): (Customer, u16),
    (total, number): (i64, u32),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO small_movement(customer, currency, total, number) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (customer, currency) DO UPDATE SET total = ?3, number = ?4";
    uow.execute(sql, params![customer, currency, total, number]).map(drop)
}

/// The largest small amount that a customer wants in a currency, if she has said so.
pub(super) fn own_most(reading: Reading<'_>, (customer, currency): (Customer, u16)) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT most FROM small_limit WHERE customer = ?1 AND currency = ?2";
    Ok(reading.query_opt(sql, params![customer, currency], |row| row.int(0))?)
}

pub(super) fn set_own_most(
    uow: &mut Uow<'_, '_>,
    (customer, currency): (Customer, u16),
    most: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO small_limit(customer, currency, most) VALUES (?1, ?2, ?3) \
        ON CONFLICT (customer, currency) DO UPDATE SET most = ?3";
    uow.execute(sql, params![customer, currency, most]).map(drop)
}

pub(super) fn knows_payee(reading: Reading<'_>, customer: Customer, payee: &[u8; 32]) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM confirmed_payee WHERE customer = ?1 AND payee = ?2";
    Ok(reading.number(sql, params![customer, payee])? != 0)
}

pub(super) fn keep_payee(uow: &mut Uow<'_, '_>, customer: Customer, payee: &[u8; 32]) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO confirmed_payee(customer, payee, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    uow.execute(sql, params![customer, payee, now]).map(drop)
}

impl Reason {
    /// Its name, as callers meet it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FactorChanged => "factor_changed",
            Self::NewPayee => "new_payee",
            Self::Amount => "amount",
            Self::UsedUp => "used_up",
        }
    }
}

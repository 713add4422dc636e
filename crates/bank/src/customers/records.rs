//! The table of customers.

use crate::sealed::{KeyedHash, Place, Sealed};
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 12, name: "customers", sql: CUSTOMER }];

const CUSTOMER: &str = "
CREATE TABLE customer(
  id BLOB PRIMARY KEY, tier INTEGER NOT NULL, sign_in_hash BLOB UNIQUE, sign_in BLOB, display_name BLOB NOT NULL,
  password BLOB, created INTEGER NOT NULL, erased INTEGER
) STRICT, WITHOUT ROWID;
";

/// A customer's row.
#[derive(Clone, Debug)]
pub struct CustomerRow {
    /// Its id.
    pub id: Id<kinds::Customer>,
    /// Its tier.
    pub tier: u8,
    /// The sealed sign-in name.
    pub sign_in: Option<Sealed<String>>,
    /// The sealed display name.
    pub display_name: Sealed<String>,
    /// When it was opened.
    pub created: Timestamp,
    /// When its key was destroyed.
    pub erased: Option<Timestamp>,
}

/// A customer's row to be written.
#[derive(Clone, Debug)]
pub(super) struct NewCustomer {
    pub(super) id: Id<kinds::Customer>,
    pub(super) tier: u8,
    pub(super) sign_in: Option<(KeyedHash, Sealed<String>)>,
    pub(super) display_name: Sealed<String>,
    pub(super) password: Option<Vec<u8>>,
}

pub(super) fn sign_in_place(id: Id<kinds::Customer>) -> Place {
    Place::new("customer", "sign_in", id.as_u128())
}

pub(super) fn name_place(id: Id<kinds::Customer>) -> Place {
    Place::new("customer", "display_name", id.as_u128())
}

/// False when the sign-in name is taken.
pub(super) fn insert(uow: &mut Uow<'_, '_>, new: &NewCustomer) -> Result<bool, StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO customer(id, tier, sign_in_hash, sign_in, display_name, password, created) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let params = params![
        new.id,
        new.tier,
        new.sign_in.as_ref().map(|(hash, _)| hash),
        new.sign_in.as_ref().map(|(_, sealed)| sealed.stored()),
        new.display_name.stored(),
        new.password.as_ref(),
        now
    ];
    Ok(uow.execute(sql, params)? == 1)
}

/// A customer's row.
///
/// # Errors
/// When the database fails.
pub fn by_id(reading: Reading<'_>, id: Id<kinds::Customer>) -> Result<Option<CustomerRow>, StoreError> {
    let sql = "SELECT id, tier, sign_in, display_name, created, erased FROM customer WHERE id = ?1";
    Ok(reading.query_opt(sql, params![id], read)?)
}

/// Customers from before an id, newest first.
pub(super) fn page(
    reading: Reading<'_>,
    before: Option<Id<kinds::Customer>>,
    limit: u32,
) -> Result<Vec<CustomerRow>, StoreError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    let sql = "SELECT id, tier, sign_in, display_name, created, erased FROM customer WHERE id < ?1 \
        ORDER BY id DESC LIMIT ?2";
    Ok(reading.query(sql, params![before, limit], read)?)
}

fn read(row: &Row<'_>) -> Result<CustomerRow, SqlError> {
    Ok(CustomerRow {
        id: row.id(0)?,
        tier: row.small(1)?,
        sign_in: row.opt_blob(2)?.map(Sealed::from_stored),
        display_name: Sealed::from_stored(row.blob(3)?),
        created: row.time(4)?,
        erased: row.opt_time(5)?,
    })
}

/// Whom a sign-in name lets in, and with which password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) customer: Id<kinds::Customer>,
    pub(crate) password: Option<Vec<u8>>,
}

/// The customer with a sign-in name, and the password's hash.
pub(crate) fn by_sign_in(reading: Reading<'_>, hash: &KeyedHash) -> Result<Option<Credential>, StoreError> {
    let sql = "SELECT id, password FROM customer WHERE sign_in_hash = ?1 AND erased IS NULL";
    let params = params![hash];
    Ok(reading.query_opt(sql, params, |row| Ok(Credential { customer: row.id(0)?, password: row.opt_blob(1)? }))?)
}

/// The hash of a customer's sign-in name and her password's; none when she has no sign-in name or was erased.
pub(crate) fn credential(
    reading: Reading<'_>,
    id: Id<kinds::Customer>,
) -> Result<Option<(KeyedHash, Credential)>, StoreError> {
    let sql =
        "SELECT sign_in_hash, password FROM customer WHERE id = ?1 AND sign_in_hash IS NOT NULL AND erased IS NULL";
    Ok(reading.query_opt(sql, params![id], |row| {
        let name = row.blob(0)?.try_into().map_err(|_| sql::SqlError::Corrupt("a sign-in name's hash"))?;
        Ok((name, Credential { customer: id, password: row.opt_blob(1)? }))
    })?)
}

pub(crate) fn set_password(uow: &mut Uow<'_, '_>, id: Id<kinds::Customer>, password: &[u8]) -> Result<(), StoreError> {
    uow.execute("UPDATE customer SET password = ?2 WHERE id = ?1 AND erased IS NULL", params![id, password]).map(drop)
}

/// A customer's tier; the lowest when there is no such customer.
///
/// # Errors
/// When the database fails.
pub fn tier(reading: Reading<'_>, id: Id<kinds::Customer>) -> Result<u8, StoreError> {
    let found = reading.query_opt("SELECT tier FROM customer WHERE id = ?1", params![id], |row| row.small(0))?;
    Ok(found.unwrap_or(1))
}

pub(super) fn set_tier(uow: &mut Uow<'_, '_>, id: Id<kinds::Customer>, tier: u8) -> Result<bool, StoreError> {
    Ok(uow.execute("UPDATE customer SET tier = ?2 WHERE id = ?1", params![id, tier])? == 1)
}

/// Whether a customer's key was destroyed; false for who is none.
pub(crate) fn is_erased(reading: sql::Reading<'_>, id: Id<kinds::Customer>) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM customer WHERE id = ?1 AND erased IS NOT NULL";
    Ok(reading.number(sql, params![id])? != 0)
}

pub(super) fn set_erased(uow: &mut Uow<'_, '_>, id: Id<kinds::Customer>) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "UPDATE customer SET sign_in_hash = NULL, password = NULL, erased = ?2 WHERE id = ?1";
    uow.execute(sql, params![id, now]).map(drop)
}

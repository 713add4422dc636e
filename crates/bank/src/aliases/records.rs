//! Aliases and who holds them.

use crate::sealed::{KeyedHash, Place, Sealed};
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 14, name: "aliases", sql: ALIAS }];

const ALIAS: &str = "
CREATE TABLE alias(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL, wallet BLOB NOT NULL, kind INTEGER NOT NULL, hash BLOB NOT NULL,
  value BLOB NOT NULL, code BLOB, tries INTEGER NOT NULL, expires INTEGER NOT NULL, created INTEGER NOT NULL,
  verified INTEGER, released INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_customer ON alias(customer, id);
CREATE TABLE alias_holder(
  hash BLOB PRIMARY KEY, alias BLOB NOT NULL, wallet BLOB NOT NULL, customer BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What an alias is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasKind {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A handle.
    Handle,
}

impl AliasKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Handle => "handle",
        }
    }

    fn from_number(number: i64) -> Result<Self, SqlError> {
        Ok(match number {
            1 => Self::Phone,
            2 => Self::Email,
            3 => Self::Handle,
            _ => return Err(SqlError::Corrupt("an alias's kind")),
        })
    }

    const fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// An alias's row.
#[derive(Clone, Debug)]
pub struct AliasRow {
    /// Its id.
    pub id: Id<kinds::Alias>,
    /// Who claims or holds it.
    pub customer: Id<kinds::Customer>,
    /// With which wallet.
    pub wallet: Id<kinds::Wallet>,
    /// What it is.
    pub kind: AliasKind,
    /// Its keyed hash.
    pub hash: KeyedHash,
    /// It, sealed.
    pub value: Sealed<String>,
    /// The keyed hash of the code that was sent; none when none was needed.
    pub code: Option<Vec<u8>>,
    /// How many wrong codes were returned.
    pub tries: u32,
    /// Until when the code is good.
    pub expires: Timestamp,
    /// When it was claimed.
    pub created: Timestamp,
    /// When it was verified.
    pub verified: Option<Timestamp>,
    /// When it was given up.
    pub released: Option<Timestamp>,
}

pub(super) fn value_place(id: Id<kinds::Alias>) -> Place {
    Place::new("alias", "value", id.as_u128())
}

const COLUMNS: &str = "id, customer, wallet, kind, hash, value, code, tries, expires, created, verified, released";

fn read(row: &Row<'_>) -> Result<AliasRow, SqlError> {
    Ok(AliasRow {
        id: row.id(0)?,
        customer: row.id(1)?,
        wallet: row.id(2)?,
        kind: AliasKind::from_number(row.int(3)?)?,
        hash: row.blob(4)?.try_into().map_err(|_| SqlError::Corrupt("an alias's hash"))?,
        value: Sealed::from_stored(row.blob(5)?),
        code: row.opt_blob(6)?,
        tries: row.small(7)?,
        expires: row.time(8)?,
        created: row.time(9)?,
        verified: row.opt_time(10)?,
        released: row.opt_time(11)?,
    })
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, new: &AliasRow) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO alias(id, customer, wallet, kind, hash, value, code, tries, expires, created) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)";
    let params = params![
        new.id,
        new.customer,
        new.wallet,
        new.kind.number(),
        &new.hash,
        new.value.stored(),
        new.code.as_ref(),
        new.expires,
        now
    ];
    uow.execute(sql, params).map(drop)
}

pub(super) fn by_id(reading: Reading<'_>, id: Id<kinds::Alias>) -> Result<Option<AliasRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM alias WHERE id = ?1");
    Ok(reading.query_opt(&sql, params![id], read)?)
}

/// The customer's aliases and open claims, newest first.
pub(super) fn of_customer(
    reading: Reading<'_>,
    customer: Id<kinds::Customer>,
    limit: u32,
) -> Result<Vec<AliasRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM alias WHERE customer = ?1 AND released IS NULL ORDER BY id DESC LIMIT ?2");
    Ok(reading.query(&sql, params![customer, limit], read)?)
}

/// How many claims of the customer were made after a moment.
pub(super) fn claims_since(
    reading: Reading<'_>,
    customer: Id<kinds::Customer>,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM alias WHERE customer = ?1 AND created > ?2";
    Ok(reading.number(sql, params![customer, since])?)
}

pub(super) fn count_try(uow: &mut Uow<'_, '_>, id: Id<kinds::Alias>) -> Result<(), StoreError> {
    uow.execute("UPDATE alias SET tries = tries + 1 WHERE id = ?1", params![id]).map(drop)
}

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

/// Who holds the alias of this keyed hash; nobody when it is not verified.
///
/// # Errors
/// When the database fails.
pub fn resolve(reading: Reading<'_>, hash: &KeyedHash) -> Result<Option<Holder>, StoreError> {
    let sql = "SELECT alias, wallet, customer FROM alias_holder WHERE hash = ?1";
    let read = |row: &Row<'_>| Ok(Holder { alias: row.id(0)?, wallet: row.id(1)?, customer: row.id(2)? });
    Ok(reading.query_opt(sql, params![hash], read)?)
}

/// False when somebody holds it.
pub(super) fn take(uow: &mut Uow<'_, '_>, alias: &AliasRow) -> Result<bool, StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO alias_holder(hash, alias, wallet, customer) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    if uow.execute(sql, params![&alias.hash, alias.id, alias.wallet, alias.customer])? == 0 {
        return Ok(false);
    }
    uow.execute("UPDATE alias SET verified = ?2, code = NULL WHERE id = ?1", params![alias.id, now])?;
    Ok(true)
}

pub(super) fn release(uow: &mut Uow<'_, '_>, id: Id<kinds::Alias>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("DELETE FROM alias_holder WHERE alias = ?1", params![id])?;
    uow.execute("UPDATE alias SET released = ?2, code = NULL WHERE id = ?1", params![id, now]).map(drop)
}

/// Gives up all aliases of a customer.
pub(crate) fn release_all(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("DELETE FROM alias_holder WHERE customer = ?1", params![customer])?;
    let sql = "UPDATE alias SET released = ?2, code = NULL WHERE customer = ?1 AND released IS NULL";
    uow.execute(sql, params![customer, now]).map(drop)
}

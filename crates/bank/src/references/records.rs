//! The table of merchants' references.

use super::Named;
use sql::Reading;
use store::{Migration, StoreError, Uow};
use vocabulary::{Id, kinds};

/// References, unique for ever per merchant and kind.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 30,
    name: "merchants' references",
    sql: "CREATE TABLE merchant_reference (
        merchant BLOB NOT NULL, kind INTEGER NOT NULL, reference TEXT NOT NULL, subject BLOB NOT NULL,
        PRIMARY KEY (merchant, kind, reference)) STRICT, WITHOUT ROWID;",
}];

/// What the merchant named so before.
///
/// # Errors
/// When the database fails.
pub fn find(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    kind: Named,
    reference: &str,
) -> Result<Option<u128>, StoreError> {
    let sql = "SELECT subject FROM merchant_reference WHERE merchant = ?1 AND kind = ?2 AND reference = ?3";
    Ok(reading.query_opt(sql, sql::params![merchant, kind as u8, reference], |row| row.u128(0))?)
}

/// Gives the reference to a thing. Call it after [`find`] found nothing in the same unit.
///
/// # Errors
/// When the database fails, or the reference was taken after all: then the unit is undone.
pub fn claim(
    uow: &mut Uow<'_, '_>,
    merchant: Id<kinds::Merchant>,
    (kind, reference): (Named, &str),
    subject: u128,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO merchant_reference(merchant, kind, reference, subject) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT DO NOTHING";
    let taken = uow.execute(sql, sql::params![merchant, kind as u8, reference, &subject.to_be_bytes()])?;
    if taken == 1 { Ok(()) } else { Err(StoreError::Bug("a reference was claimed without looking".to_owned())) }
}

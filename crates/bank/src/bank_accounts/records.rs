//! The table of linked bank accounts.

use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

type BankAccountId = Id<kinds::BankAccount>;

/// The table of linked bank accounts.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 24, name: "bank accounts", sql: TABLE }];

/// `settlement_account` names one link of each merchant that ever linked one; `staff` is who chose it, none for the first.
/// `number` is sealed under the owner's key; `hash` is the keyed hash of the number.
const TABLE: &str = "
CREATE TABLE bank_account(
  id BLOB PRIMARY KEY, owner BLOB NOT NULL, number BLOB NOT NULL, hash BLOB NOT NULL, linked INTEGER NOT NULL,
  removed INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX bank_account_owner ON bank_account(owner, id);
CREATE TABLE settlement_account(
  merchant BLOB PRIMARY KEY, bank_account BLOB NOT NULL, since INTEGER NOT NULL, staff BLOB
) STRICT, WITHOUT ROWID;
";

/// A linked account.
pub(crate) struct LinkedAccount {
    pub(crate) id: BankAccountId,
    pub(crate) owner: u128,
    /// Sealed.
    pub(crate) number: Vec<u8>,
    pub(crate) linked: Timestamp,
    pub(crate) removed: Option<Timestamp>,
}

const COLUMNS: &str = "id, owner, number, linked, removed";

fn read(row: &Row<'_>) -> Result<LinkedAccount, SqlError> {
    Ok(LinkedAccount {
        id: row.id(0)?,
        owner: row.u128(1)?,
        number: row.blob(2)?,
        linked: row.time(3)?,
        removed: row.opt_time(4)?,
    })
}

pub(crate) fn insert(uow: &mut Uow<'_, '_>, new: &LinkedAccount, hash: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO bank_account(id, owner, number, hash, linked) VALUES (?1, ?2, ?3, ?4, ?5)";
    let owner = new.owner.to_be_bytes();
    uow.execute(sql, params![new.id, &owner, &new.number, hash, new.linked])?;
    Ok(())
}

pub(crate) fn remove(uow: &mut Uow<'_, '_>, id: BankAccountId) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("UPDATE bank_account SET removed = ?2 WHERE id = ?1 AND removed IS NULL", params![id, now])?;
    Ok(())
}

pub(crate) fn by_id(connection: Reading<'_>, id: BankAccountId) -> Result<Option<LinkedAccount>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM bank_account WHERE id = ?1"), params![id], read)
}

/// The owner's link to the number with this hash, if it was not removed.
pub(crate) fn by_hash(connection: Reading<'_>, owner: u128, hash: &[u8]) -> Result<Option<LinkedAccount>, SqlError> {
    let owner = owner.to_be_bytes();
    let sql = format!("SELECT {COLUMNS} FROM bank_account WHERE owner = ?1 AND hash = ?2 AND removed IS NULL");
    connection.query_opt(&sql, params![&owner, hash], read)
}

pub(crate) fn of_owner(connection: Reading<'_>, owner: u128) -> Result<Vec<LinkedAccount>, SqlError> {
    let owner = owner.to_be_bytes();
    let sql =
        format!("SELECT {COLUMNS} FROM bank_account WHERE owner = ?1 AND removed IS NULL ORDER BY id DESC LIMIT 200");
    connection.query(&sql, params![&owner], read)
}

/// The link that a merchant's settlements go to, removed or not.
pub(super) fn settlement(reading: Reading<'_>, merchant: u128) -> Result<Option<BankAccountId>, SqlError> {
    let sql = "SELECT bank_account FROM settlement_account WHERE merchant = ?1";
    reading.query_opt(sql, params![&merchant.to_be_bytes()], |row| row.id(0))
}

pub(super) fn set_settlement(
    uow: &mut Uow<'_, '_>,
    merchant: u128,
    id: BankAccountId,
    staff: Option<Id<kinds::Staff>>,
) -> Result<(), StoreError> {
    let (merchant, now) = (merchant.to_be_bytes(), uow.now());
    let sql = "INSERT INTO settlement_account(merchant, bank_account, since, staff) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (merchant) DO UPDATE SET bank_account = ?2, since = ?3, staff = ?4";
    uow.execute(sql, params![&merchant, id, now, staff]).map(drop)
}

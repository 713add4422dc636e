//! The table of linked cards.

use super::CardId;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The table of linked cards.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 66, name: "linked cards", sql: TABLE }];

/// `details` is sealed under the owner's key and goes when the card is removed; `destroyed` is when the vault said that the
/// number is gone.
const TABLE: &str = "
CREATE TABLE linked_card(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL, token BLOB NOT NULL, details BLOB, linked INTEGER NOT NULL,
  removed INTEGER, destroyed INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX linked_card_token ON linked_card(token);
CREATE INDEX linked_card_customer ON linked_card(customer, id);
";

/// A linked card.
pub(crate) struct CardRow {
    pub(crate) id: CardId,
    pub(crate) customer: Id<kinds::Customer>,
    pub(crate) token: Id<kinds::CardToken>,
    pub(crate) details: Option<Vec<u8>>,
    pub(crate) linked: Timestamp,
    pub(crate) removed: Option<Timestamp>,
}

const COLUMNS: &str = "id, customer, token, details, linked, removed";

fn read(row: &Row<'_>) -> Result<CardRow, SqlError> {
    Ok(CardRow {
        id: row.id(0)?,
        customer: row.id(1)?,
        token: row.id(2)?,
        details: row.opt_blob(3)?,
        linked: row.time(4)?,
        removed: row.opt_time(5)?,
    })
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, new: &CardRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO linked_card(id, customer, token, details, linked, removed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = params![new.id, new.customer, new.token, new.details.as_ref(), new.linked, new.removed];
    uow.execute(sql, params).map(drop)
}

pub(super) fn set_details(uow: &mut Uow<'_, '_>, id: CardId, sealed: &[u8]) -> Result<(), StoreError> {
    uow.execute("UPDATE linked_card SET details = ?2 WHERE id = ?1", params![id, sealed]).map(drop)
}

pub(super) fn remove(uow: &mut Uow<'_, '_>, id: CardId) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "UPDATE linked_card SET removed = ?2, details = NULL WHERE id = ?1 AND removed IS NULL";
    uow.execute(sql, params![id, now]).map(drop)
}

pub(super) fn set_destroyed(uow: &mut Uow<'_, '_>, id: CardId) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("UPDATE linked_card SET destroyed = ?2 WHERE id = ?1", params![id, now]).map(drop)
}

pub(super) fn by_id(reading: Reading<'_>, id: CardId) -> Result<Option<CardRow>, SqlError> {
    reading.query_opt(&format!("SELECT {COLUMNS} FROM linked_card WHERE id = ?1"), params![id], read)
}

pub(super) fn by_token(reading: Reading<'_>, token: Id<kinds::CardToken>) -> Result<Option<CardRow>, SqlError> {
    reading.query_opt(&format!("SELECT {COLUMNS} FROM linked_card WHERE token = ?1"), params![token], read)
}

/// A customer's cards, newest first, removed ones left out.
pub(super) fn of_customer(reading: Reading<'_>, customer: Id<kinds::Customer>) -> Result<Vec<CardRow>, SqlError> {
    let sql =
        format!("SELECT {COLUMNS} FROM linked_card WHERE customer = ?1 AND removed IS NULL ORDER BY id DESC LIMIT 100");
    reading.query(&sql, params![customer], read)
}

/// How many cards a customer has.
pub(super) fn count(reading: Reading<'_>, customer: Id<kinds::Customer>) -> Result<i64, SqlError> {
    reading.number("SELECT count(*) FROM linked_card WHERE customer = ?1 AND removed IS NULL", params![customer])
}

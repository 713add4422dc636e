//! The table of money that waits.

use crate::suspense::{How, Waiting};
use ledger::AccountNo;
use sql::{Connection, Migration, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// The table of money that waits.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 28, name: "waiting money", sql: TABLE }];

const TABLE: &str = "
CREATE TABLE waiting_money(
  case_id BLOB PRIMARY KEY, subject BLOB NOT NULL, owner BLOB NOT NULL, account INTEGER NOT NULL, currency INTEGER NOT NULL,
  amount INTEGER NOT NULL, since INTEGER NOT NULL, ended INTEGER, how INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_money_subject ON waiting_money(subject);
";

/// Adds what waits to what waits for the same case.
pub(crate) fn add(uow: &mut Uow<'_, '_>, new: &Waiting) -> Result<(), StoreError> {
    let sql = "INSERT INTO waiting_money(case_id, subject, owner, account, currency, amount, since) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(case_id) DO UPDATE SET amount = amount + excluded.amount";
    let (subject, owner) = (new.subject.to_be_bytes(), new.owner.to_be_bytes());
    let now = uow.now();
    uow.execute(sql, params![new.case, &subject, &owner, new.account.0, new.currency, new.amount, now])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Waiting, SqlError> {
    Ok(Waiting {
        case: row.id(0)?,
        subject: row.u128(1)?,
        owner: row.u128(2)?,
        account: AccountNo(row.small(3)?),
        currency: row.small(4)?,
        amount: row.int(5)?,
    })
}

const COLUMNS: &str = "case_id, subject, owner, account, currency, amount";

/// What still waits because of a top-up or payout.
pub(crate) fn of_subject(connection: &Connection, subject: u128) -> Result<Option<Waiting>, SqlError> {
    let subject = subject.to_be_bytes();
    let sql = format!("SELECT {COLUMNS} FROM waiting_money WHERE subject = ?1 AND ended IS NULL");
    connection.query_opt(&sql, params![&subject], read)
}

/// Ends the waiting of a case. False when it had ended before.
pub(crate) fn end(uow: &mut Uow<'_, '_>, case: Id<kinds::Case>, how: How) -> Result<bool, StoreError> {
    let sql = "UPDATE waiting_money SET ended = ?2, how = ?3 WHERE case_id = ?1 AND ended IS NULL";
    let now = uow.now();
    Ok(uow.execute(sql, params![case, now, how as u8])? == 1)
}

//! The table of money that waits.

use crate::suspense::{How, Waiting};
use ledger::AccountNo;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// The table of money that waits.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 28, name: "waiting money", sql: TABLE }];

const TABLE: &str = "
CREATE TABLE waiting_money(
  case_id BLOB PRIMARY KEY, subject BLOB NOT NULL, owner BLOB NOT NULL, account INTEGER NOT NULL, meant INTEGER NOT NULL,
  currency INTEGER NOT NULL, amount INTEGER NOT NULL, since INTEGER NOT NULL, ended INTEGER, how INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_money_subject ON waiting_money(subject);
CREATE INDEX waiting_money_owner ON waiting_money(owner);
";

/// Adds what waits to what waits for the same case.
pub(crate) fn add(uow: &mut Uow<'_, '_>, new: &Waiting) -> Result<(), StoreError> {
    let sql = "INSERT INTO waiting_money(case_id, subject, owner, account, meant, currency, amount, since) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(case_id) DO UPDATE SET amount = waiting_money.amount + excluded.amount";
    let (subject, owner) = (new.subject.to_be_bytes(), new.owner.to_be_bytes());
    let now = uow.now();
    let params = params![new.case, &subject, &owner, new.account.0, new.meant.0, new.currency, new.amount, now];
    uow.execute(sql, params)?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Waiting, SqlError> {
    Ok(Waiting {
        case: row.id(0)?,
        subject: row.u128(1)?,
        owner: row.u128(2)?,
        account: AccountNo(row.small(3)?),
        meant: AccountNo(row.small(4)?),
        currency: row.small(5)?,
        amount: row.int(6)?,
    })
}

const COLUMNS: &str = "case_id, subject, owner, account, meant, currency, amount";

/// What waits for a case, or waited and does not any more.
pub(crate) fn of_case(
    connection: Reading<'_>,
    case: Id<kinds::Case>,
    waits: bool,
) -> Result<Option<Waiting>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM waiting_money WHERE case_id = ?1 AND (ended IS NULL) = ?2");
    connection.query_opt(&sql, params![case, waits], read)
}

/// What still waits because of a top-up or payout.
pub(crate) fn of_subject(connection: Reading<'_>, subject: u128) -> Result<Option<Waiting>, SqlError> {
    let subject = subject.to_be_bytes();
    let sql = format!("SELECT {COLUMNS} FROM waiting_money WHERE subject = ?1 AND ended IS NULL");
    connection.query_opt(&sql, params![&subject], read)
}

/// Whether a waiting because of a top-up or payout ended in one of these ways.
pub(crate) fn ended(connection: Reading<'_>, subject: u128, hows: [How; 2]) -> Result<bool, SqlError> {
    let subject = subject.to_be_bytes();
    let sql = "SELECT count(*) FROM waiting_money WHERE subject = ?1 AND how IN (?2, ?3)";
    Ok(connection.number(sql, params![&subject, hows[0] as u8, hows[1] as u8])? != 0)
}

/// Whether any money waits for an owner.
pub(crate) fn waits_for(connection: Reading<'_>, owner: u128) -> Result<bool, SqlError> {
    let sql = "SELECT count(*) FROM waiting_money WHERE owner = ?1 AND ended IS NULL";
    Ok(connection.number(sql, params![&owner.to_be_bytes()])? != 0)
}

/// Ends the waiting of a case. False when it had ended before.
pub(crate) fn end(uow: &mut Uow<'_, '_>, case: Id<kinds::Case>, how: How) -> Result<bool, StoreError> {
    let sql = "UPDATE waiting_money SET ended = ?2, how = ?3 WHERE case_id = ?1 AND ended IS NULL";
    let now = uow.now();
    Ok(uow.execute(sql, params![case, now, how as u8])? == 1)
}

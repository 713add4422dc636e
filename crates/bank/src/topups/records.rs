//! The table of top-ups.

use crate::instructions::Stage;
use crate::topups::{TopUp, TopUpState};
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

type TopUpId = Id<kinds::TopUp>;

/// The table of top-ups.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 22, name: "top-ups", sql: TABLE },
    Migration { version: 29, name: "days of top-ups", sql: USED_DAY },
];

/// Rows from before take the day by UTC: it decides only which running limits a return gives back.
const USED_DAY: &str = "
ALTER TABLE top_up ADD COLUMN used_day INTEGER NOT NULL DEFAULT 0;
UPDATE top_up SET used_day = created / 86400000000;
";

const TABLE: &str = "
CREATE TABLE top_up(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL, wallet BLOB NOT NULL, account INTEGER NOT NULL, bank_account BLOB NOT NULL,
  currency INTEGER NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL, tax INTEGER NOT NULL, credited INTEGER NOT NULL,
  state INTEGER NOT NULL, hold BLOB NOT NULL, created INTEGER NOT NULL, sent INTEGER, deadline INTEGER NOT NULL,
  next_date INTEGER, ended INTEGER, reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX top_up_customer ON top_up(customer, id);
";

const COLUMNS: &str = "id, customer, wallet, account, bank_account, currency, amount, fee, tax, credited, state, hold, \
    created, sent, deadline, next_date, ended, reason, used_day";

pub(crate) fn insert(uow: &mut Uow<'_, '_>, new: &TopUp) -> Result<(), StoreError> {
    let sql = "INSERT INTO top_up(id, customer, wallet, account, bank_account, currency, amount, fee, tax, credited, \
        state, hold, created, sent, deadline, next_date, ended, reason, used_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, \
        ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    let hold = new.hold.to_be_bytes();
    let params = params![
        new.id,
        new.customer,
        new.wallet,
        new.account.0,
        new.bank_account,
        new.currency,
        new.amount,
        new.fee,
        new.tax,
        new.credited,
        new.state as u8,
        &hold,
        new.created,
        new.sent,
        new.deadline,
        new.next_date.map(BookingDate::days),
        new.ended,
        new.reason.as_str(),
        new.used_day
    ];
    uow.execute(sql, params)?;
    Ok(())
}

/// Writes what changes over a top-up's life. States only move forward: a row whose state is not below the new one (or the
/// same) stays as it is, which is an error of ours.
pub(crate) fn change(uow: &mut Uow<'_, '_>, top_up: &TopUp) -> Result<(), StoreError> {
    let sql = "UPDATE top_up SET state = ?2, credited = ?3, next_date = ?4, ended = ?5, reason = ?6, used_day = ?7 \
        WHERE id = ?1 AND state <= ?2";
    let params = params![
        top_up.id,
        top_up.state as u8,
        top_up.credited,
        top_up.next_date.map(BookingDate::days),
        top_up.ended,
        top_up.reason.as_str(),
        top_up.used_day
    ];
    match uow.execute(sql, params)? {
        1 => Ok(()),
        _ => Err(StoreError::Bug("a top-up would have moved backwards".to_owned())),
    }
}

fn read(row: &Row<'_>) -> Result<TopUp, SqlError> {
    let days = row.opt_int(15)?.map(i32::try_from).transpose().map_err(|_| SqlError::Corrupt("a date"))?;
    Ok(TopUp {
        id: row.id(0)?,
        customer: row.id(1)?,
        wallet: row.id(2)?,
        account: ledger::AccountNo(row.small(3)?),
        bank_account: row.id(4)?,
        currency: row.small(5)?,
        amount: row.int(6)?,
        fee: row.int(7)?,
        tax: row.int(8)?,
        credited: row.int(9)?,
        state: Stage::from_number(row.small(10)?).ok_or(SqlError::Corrupt("a top-up's state"))?.into(),
        hold: row.u128(11)?,
        created: row.time(12)?,
        sent: row.opt_time(13)?,
        deadline: row.time(14)?,
        next_date: days.map(BookingDate::from_days),
        ended: row.opt_time(16)?,
        reason: row.text(17)?,
        used_day: row.small(18)?,
    })
}

pub(crate) fn by_id(connection: Reading<'_>, id: TopUpId) -> Result<Option<TopUp>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM top_up WHERE id = ?1"), params![id], read)
}

/// A customer's top-ups, newest first.
pub(crate) fn page(
    connection: Reading<'_>,
    customer: Id<kinds::Customer>,
    before: Option<TopUpId>,
    limit: u32,
) -> Result<Vec<TopUp>, SqlError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    let sql = format!("SELECT {COLUMNS} FROM top_up WHERE customer = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    connection.query(&sql, params![customer, before, limit], read)
}

/// Writes down that the instruction is about to be handed over, in a unit of its own before the bank is called. False when it
/// was written before or the wish ended meanwhile.
pub(crate) fn set_sent(uow: &mut Uow<'_, '_>, id: TopUpId, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE top_up SET sent = ?2 WHERE id = ?1 AND sent IS NULL AND state = ?3";
    Ok(uow.execute(sql, params![id, at, TopUpState::Created as u8])? == 1)
}

/// Takes that back: the bank was surely not reached.
pub(crate) fn set_unsent(uow: &mut Uow<'_, '_>, id: TopUpId) -> Result<(), StoreError> {
    let sql = "UPDATE top_up SET sent = NULL WHERE id = ?1 AND state = ?2";
    uow.execute(sql, params![id, TopUpState::Created as u8])?;
    Ok(())
}

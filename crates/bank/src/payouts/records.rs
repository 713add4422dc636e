//! The table of payouts.

use crate::instructions::Stage;
use crate::payouts::{Payout, PayoutState};
use ledger::AccountNo;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

type PayoutId = Id<kinds::Payout>;

/// The table of payouts.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 23, name: "payouts", sql: TABLE }];

const TABLE: &str = "
CREATE TABLE payout(
  id BLOB PRIMARY KEY, owner BLOB NOT NULL, merchant INTEGER NOT NULL, source INTEGER NOT NULL, bank_account BLOB NOT NULL,
  currency INTEGER NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL, tax INTEGER NOT NULL, paid INTEGER NOT NULL,
  state INTEGER NOT NULL, used_day INTEGER NOT NULL, late INTEGER NOT NULL, cause BLOB NOT NULL, created INTEGER NOT NULL,
  sent INTEGER, deadline INTEGER NOT NULL, next_date INTEGER, ended INTEGER, reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payout_owner ON payout(owner, id);
CREATE INDEX payout_cause ON payout(cause, id);
";

const COLUMNS: &str = "id, owner, merchant, source, bank_account, currency, amount, fee, tax, paid, state, used_day, late, \
    cause, created, sent, deadline, next_date, ended, reason";

pub(crate) fn insert(uow: &mut Uow<'_, '_>, new: &Payout) -> Result<(), StoreError> {
    let sql = "INSERT INTO payout(id, owner, merchant, source, bank_account, currency, amount, fee, tax, paid, state, \
        used_day, late, cause, created, sent, deadline, next_date, ended, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \
        ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";
    let (owner, cause) = (new.owner.to_be_bytes(), new.cause.to_be_bytes());
    let params = params![
        new.id,
        &owner,
        new.merchant,
        new.source.0,
        new.bank_account,
        new.currency,
        new.amount,
        new.fee,
        new.tax,
        new.paid,
        new.state as u8,
        new.used_day,
        new.late,
        &cause,
        new.created,
        new.sent,
        new.deadline,
        new.next_date.map(BookingDate::days),
        new.ended,
        new.reason.as_str()
    ];
    uow.execute(sql, params)?;
    Ok(())
}

/// Writes what changes over a payout's life. States only move forward: anything else is an error of ours.
pub(crate) fn change(uow: &mut Uow<'_, '_>, payout: &Payout) -> Result<(), StoreError> {
    let sql = "UPDATE payout SET state = ?2, paid = ?3, late = ?4, next_date = ?5, ended = ?6, reason = ?7 \
        WHERE id = ?1 AND state <= ?2";
    let params = params![
        payout.id,
        payout.state as u8,
        payout.paid,
        payout.late,
        payout.next_date.map(BookingDate::days),
        payout.ended,
        payout.reason.as_str()
    ];
    match uow.execute(sql, params)? {
        1 => Ok(()),
        _ => Err(StoreError::Bug("a payout would have moved backwards".to_owned())),
    }
}

fn read(row: &Row<'_>) -> Result<Payout, SqlError> {
    let days = row.opt_int(17)?.map(i32::try_from).transpose().map_err(|_| SqlError::Corrupt("a date"))?;
    Ok(Payout {
        id: row.id(0)?,
        owner: row.u128(1)?,
        merchant: row.flag(2)?,
        source: AccountNo(row.small(3)?),
        bank_account: row.id(4)?,
        currency: row.small(5)?,
        amount: row.int(6)?,
        fee: row.int(7)?,
        tax: row.int(8)?,
        paid: row.int(9)?,
        state: Stage::from_number(row.small(10)?).ok_or(SqlError::Corrupt("a payout's state"))?.into(),
        used_day: row.small(11)?,
        late: row.flag(12)?,
        cause: row.u128(13)?,
        created: row.time(14)?,
        sent: row.opt_time(15)?,
        deadline: row.time(16)?,
        next_date: days.map(BookingDate::from_days),
        ended: row.opt_time(18)?,
        reason: row.text(19)?,
    })
}

pub(crate) fn by_id(connection: Reading<'_>, id: PayoutId) -> Result<Option<Payout>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM payout WHERE id = ?1"), params![id], read)
}

/// The payouts that a business object (a settlement) caused, newest first.
pub(crate) fn by_cause(connection: Reading<'_>, cause: u128) -> Result<Vec<Payout>, SqlError> {
    let cause = cause.to_be_bytes();
    let sql = format!("SELECT {COLUMNS} FROM payout WHERE cause = ?1 ORDER BY id DESC");
    connection.query(&sql, params![&cause], read)
}

/// A customer's or merchant's payouts, newest first.
pub(crate) fn page(
    connection: Reading<'_>,
    owner: u128,
    before: Option<PayoutId>,
    limit: u32,
) -> Result<Vec<Payout>, SqlError> {
    let (owner, before) = (owner.to_be_bytes(), before.unwrap_or(Id::from_u128(u128::MAX)));
    let sql = format!("SELECT {COLUMNS} FROM payout WHERE owner = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    connection.query(&sql, params![&owner, before, limit], read)
}

/// Writes down that the instruction is about to be handed over, in a unit of its own before the bank is called. False when it
/// was written before or the wish ended meanwhile.
pub(crate) fn set_sent(uow: &mut Uow<'_, '_>, id: PayoutId, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE payout SET sent = ?2 WHERE id = ?1 AND sent IS NULL AND state = ?3";
    Ok(uow.execute(sql, params![id, at, PayoutState::Created as u8])? == 1)
}

/// Takes that back: the bank was surely not reached.
pub(crate) fn set_unsent(uow: &mut Uow<'_, '_>, id: PayoutId) -> Result<(), StoreError> {
    let sql = "UPDATE payout SET sent = NULL WHERE id = ?1 AND state = ?2";
    uow.execute(sql, params![id, PayoutState::Created as u8])?;
    Ok(())
}

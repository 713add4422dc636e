//! The tables of refunds and disputes.

use super::disputes::{Dispute, DisputeState};
use super::refund::{Refund, RefundState};
use crate::fees::FeeParts;
use ledger::AccountNo;
use sql::{Reading, Row, SqlError};
use store::{Migration, StoreError, Uow};
use vocabulary::{Id, kinds};

/// Refunds, the queue of those that wait for the merchant's money, and disputes.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 34,
    name: "refunds and disputes",
    sql: "CREATE TABLE refund (
        id BLOB PRIMARY KEY NOT NULL, payment BLOB NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL,
        tax INTEGER NOT NULL, state INTEGER NOT NULL, reference TEXT, reason TEXT, created INTEGER NOT NULL,
        finished INTEGER) STRICT, WITHOUT ROWID;
        CREATE INDEX refund_by_payment ON refund(payment, id);
        CREATE TABLE refund_waiting (
        account INTEGER NOT NULL, refund BLOB NOT NULL, PRIMARY KEY (account, refund)) STRICT, WITHOUT ROWID;
        CREATE TABLE dispute (
        id BLOB PRIMARY KEY NOT NULL, payment BLOB NOT NULL, amount INTEGER NOT NULL, state INTEGER NOT NULL,
        created INTEGER NOT NULL, closed INTEGER) STRICT, WITHOUT ROWID;
        CREATE INDEX dispute_by_payment ON dispute(payment, id);",
}];

const COLUMNS: &str = "id, payment, amount, fee, tax, state, reference, reason, created, finished";

fn read(row: &Row<'_>) -> Result<Refund, SqlError> {
    Ok(Refund {
        id: row.id(0)?,
        payment: row.id(1)?,
        amount: row.int(2)?,
        back: FeeParts { fee: row.int(3)?, tax: row.int(4)? },
        state: RefundState::from_number(row.small(5)?).ok_or(SqlError::Corrupt("a refund's state"))?,
        reference: row.opt_text(6)?,
        reason: row.opt_text(7)?,
        created: row.time(8)?,
        finished: row.opt_time(9)?,
    })
}

/// The refund.
pub(crate) fn by_id(reading: Reading<'_>, id: Id<kinds::Refund>) -> Result<Option<Refund>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM refund WHERE id = ?1");
    Ok(reading.query_opt(&sql, sql::params![id], read)?)
}

/// A payment's refunds, oldest first: there are only as many as the policy allows.
pub(crate) fn of_payment(reading: Reading<'_>, payment: Id<kinds::Payment>) -> Result<Vec<Refund>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM refund WHERE payment = ?1 ORDER BY payment, id");
    Ok(reading.query(&sql, sql::params![payment], read)?)
}

/// Writes a new refund.
pub(crate) fn insert(uow: &mut Uow<'_, '_>, refund: &Refund) -> Result<(), StoreError> {
    let sql = "INSERT INTO refund(id, payment, amount, fee, tax, state, reference, reason, created, finished) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let params = sql::params![
        refund.id,
        refund.payment,
        refund.amount,
        refund.back.fee,
        refund.back.tax,
        refund.state as u8,
        refund.reference.as_deref(),
        refund.reason.as_deref(),
        refund.created,
        refund.finished
    ];
    uow.put(sql, params)
}

/// Writes how a waiting refund ended.
pub(crate) fn finish(uow: &mut Uow<'_, '_>, refund: &Refund) -> Result<(), StoreError> {
    let sql = "UPDATE refund SET state = ?2, fee = ?3, tax = ?4, finished = ?5 WHERE id = ?1";
    let params = sql::params![refund.id, refund.state as u8, refund.back.fee, refund.back.tax, refund.finished];
    uow.put(sql, params)
}

/// Puts a refund into the queue of a merchant's account.
pub(crate) fn enqueue(uow: &mut Uow<'_, '_>, account: AccountNo, id: Id<kinds::Refund>) -> Result<(), StoreError> {
    uow.put("INSERT INTO refund_waiting(account, refund) VALUES (?1, ?2)", sql::params![account.0, id])
}

/// Takes a refund out of the queue.
pub(crate) fn dequeue(uow: &mut Uow<'_, '_>, account: AccountNo, id: Id<kinds::Refund>) -> Result<(), StoreError> {
    uow.put("DELETE FROM refund_waiting WHERE account = ?1 AND refund = ?2", sql::params![account.0, id])
}

/// The refunds that wait for money of this account, oldest first.
pub(crate) fn waiting(
    reading: Reading<'_>,
    account: AccountNo,
    limit: u32,
) -> Result<Vec<Id<kinds::Refund>>, StoreError> {
    let sql = "SELECT refund FROM refund_waiting WHERE account = ?1 ORDER BY account, refund LIMIT ?2";
    Ok(reading.query(sql, sql::params![account.0, limit], |row| row.id(0))?)
}

/// Writes a new dispute.
pub(crate) fn insert_dispute(uow: &mut Uow<'_, '_>, dispute: &Dispute) -> Result<(), StoreError> {
    let sql = "INSERT INTO dispute(id, payment, amount, state, created, closed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params =
        sql::params![dispute.id, dispute.payment, dispute.amount, dispute.state as u8, dispute.created, dispute.closed];
    uow.put(sql, params)
}

/// The dispute.
pub(crate) fn dispute(reading: Reading<'_>, id: Id<kinds::Dispute>) -> Result<Option<Dispute>, StoreError> {
    let sql = "SELECT id, payment, amount, state, created, closed FROM dispute WHERE id = ?1";
    Ok(reading.query_opt(sql, sql::params![id], |row| {
        Ok(Dispute {
            id: row.id(0)?,
            payment: row.id(1)?,
            amount: row.int(2)?,
            state: DisputeState::from_number(row.small(3)?).ok_or(SqlError::Corrupt("a dispute's state"))?,
            created: row.time(4)?,
            closed: row.opt_time(5)?,
        })
    })?)
}

/// Writes how a dispute ended.
pub(crate) fn close_dispute(uow: &mut Uow<'_, '_>, dispute: &Dispute) -> Result<(), StoreError> {
    let sql = "UPDATE dispute SET state = ?2, closed = ?3 WHERE id = ?1";
    uow.put(sql, sql::params![dispute.id, dispute.state as u8, dispute.closed])
}

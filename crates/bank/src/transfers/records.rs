//! The table of transfers between people.

use crate::transfers::{Transfer, TransferState};
use ledger::AccountNo;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

type TransferId = Id<kinds::Transfer>;

/// The table of transfers.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 25, name: "transfers", sql: TABLE }];

/// `alias` is the keyed hash of the alias that money waits for, never the alias; `note` is sealed under the payer's key.
const TABLE: &str = "
CREATE TABLE transfer(
  id BLOB PRIMARY KEY, payer BLOB NOT NULL, payer_account INTEGER NOT NULL, payee BLOB, payee_wallet BLOB, alias BLOB,
  currency INTEGER NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL, tax INTEGER NOT NULL, state INTEGER NOT NULL,
  used_day INTEGER NOT NULL, created INTEGER NOT NULL, returns_at INTEGER, ended INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX transfer_payer ON transfer(payer, id);
CREATE INDEX transfer_payee ON transfer(payee, id);
CREATE INDEX transfer_waiting ON transfer(alias, state, id);
";

const COLUMNS: &str = "id, payer, payer_account, payee, payee_wallet, alias, currency, amount, fee, tax, state, used_day, \
    created, returns_at, ended";

pub(crate) fn insert(uow: &mut Uow<'_, '_>, new: &Transfer) -> Result<(), StoreError> {
    let sql = "INSERT INTO transfer(id, payer, payer_account, payee, payee_wallet, alias, currency, amount, fee, tax, \
        state, used_day, created, returns_at, ended) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
        ?15)";
    let params = params![
        new.id,
        new.payer,
        new.payer_account.0,
        new.payee,
        new.payee_wallet,
        new.alias.as_deref(),
        new.currency,
        new.amount,
        new.fee,
        new.tax,
        new.state as u8,
        new.used_day,
        new.created,
        new.returns_at,
        new.ended
    ];
    uow.execute(sql, params)?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Transfer, SqlError> {
    Ok(Transfer {
        id: row.id(0)?,
        payer: row.id(1)?,
        payer_account: AccountNo(row.small(2)?),
        payee: row.opt_id(3)?,
        payee_wallet: row.opt_id(4)?,
        alias: row.opt_blob(5)?,
        currency: row.small(6)?,
        amount: row.int(7)?,
        fee: row.int(8)?,
        tax: row.int(9)?,
        state: TransferState::from_number(row.small(10)?).ok_or(SqlError::Corrupt("a transfer's state"))?,
        used_day: row.small(11)?,
        created: row.time(12)?,
        returns_at: row.opt_time(13)?,
        ended: row.opt_time(14)?,
    })
}

pub(crate) fn by_id(connection: Reading<'_>, id: TransferId) -> Result<Option<Transfer>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM transfer WHERE id = ?1"), params![id], read)
}

/// What waits for an alias, oldest first.
pub(crate) fn waiting_for(connection: Reading<'_>, alias: &[u8], limit: u32) -> Result<Vec<Transfer>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM transfer WHERE alias = ?1 AND state = ?2 ORDER BY id LIMIT ?3");
    connection.query(&sql, params![alias, TransferState::Waiting as u8, limit], read)
}

/// Who received it.
pub(crate) struct Receiver {
    pub(crate) customer: Id<kinds::Customer>,
    pub(crate) wallet: Id<kinds::Wallet>,
}

/// Ends a waiting transfer; false when it has ended: then somebody was quicker.
pub(crate) fn end(
    uow: &mut Uow<'_, '_>,
    id: TransferId,
    state: TransferState,
    receiver: Option<&Receiver>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE transfer SET state = ?2, payee = ?3, payee_wallet = ?4, ended = ?5 WHERE id = ?1 AND state = ?6";
    let now: Timestamp = uow.now();
    let (payee, wallet) = (receiver.map(|to| to.customer), receiver.map(|to| to.wallet));
    let params = params![id, state as u8, payee, wallet, now, TransferState::Waiting as u8];
    Ok(uow.execute(sql, params)? == 1)
}

/// A customer's transfers, sent or received, newest first.
pub(crate) fn page(
    connection: Reading<'_>,
    customer: Id<kinds::Customer>,
    before: Option<TransferId>,
    limit: u32,
) -> Result<Vec<Transfer>, SqlError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    // Two index walks instead of an OR, which no engine walks in order.
    let sql =
        |side: &str| format!("SELECT {COLUMNS} FROM transfer WHERE {side} = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    let mut found = connection.query(&sql("payer"), params![customer, before, limit], read)?;
    found.extend(connection.query(&sql("payee"), params![customer, before, limit], read)?);
    found.sort_by_key(|transfer| std::cmp::Reverse(transfer.id));
    found.dedup_by_key(|transfer| transfer.id);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

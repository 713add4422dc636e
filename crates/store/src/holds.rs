//! The hold table.

use ledger::{AccountNo, Hold, HoldState};
use sql::{Connection, Row, SqlError};

fn read(row: &Row<'_>) -> Result<Hold, SqlError> {
    Ok(Hold {
        id: row.u128(0)?,
        seq: row.small(1)?,
        debit: AccountNo(row.small(2)?),
        credit: AccountNo(row.small(3)?),
        amount: row.int(4)?,
        remaining: row.int(5)?,
        captured: row.int(6)?,
        state: match row.int(7)? {
            1 => HoldState::Open,
            2 => HoldState::Captured,
            3 => HoldState::Voided,
            4 => HoldState::Expired,
            _ => return Err(SqlError::Corrupt("a hold's state")),
        },
        expires: row.opt_time(8)?,
        counted: row.opt_int(9)?.and_then(|day| i32::try_from(day).ok()),
    })
}

pub(crate) fn by_id(connection: &Connection, id: u128) -> Result<Option<Hold>, SqlError> {
    let sql =
        "SELECT id, seq, debit, credit, amount, remaining, captured, state, expires, counted FROM hold WHERE id = ?1";
    connection.query_opt(sql, sql::params![&id.to_be_bytes()], read)
}

pub(crate) fn write(connection: &Connection, hold: &Hold) -> Result<(), SqlError> {
    let sql = "INSERT INTO hold(id, seq, debit, credit, amount, remaining, captured, state, expires, counted) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
        ON CONFLICT (id) DO UPDATE SET remaining = ?6, captured = ?7, state = ?8";
    let id = hold.id.to_be_bytes();
    let params = sql::params![
        &id,
        hold.seq,
        hold.debit.0,
        hold.credit.0,
        hold.amount,
        hold.remaining,
        hold.captured,
        hold.state as u8,
        hold.expires,
        hold.counted
    ];
    connection.put(sql, params)
}

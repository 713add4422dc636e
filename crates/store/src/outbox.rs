//! The outbox: one gap-free sequence of events for the tenant, numbered in commit order by the writer.

use sql::{Connection, Row, SqlError};
use vocabulary::Timestamp;

/// An event to be written with its unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its type, such as `payment.captured`.
    pub kind: &'static str,
    /// The version of the type's payload.
    pub version: u16,
    /// Whose it is (a merchant or customer), for those who may only see their own; nobody's when only the bank sees it.
    pub owner: Option<u128>,
    /// What it is about.
    pub subject: u128,
    /// The payload: a JSON object that holds ids and amounts, never personal data.
    pub body: String,
}

/// An event as it stands in the sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1, without gaps, in commit order.
    pub no: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Its type.
    pub kind: String,
    /// The version of the type's payload.
    pub version: u16,
    /// Whose it is.
    pub owner: Option<u128>,
    /// What it is about.
    pub subject: u128,
    /// The payload.
    pub body: String,
}

/// Writes events in order, the first with this number.
pub(crate) fn insert_all(
    connection: &Connection,
    first: u64,
    at: Timestamp,
    events: &[NewEvent],
) -> Result<(), SqlError> {
    let sql = "INSERT INTO event(no, at, kind, version, owner, subject, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = connection.prepare(sql)?;
    for (no, event) in (first..).zip(events) {
        let owner = event.owner.map(u128::to_be_bytes);
        let (subject, body) = (event.subject.to_be_bytes(), event.body.as_str());
        statement.execute(sql::params![no, at, event.kind, event.version, owner.as_ref(), &subject, body])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Event, SqlError> {
    Ok(Event {
        no: row.small(0)?,
        at: row.time(1)?,
        kind: row.text(2)?,
        version: row.small(3)?,
        owner: row.opt_u128(4)?,
        subject: row.u128(5)?,
        body: row.text(6)?,
    })
}

/// Events after a number: everybody's, or only one owner's.
pub(crate) fn after(connection: &Connection, no: u64, owner: Option<u128>, limit: u32) -> Result<Vec<Event>, SqlError> {
    match owner.map(u128::to_be_bytes) {
        None => {
            let sql =
                "SELECT no, at, kind, version, owner, subject, body FROM event WHERE no > ?1 ORDER BY no LIMIT ?2";
            connection.query(sql, sql::params![no, limit], read)
        }
        Some(owner) => {
            let sql = "SELECT no, at, kind, version, owner, subject, body FROM event WHERE owner = ?3 AND no > ?1 \
                ORDER BY no LIMIT ?2";
            connection.query(sql, sql::params![no, limit, &owner], read)
        }
    }
}

/// The last event's number, 0 when there is none.
pub(crate) fn last(connection: &Connection) -> Result<u64, SqlError> {
    let last = connection.number("SELECT max(no) FROM event", &[])?;
    u64::try_from(last).map_err(|_| SqlError::Corrupt("an event number"))
}

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

/// The index of events by owner. It rolls (see `rolling`), because merchants take turns at random; events from its watermark on
/// are looked at one by one, so only few wait.
pub(crate) const INDEX: [&str; 2] = [
    "INSERT INTO event_index(h, no) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    "INSERT INTO event_index(h, no) VALUES (?1, ?2), (?3, ?4), (?5, ?6), (?7, ?8), (?9, ?10), (?11, ?12), (?13, ?14), \
     (?15, ?16), (?17, ?18), (?19, ?20), (?21, ?22), (?23, ?24), (?25, ?26), (?27, ?28), (?29, ?30), (?31, ?32) \
     ON CONFLICT DO NOTHING",
];
pub(crate) const INDEX_SELECT: &str = "SELECT no FROM event_index WHERE h = ?1";
pub(crate) const INDEX_WAITING: usize = 1 << 13;

/// The part of an owner's id by which its events are looked up: the second half, which is random.
pub(crate) fn owner_hash(owner: u128) -> i64 {
    i64::from_be_bytes((owner as u64).to_be_bytes())
}

/// Owners' hashes and numbers of events from a number on.
pub(crate) fn each_owner_from(
    connection: &Connection,
    first: u64,
    mut visit: impl FnMut(i64, u64),
) -> Result<(), SqlError> {
    let sql = "SELECT owner, no FROM event WHERE no >= ?1 AND owner IS NOT NULL";
    connection.each(sql, sql::params![first], |row| {
        visit(owner_hash(row.u128(0)?), row.small(1)?);
        Ok(())
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
        Some(bytes) => after_of(connection, no, (owner.unwrap_or(0), &bytes), limit),
    }
}

/// One owner's events: those before the watermark by the index, the rest one by one.
fn after_of(
    connection: &Connection,
    no: u64,
    (owner, bytes): (u128, &[u8; 16]),
    limit: u32,
) -> Result<Vec<Event>, SqlError> {
    let indexed = connection.number("SELECT line FROM watermark WHERE name = 'events'", &[])?;
    let sql = "SELECT e.no, e.at, e.kind, e.version, e.owner, e.subject, e.body FROM event_index i \
        JOIN event e ON e.no = i.no WHERE i.h = ?1 AND i.no > ?2 AND i.no < ?3 AND e.owner = ?4 ORDER BY i.no LIMIT ?5";
    let mut found = connection.query(sql, sql::params![owner_hash(owner), no, indexed, bytes, limit], read)?;
    let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
    if left > 0 {
        let sql = "SELECT no, at, kind, version, owner, subject, body FROM event WHERE no > ?1 AND no >= ?2 \
            AND owner = ?3 ORDER BY no LIMIT ?4";
        found.extend(connection.query(sql, sql::params![no, indexed, bytes, left], read)?);
    }
    Ok(found)
}

/// The last event's number, 0 when there is none.
pub(crate) fn last(connection: &Connection) -> Result<u64, SqlError> {
    let last = connection.number("SELECT max(no) FROM event", &[])?;
    u64::try_from(last).map_err(|_| SqlError::Corrupt("an event number"))
}

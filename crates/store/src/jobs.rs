//! Jobs with due times. A job is written with the unit that needs it, survives restarts, and ends in the unit that does it:
//! so it runs at least once, and what it does takes effect once.

use sql::{Connection, Row, SqlError};
use vocabulary::Timestamp;

/// A job that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number, never given again: who comes late to a job that has ended must not end another.
    pub no: u64,
    /// When it was due.
    pub due: Timestamp,
    /// What is to be done: the name of a handler.
    pub kind: String,
    /// To what.
    pub subject: u128,
    /// How often it was tried before.
    pub attempts: u32,
    /// Why it failed last, if it did: nothing personal.
    pub error: Option<String>,
}

pub(crate) const INSERT: &str = "INSERT INTO job(due, kind, subject, attempts) VALUES (?1, ?2, ?3, 0)";
pub(crate) const DELETE: &str = "DELETE FROM job WHERE no = ?1";
pub(crate) const CANCEL: &str = "DELETE FROM job WHERE subject = ?1 AND kind = ?2";
pub(crate) const POSTPONE: &str = "UPDATE job SET due = ?2, attempts = attempts + 1 WHERE no = ?1";
pub(crate) const FAIL: &str = "UPDATE job SET due = ?2, attempts = attempts + 1, error = ?3 WHERE no = ?1";

pub(crate) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Job>, SqlError> {
    let sql = "SELECT no, due, kind, subject, attempts, error FROM job WHERE due <= ?1 ORDER BY due, no LIMIT ?2";
    connection.query(sql, sql::params![now, limit], read)
}

/// Jobs after a number, in the order in which they were written.
pub(crate) fn after(connection: &Connection, no: u64, limit: u32) -> Result<Vec<Job>, SqlError> {
    let sql = "SELECT no, due, kind, subject, attempts, error FROM job WHERE no > ?1 ORDER BY no LIMIT ?2";
    connection.query(sql, sql::params![no, limit], read)
}

fn read(row: &Row<'_>) -> Result<Job, SqlError> {
    Ok(Job {
        no: row.small(0)?,
        due: row.time(1)?,
        kind: row.text(2)?,
        subject: row.u128(3)?,
        attempts: row.small(4)?,
        error: row.opt_text(5)?,
    })
}

pub(crate) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, SqlError> {
    let due = connection.query_opt("SELECT min(due) FROM job", &[], |row| row.opt_time(0))?;
    Ok(due.flatten())
}

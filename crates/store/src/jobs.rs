//! Jobs with due times. A job is written with the unit that needs it, survives restarts, and ends in the unit that does it:
//! so it runs at least once, and what it does takes effect once.
//!
//! What is due is asked for by kind: whoever waits for somebody outside looks at its own kinds only, and a backlog of those
//! costs nothing to a reader of others, since the index leads with the kind.

use sql::{Connection, Row, SqlError};
use vocabulary::Timestamp;

/// What names a job to the unit that ends it: its number, never given again, so that who comes late to a job that has ended
/// does not end another; and a fence that goes up with each claim, so that who comes late to one that was claimed anew does
/// not end it at all (see `leases`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The job's number.
    pub no: u64,
    /// The fence.
    pub fence: u64,
}

/// A job that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number, and the fence of whoever does it.
    pub claim: Claim,
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

pub(crate) const INSERT: &str = "INSERT INTO job(due, kind, subject, attempts) VALUES (?1, ?2, ?3, ?4)";
pub(crate) const DELETE: &str = "DELETE FROM job WHERE no = ?1 AND fence = ?2";
pub(crate) const RELEASE: &str = "UPDATE job SET until = 0 WHERE no = ?1 AND fence = ?2";
pub(crate) const HELD: &str = "SELECT count(*) FROM job WHERE no = ?1 AND fence = ?2";
pub(crate) const CANCEL: &str = "DELETE FROM job WHERE subject = ?1 AND kind = ?2";
pub(crate) const POSTPONE: &str =
    "UPDATE job SET due = ?3, attempts = attempts + 1, until = 0 WHERE no = ?1 AND fence = ?2";
pub(crate) const FAIL: &str =
    "UPDATE job SET due = ?3, attempts = attempts + 1, until = 0, error = ?4 WHERE no = ?1 AND fence = ?2";
pub(crate) const LEASE: &str =
    "UPDATE job SET fence = fence + 1, until = ?2 WHERE no = ?1 AND fence = ?3 AND until <= ?4";

/// The jobs of some kinds that are due, and that nobody has a lease of, by the clock of leases, earliest first: one short walk of the index for each kind, merged.
pub(crate) fn due(
    connection: &Connection,
    (now, leases): (Timestamp, i64),
    kinds: &[&str],
    limit: u32,
) -> Result<Vec<Job>, SqlError> {
    let sql = "SELECT no, due, kind, subject, attempts, error, fence FROM job \
        WHERE kind = ?1 AND due <= ?2 AND until <= ?4 ORDER BY due, no LIMIT ?3";
    let mut found = Vec::new();
    for kind in kinds {
        found.extend(connection.query(sql, sql::params![*kind, now, limit, leases], read)?);
    }
    found.sort_by_key(|job| (job.due, job.claim));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Jobs after a number, in the order in which they were written.
pub(crate) fn after(connection: &Connection, no: u64, limit: u32) -> Result<Vec<Job>, SqlError> {
    let sql = "SELECT no, due, kind, subject, attempts, error, fence FROM job WHERE no > ?1 ORDER BY no LIMIT ?2";
    connection.query(sql, sql::params![no, limit], read)
}

fn read(row: &Row<'_>) -> Result<Job, SqlError> {
    Ok(Job {
        claim: Claim { no: row.small(0)?, fence: row.small(6)? },
        due: row.time(1)?,
        kind: row.text(2)?,
        subject: row.u128(3)?,
        attempts: row.small(4)?,
        error: row.opt_text(5)?,
    })
}

/// The kinds of which there are jobs, due or not: one look at the index for each.
pub(crate) fn kinds(connection: &Connection) -> Result<Vec<String>, SqlError> {
    let sql = "WITH RECURSIVE found(kind) AS (SELECT min(kind) FROM job UNION ALL \
        SELECT (SELECT min(kind) FROM job WHERE job.kind > found.kind) FROM found WHERE found.kind IS NOT NULL) \
        SELECT kind FROM found WHERE kind IS NOT NULL";
    connection.query(sql, &[], |row| row.text(0))
}

//! Trouble: the store could not do it. Never a business "no", and never "not found".

use sql::{SqlError, UnitError};
use std::collections::HashMap;
use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a unit of work or a read has no result.
#[derive(Debug)]
pub enum StoreError {
    /// Too much work waits; nothing was started.
    Overloaded,
    /// The store cannot write now; nothing was kept.
    Unavailable,
    /// Whether the unit was kept is not known; its idempotency key will tell.
    Unknown,
    /// A row breaks the schema's rules.
    Corrupt {
        /// The table.
        table: &'static str,
        /// What was found.
        finding: &'static str,
    },
    /// What let the request in was ended before it took effect; nothing was kept.
    Revoked,
    /// A rule that the request was prepared by was changed on another node before it took effect; nothing was kept. Try again.
    Moved,
    /// A read met a change that is being published; try again.
    Contended,
    /// A read took longer than a snapshot may live; ask for less at once.
    TooLong,
    /// A mistake of ours: a panic or a statement that cannot work.
    Bug(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overloaded => f.write_str("too much work waits; nothing was started"),
            Self::Unavailable => f.write_str("the store cannot write now; nothing was kept"),
            Self::Unknown => f.write_str("whether the unit of work was kept is not known"),
            Self::Corrupt { table, finding } => write!(f, "table {table} is damaged: {finding}"),
            Self::Revoked => f.write_str("what let the request in has ended; nothing was kept"),
            Self::Moved => f.write_str("a rule was changed on another node meanwhile; nothing was kept"),
            Self::Contended => f.write_str("a balance changed while it was read"),
            Self::TooLong => f.write_str("reading took longer than a snapshot may live"),
            Self::Bug(what) => write!(f, "a mistake of ours: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Corrupt(finding) => Self::Corrupt { table: "?", finding },
            SqlError::DamagedPage(page) => {
                tracing::error!(page, "a page of the database is not as it was written; restore a backup");
                Self::Corrupt { table: "?", finding: "a page is not as it was written" }
            }
            SqlError::Io(_)
            | SqlError::Full(_)
            | SqlError::Busy
            | SqlError::Lost(_)
            | SqlError::Refused(_)
            | SqlError::Behind(_)
            | SqlError::Unsure => {
                complain(&error);
                Self::Unavailable
            }
            SqlError::NoReader => Self::Overloaded,
            SqlError::TooLong => Self::TooLong,
            SqlError::Constraint(text) | SqlError::Other(text) => Self::Bug(text),
        }
    }
}

/// Says what the database says. While it is away everybody who needs it meets the same trouble, many times a second; that a log
/// fills the disk must not be added to it, so each kind is told once in [`SILENCE`], with how often it was met since.
fn complain(error: &SqlError) {
    static TOLD: Mutex<Option<Told>> = Mutex::new(None);
    #[expect(
        clippy::disallowed_methods,
        reason = "how often something is logged is the machine's time, not the bank's"
    )]
    let now = Instant::now();
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(untold) = told.get_or_insert_default().meet(discriminant(error), now) {
        tracing::error!(%error, untold, "database");
    }
}

/// Longer than somebody who reads the log wants to wait, and short enough to see that it lasts.
const SILENCE: Duration = Duration::from_secs(10);

/// When each kind of trouble was last told, and how often it was met since.
#[derive(Default)]
struct Told(HashMap<Discriminant<SqlError>, (Instant, u64)>);

impl Told {
    /// Meets trouble; how often it was met and not told, when it is to be told now.
    fn meet(&mut self, kind: Discriminant<SqlError>, now: Instant) -> Option<u64> {
        let told = self.0.get_mut(&kind);
        if let Some((last, untold)) = told
            && now.duration_since(*last) < SILENCE
        {
            *untold += 1;
            return None;
        }
        self.0.insert(kind, (now, 0)).map_or(Some(0), |(_, untold)| Some(untold))
    }
}

impl From<UnitError> for StoreError {
    fn from(error: UnitError) -> Self {
        match error {
            UnitError::Overloaded | UnitError::Expired => Self::Overloaded,
            UnitError::Stopped | UnitError::NotCommitted => Self::Unavailable,
            UnitError::Unknown => Self::Unknown,
            UnitError::Panicked => Self::Bug("a unit of work panicked".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SILENCE, SqlError, Told, discriminant};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn the_same_trouble_is_told_now_and_then_and_another_at_once() {
        let (mut told, begin) = (Told::default(), std::time::Instant::now());
        let (lost, full) = (SqlError::Lost("away".to_owned()), SqlError::Full("full".to_owned()));
        assert_eq!(told.meet(discriminant(&lost), begin), Some(0));
        assert_eq!(told.meet(discriminant(&lost), begin), None);
        assert_eq!(told.meet(discriminant(&full), begin), Some(0));
        assert_eq!(told.meet(discriminant(&lost), begin + SILENCE / 2), None);
        assert_eq!(told.meet(discriminant(&lost), begin + SILENCE), Some(2));
        assert_eq!(told.meet(discriminant(&lost), begin + SILENCE), None);
    }
}

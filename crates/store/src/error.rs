//! Trouble: the store could not do it. Never a business "no", and never "not found".

use sql::{SqlError, UnitError};
use std::fmt;

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
            SqlError::Io(_)
            | SqlError::Full(_)
            | SqlError::Busy
            | SqlError::Lost(_)
            | SqlError::Refused(_)
            | SqlError::Unsure => {
                tracing::error!(%error, "database");
                Self::Unavailable
            }
            SqlError::NoReader => Self::Overloaded,
            SqlError::TooLong => Self::TooLong,
            SqlError::Constraint(text) | SqlError::Other(text) => Self::Bug(text),
        }
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

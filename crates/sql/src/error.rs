//! What can go wrong underneath, sorted by what it means for a unit of work.

use rusqlite::ffi::ErrorCode as Sqlite;
use std::fmt;

/// Trouble with the database. A business "no" is never one of these, and none of these is ever "not found".
#[derive(Debug)]
pub enum SqlError {
    /// Reading, writing or syncing failed, or memory ran out: what is on disk is no longer certain.
    Io(String),
    /// There is no room on the disk; nothing of the unit was kept.
    Full(String),
    /// A row breaks the schema's rules.
    Corrupt(&'static str),
    /// The page with this number, from 1, is not as it was written to the database file.
    DamagedPage(u64),
    /// A uniqueness or check rule of the schema refused a row: a race that the caller's look-up could not see.
    Constraint(String),
    /// Somebody else holds the database, or what a statement needs.
    Busy,
    /// The connection to the server was lost: whether the statement took effect is not known.
    Lost(String),
    /// The server, or how it is asked for, does not do; what to do stands in the text.
    Refused(String),
    /// The server lacks what this node has been told is committed: it is not the one to go on with.
    Behind(String),
    /// The server answered "done" with a warning: the commit may stand on one machine alone, and be lost with it.
    Unsure,
    /// A snapshot's time was over before everything was read from it.
    TooLong,
    /// No connection for reading became free in time; nothing was read.
    NoReader,
    /// Anything else: a mistake in our SQL.
    Other(String),
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            // Memory can run out after the commit record was written, where a full disk is found before it.
            Some(Sqlite::SystemIoFailure | Sqlite::CannotOpen | Sqlite::ReadOnly | Sqlite::OutOfMemory) => {
                Self::Io(text)
            }
            Some(Sqlite::DiskFull | Sqlite::OperationInterrupted) => Self::Full(text),
            Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => {
                pages::take_damaged().map_or(Self::Corrupt("the database file is damaged"), Self::DamagedPage)
            }
            Some(Sqlite::ConstraintViolation) => Self::Constraint(text),
            Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => Self::Busy,
            _ => Self::Other(text),
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(text) => write!(f, "the database could not be read or written: {text}"),
            Self::Full(text) => write!(f, "there is no room to go on: {text}"),
            Self::Corrupt(what) => write!(f, "the database is damaged: {what}"),
            Self::DamagedPage(page) => {
                write!(f, "the database is damaged: page {page} is not as it was written; restore a backup")
            }
            Self::Constraint(text) => write!(f, "a rule of the schema refused a row: {text}"),
            Self::Busy => f.write_str("the database is in use"),
            Self::Lost(text) => write!(f, "the database server cannot be reached: {text}"),
            Self::Refused(text) => f.write_str(text),
            Self::Behind(text) => write!(f, "the database server is behind what this node has seen: {text}"),
            Self::Unsure => f.write_str("the server does not vouch for a commit"),
            Self::TooLong => f.write_str("reading took too long"),
            Self::NoReader => f.write_str("too many readers are at work"),
            Self::Other(text) => write!(f, "a statement failed: {text}"),
        }
    }
}

impl std::error::Error for SqlError {}

//! A copy of a running database, and the check of a file before it is trusted.

use crate::connection::Connection;
use crate::error::SqlError;
use std::fmt;
use std::path::Path;

/// Why a backup was not made or not believed.
#[derive(Debug)]
pub enum BackupError {
    /// The destination exists; nothing is ever overwritten.
    Exists,
    /// The file is damaged; the first finding.
    Damaged(String),
    /// The database failed.
    Sql(SqlError),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("the destination exists; name a new file"),
            Self::Damaged(finding) => write!(f, "the file is damaged: {finding}"),
            Self::Sql(_) => f.write_str("the copy failed"),
        }
    }
}

impl std::error::Error for BackupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SqlError> for BackupError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

/// Copies the committed state of a database, which may be in use, into a new file. One read snapshot: a stepwise copy would
/// start again at every commit.
///
/// # Errors
/// `Exists` when the destination does.
pub fn copy_to(source: &Connection, destination: &Path) -> Result<(), BackupError> {
    if destination.exists() {
        return Err(BackupError::Exists);
    }
    let text = destination.to_str().ok_or_else(|| BackupError::Damaged("the path is not UTF-8".to_owned()))?;
    source.execute("VACUUM INTO ?1", crate::params![text])?;
    // VACUUM INTO does not sync: a backup that a power cut takes away is none.
    let synced = std::fs::File::open(destination).and_then(|file| file.sync_all());
    synced.map_err(|error| BackupError::Sql(SqlError::Io(error.to_string())))
}

/// Reads every page and index of a database file that nobody has open.
///
/// # Errors
/// `Damaged` with the first finding.
pub fn check_file(file: &Path) -> Result<(), BackupError> {
    let connection = Connection::open_reader(file)?;
    let finding = connection.query_opt("PRAGMA integrity_check(1)", &[], |row| row.text(0))?;
    match finding.as_deref() {
        Some("ok") => Ok(()),
        other => Err(BackupError::Damaged(other.unwrap_or("no answer").to_owned())),
    }
}

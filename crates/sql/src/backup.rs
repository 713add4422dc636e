//! A copy of a running database, and the check of a file before it is trusted.

use crate::backup_seal;
use crate::connection::Connection;
use crate::error::SqlError;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a backup was not made or not believed.
#[derive(Debug)]
pub enum BackupError {
    /// The destination exists; nothing is ever overwritten.
    Exists,
    /// The file is damaged; the first finding.
    Damaged(String),
    /// The database is on a server, which has tools of its own for that.
    OfServer,
    /// The database failed.
    Sql(SqlError),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("the destination exists; name a new file"),
            Self::Damaged(finding) => write!(f, "the file is damaged: {finding}"),
            Self::OfServer => {
                f.write_str("the database is on a server: back it up with the server's tools (pg_basebackup, pg_dump)")
            }
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

/// Copies the committed state of a database, which may be in use, into a new file, and appends the sums of its pages. One read snapshot: a stepwise copy would
/// start again at every commit.
///
/// # Errors
/// `Exists` when the destination does.
pub fn copy_to(source: &Connection, destination: &Path) -> Result<(), BackupError> {
    let text = destination.to_str().ok_or_else(|| BackupError::Damaged("the path is not UTF-8".to_owned()))?;
    // Made here, empty, for its owner alone: the database would make it readable for everybody.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(destination);
    match made {
        Ok(file) => drop(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(BackupError::Exists),
        Err(error) => return Err(io(&error)),
    }
    let copied = source.execute("VACUUM INTO ?1", crate::params![text]).map_err(BackupError::Sql);
    // VACUUM INTO does not sync: a backup that a power cut takes away is none.
    let sealed = copied.and_then(|_| backup_seal::seal(destination).map_err(|error| io(&error)));
    sealed.and_then(|()| sync(destination).map_err(|error| io(&error))).inspect_err(|_| {
        // Half a copy would be in the way of the next and be taken for a whole one.
        let _ = std::fs::remove_file(destination);
    })
}

/// The file and its name in the directory.
fn sync(file: &Path) -> std::io::Result<()> {
    File::open(file)?.sync_all()?;
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn io(error: &std::io::Error) -> BackupError {
    BackupError::Sql(SqlError::Io(error.to_string()))
}

/// Compares the pages of a backup with the sums that were appended to it. False when the file has none: a bank's own, or a
/// backup of an older version. A file with a log beside it is a bank's own: a power cut may leave half a page at its end, which the
/// log has whole.
///
/// # Errors
/// `Damaged` with the first finding.
pub fn check_sums(file: &Path) -> Result<bool, BackupError> {
    if std::fs::metadata(log_of(file)).is_ok_and(|log| log.len() > 0) {
        return Ok(false);
    }
    match backup_seal::verify(file) {
        Ok(pages) => Ok(pages.is_some()),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(BackupError::Damaged(error.to_string())),
        Err(error) => Err(BackupError::Sql(SqlError::Io(error.to_string()))),
    }
}

fn log_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Reads every page and index that a database file uses, each with its sum if the file has sums.
///
/// # Errors
/// `Damaged` with the first finding.
pub fn check_file(file: &Path) -> Result<(), BackupError> {
    let connection = Connection::open_reader(file)?;
    let finding = connection.query_opt("PRAGMA integrity_check(1)", &[], |row| row.text(0))?;
    if finding.as_deref() == Some("ok") {
        return Ok(());
    }
    let page = pages::take_damaged().map(|page| format!("page {page} is not as it was written"));
    Err(BackupError::Damaged(page.or(finding).unwrap_or_else(|| "no answer".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::check_sums;

    #[test]
    fn half_a_page_at_the_end_of_a_bank_whose_log_has_it_whole_is_no_damaged_backup() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bank.db");
        std::fs::write(&file, vec![7; 4096 + 512]).expect("written");
        check_sums(&file).expect_err("alone it is a backup that was cut");
        std::fs::write(folder.path().join("bank.db-wal"), [1; 32]).expect("written");
        assert!(matches!(check_sums(&file), Ok(false)));
    }
}

//! A small pool of read-only connections. Each borrowed one serves one snapshot.

use crate::connection::Connection;
use crate::error::SqlError;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Read-only connections to one database file.
pub struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    keep: usize,
}

impl Readers {
    /// A pool that keeps at most `keep` idle connections.
    #[must_use]
    pub fn new(file: PathBuf, keep: usize) -> Self {
        Self { file, idle: Mutex::new(Vec::new()), keep }
    }

    /// The database file.
    #[must_use]
    pub fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// Runs `read` on one snapshot: everything it sees was committed, and committed together.
    ///
    /// # Errors
    /// When no connection can be opened; whatever `read` returns.
    pub fn snapshot<T, E: From<SqlError>>(&self, read: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open_reader(&self.file)?,
        };
        connection.execute("BEGIN", &[])?;
        let result = read(&connection);
        connection.execute("ROLLBACK", &[])?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.keep {
            idle.push(connection);
        }
        result
    }
}

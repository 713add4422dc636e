//! One read snapshot of a database, and scans over its rows that may end early.

use crate::Progress;
use crate::difference::{CheckError, Difference, Stop};
use sql::{Connection, Database, Param, Row, SqlError};
use std::path::{Path, PathBuf};

/// A snapshot held open while the checker reads.
pub(crate) struct Snapshot {
    pub(crate) connection: Connection,
}

/// The database file in a data directory, or the file itself.
pub(crate) fn file_of(path: &Path) -> Result<PathBuf, CheckError> {
    let file = if path.is_dir() { path.join(sql::FILE_NAME) } else { path.to_path_buf() };
    if file.is_file() { Ok(file) } else { Err(CheckError::Missing(path.to_path_buf())) }
}

impl Snapshot {
    pub(crate) fn open(database: &Database) -> Result<Self, CheckError> {
        // A connection for writing, on which nothing is written: readers are cut off after seconds.
        let connection = match database {
            Database::File(_) => database.open_reader(),
            Database::Server(_) => database.open_writer(0),
        };
        let connection = connection.map_err(CheckError::Sql)?;
        connection.begin_snapshot().map_err(CheckError::Sql)?;
        Ok(Self { connection })
    }

    /// Calls `visit` with each row until it stops. A value of a wrong type in a row is a difference of that table.
    pub(crate) fn scan(
        &self,
        table: &'static str,
        sql: &str,
        params: &[Param<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let (mut stopped, mut rows) = (None, 0_u64);
        let ended = self.connection.each(sql, params, |row| {
            rows += 1;
            visit(row).map_err(|stop| match stop {
                Stop::Sql(error) => error,
                Stop::Difference(difference) => {
                    stopped = Some(difference);
                    SqlError::Busy
                }
            })
        });
        match (stopped, ended) {
            (Some(difference), _) => Err(Stop::Difference(difference)),
            (None, Err(SqlError::Corrupt(what))) => {
                let row = format!("number {rows} of the scan");
                Err(Difference::new(("form", table), row, "value", "a readable row", what).into())
            }
            (None, other) => Ok(other?),
        }
    }

    pub(crate) fn number(&self, sql: &str, params: &[Param<'_>]) -> Result<i64, Stop> {
        Ok(self.connection.number(sql, params)?)
    }

    pub(crate) fn watermark(&self, name: &str) -> Result<i64, Stop> {
        self.number("SELECT line FROM watermark WHERE name = ?1", sql::params![name])
    }

    /// Whether the schema has a table of this name.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool, Stop> {
        Ok(self.connection.has_table(name)?)
    }
}

/// Tells about every 65,536th row.
pub(crate) fn tell(progress: &mut dyn FnMut(Progress), table: &'static str, done: u64, of: u64) {
    if done.is_multiple_of(1 << 16) || done == of {
        progress(Progress { table, done, of });
    }
}

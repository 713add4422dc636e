//! A connection: statements are cached by their text, parameters are numbered `?1`, `?2`.

use crate::error::SqlError;
use crate::value::{Param, Row};
use rusqlite::{OpenFlags, ToSql, params_from_iter};
use std::path::Path;

/// A connection to the database of one tenant.
pub struct Connection {
    pub(crate) inner: rusqlite::Connection,
}

/// 4 kB pages: larger ones write more for each random change.
const WRITER_SETTINGS: &str = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; \
    PRAGMA foreign_keys=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY;";

impl Connection {
    /// Opens (and creates) the database for writing. Only the holder of the directory's lock may call it, once.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub fn open_writer(file: &Path, cache_kib: u32) -> Result<Self, SqlError> {
        let inner = rusqlite::Connection::open(file)?;
        inner.execute_batch(&format!("{WRITER_SETTINGS} PRAGMA cache_size=-{cache_kib};"))?;
        #[cfg(feature = "seeded-defects")]
        if std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "no-sync") {
            inner.execute_batch("PRAGMA synchronous=OFF")?;
        }
        inner.set_prepared_statement_cache_capacity(256);
        Ok(Self { inner })
    }

    /// Opens the database for reading only.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_reader(file: &Path) -> Result<Self, SqlError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = rusqlite::Connection::open_with_flags(file, flags)?;
        inner.busy_timeout(std::time::Duration::from_secs(5))?;
        inner.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;")?;
        inner.set_prepared_statement_cache_capacity(128);
        Ok(Self { inner })
    }

    /// Opens the database for copying it whole: reads only, but may write the copy.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_copier(file: &Path) -> Result<Self, SqlError> {
        let reader = Self::open_reader(file)?;
        reader.inner.execute_batch("PRAGMA query_only=OFF;")?;
        Ok(reader)
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, SqlError> {
        let mut statement = self.inner.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(params.iter().map(|p| p as &dyn ToSql)))?)
    }

    /// Looks a statement up once, to run it for many rows: a look-up hashes its text.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn prepare(&self, sql: &str) -> Result<Prepared<'_>, SqlError> {
        Ok(Prepared(self.inner.prepare_cached(sql)?))
    }

    /// Runs several statements without parameters.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute_batch(&self, sql: &str) -> Result<(), SqlError> {
        Ok(self.inner.execute_batch(sql)?)
    }

    /// All rows of a query, each read by `read`.
    ///
    /// # Errors
    /// See [`SqlError`]; whatever `read` returns.
    pub fn query<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Calls `visit` with each row of a query, without collecting them.
    ///
    /// # Errors
    /// See [`SqlError`]; whatever `visit` returns.
    pub fn each(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let mut statement = self.inner.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(params.iter().map(|p| p as &dyn ToSql)))?;
        while let Some(row) = rows.next()? {
            visit(&Row(row))?;
        }
        Ok(())
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// See [`SqlError`]; whatever `read` returns.
    pub fn query_opt<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, SqlError> {
        let mut statement = self.inner.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(params.iter().map(|p| p as &dyn ToSql)))?;
        rows.next()?.map(|row| read(&Row(row))).transpose()
    }

    /// One integer, 0 when there is no row or it is NULL.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn number(&self, sql: &str, params: &[Param<'_>]) -> Result<i64, SqlError> {
        Ok(self.query_opt(sql, params, |row| row.opt_int(0))?.flatten().unwrap_or(0))
    }

    /// Whether no unit is open on this connection.
    pub(crate) fn is_idle(&self) -> bool {
        self.inner.is_autocommit()
    }
}

/// A statement ready to run many times.
pub struct Prepared<'c>(rusqlite::CachedStatement<'c>);

impl Prepared<'_> {
    /// Runs it and returns how many rows it changed.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute(&mut self, params: &[Param<'_>]) -> Result<usize, SqlError> {
        for (place, param) in params.iter().enumerate() {
            self.0.raw_bind_parameter(place + 1, param)?;
        }
        Ok(self.0.raw_execute()?)
    }
}

//! Reading, and nothing else: what those get who look something up in the middle of a unit of work or of a snapshot.
//!
//! A statement that could change anything is refused before it runs: it has to begin as a query, and SQLite has to say that
//! it changes no row (so that `INSERT … RETURNING` and `WITH … DELETE` do not pass). What must be written goes through the
//! unit, which knows that it was, and undoes it.

use crate::connection::Connection;
use crate::error::SqlError;
use crate::readers::Deadline;
use crate::value::{Param, Row};

/// A connection of which only queries can be asked.
#[derive(Clone, Copy)]
pub struct Reading<'c> {
    connection: &'c Connection,
    until: Option<Deadline>,
}

impl<'c> Reading<'c> {
    /// For queries on a connection whose owner decides how long they may take.
    #[must_use]
    pub fn of(connection: &'c Connection) -> Self {
        Self { connection, until: None }
    }

    /// For queries on a snapshot, until its time is over.
    #[must_use]
    pub fn until(connection: &'c Connection, deadline: Deadline) -> Self {
        Self { connection, until: Some(deadline) }
    }

    fn check(&self, sql: &str) -> Result<(), SqlError> {
        if self.until.is_some_and(Deadline::is_over) {
            return Err(SqlError::TooLong);
        }
        if !self.connection.only_reads(sql)? {
            return Err(SqlError::Other("a statement that writes was given to a reader".to_owned()));
        }
        Ok(())
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
        visit: impl FnMut(&Row<'_>) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        self.check(sql)?;
        self.connection.each(sql, params, visit)
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
        self.check(sql)?;
        self.connection.query_opt(sql, params, read)
    }

    /// One integer, 0 when there is no row or it is NULL.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn number(&self, sql: &str, params: &[Param<'_>]) -> Result<i64, SqlError> {
        Ok(self.query_opt(sql, params, |row| row.opt_int(0))?.flatten().unwrap_or(0))
    }
}

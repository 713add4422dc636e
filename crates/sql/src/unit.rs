//! One unit within a group: reading sees what was written before it, writing happens in a savepoint of its own.

use crate::connection::Connection;
use crate::error::SqlError;

/// What a closure works on: the connection inside the group's transaction, and the state in memory.
pub struct Unit<'a, S> {
    pub(crate) connection: &'a Connection,
    /// The in-memory state; its changes are undone with the unit.
    pub state: &'a mut S,
    pub(crate) traces: Traces,
}

/// What a unit has left in the group's transaction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traces {
    /// Its savepoint stands.
    pub(crate) savepoint: bool,
    /// It has written rows that were not undone since.
    pub(crate) wrote: bool,
    /// A statement has failed.
    pub(crate) failed: bool,
}

impl<'a, S> Unit<'a, S> {
    /// The connection, for reading only: sees everything that was written before in the group.
    #[must_use]
    pub fn reading(&self) -> &'a Connection {
        self.connection
    }

    /// Runs a writing statement in the unit's savepoint and returns how many rows it changed. Once one has failed the unit
    /// cannot be kept, whatever the closure makes of the error.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute(&mut self, sql: &str, params: &[crate::Param<'_>]) -> Result<usize, SqlError> {
        self.traces.wrote = true;
        self.mark(sql, params)
    }

    /// As [`Unit::execute`], of a statement that writes no row.
    fn mark(&mut self, sql: &str, params: &[crate::Param<'_>]) -> Result<usize, SqlError> {
        let done = self.begin().and_then(|()| self.connection.execute(sql, params));
        self.traces.failed |= done.is_err();
        done
    }

    /// The same for a statement whose result nobody needs, which may then go out with others: an error of its own may end the
    /// group, whose units are then run again one by one.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn put(&mut self, sql: &str, params: &[crate::Param<'_>]) -> Result<(), SqlError> {
        self.traces.wrote = true;
        let done = self.begin().and_then(|()| self.connection.put(sql, params));
        self.traces.failed |= done.is_err();
        done
    }

    /// The unit cannot be kept any more: its state may be half changed.
    pub fn spoil(&mut self) {
        self.traces.failed = true;
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        if self.connection.is_idle() {
            // The database has ended the group's transaction: a statement would now commit by itself, at once.
            return Err(SqlError::Full("the group was ended".to_owned()));
        }
        if !self.traces.savepoint {
            self.connection.execute("SAVEPOINT unit", &[])?;
            self.traces.savepoint = true;
        }
        Ok(())
    }

    /// Runs `body`; when it says no (`Err` inside `Ok`), the rows it wrote are undone. The caller undoes the state.
    ///
    /// # Errors
    /// Whatever `body` returns; when the database fails.
    pub fn nested<T, R, E: From<SqlError>>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<Result<T, R>, E>,
    ) -> Result<Result<T, R>, E> {
        let before = self.traces.wrote;
        self.mark("SAVEPOINT attempt", &[])?;
        let result = body(self)?;
        if self.connection.is_idle() {
            // A statement that somebody else put in line may have ended the group: going back here would hide that.
            self.traces.failed = true;
            return Err(SqlError::Full("the group was ended".to_owned()).into());
        }
        if result.is_err() {
            self.mark("ROLLBACK TO attempt", &[])?;
            self.traces.wrote = before;
        }
        self.mark("RELEASE attempt", &[])?;
        Ok(result)
    }

    /// Both at once: the connection for reading and the state for changing.
    pub fn parts(&mut self) -> (&'a Connection, &mut S) {
        (self.connection, self.state)
    }
}

//! One unit within a group: reading sees what was written before it, writing happens in a savepoint of its own.

use crate::connection::Connection;
use crate::error::SqlError;
use crate::writer::GroupState;

/// What a closure works on: the connection inside the group's transaction, and the state in memory.
pub struct Unit<'a, S> {
    pub(crate) connection: &'a Connection,
    /// The in-memory state; its changes are undone with the unit.
    pub state: &'a mut S,
    pub(crate) savepoint: bool,
    pub(crate) failed: bool,
}

impl<'a, S: GroupState> Unit<'a, S> {
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
        let done = self.begin().and_then(|()| self.connection.execute(sql, params));
        self.failed |= done.is_err();
        done
    }

    /// The same for a statement whose result nobody needs, which may then go out with others: an error of its own may end the
    /// group, whose units are then run again one by one.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn put(&mut self, sql: &str, params: &[crate::Param<'_>]) -> Result<(), SqlError> {
        let done = self.begin().and_then(|()| self.connection.put(sql, params));
        self.failed |= done.is_err();
        done
    }

    /// The unit cannot be kept any more: its state may be half changed.
    pub fn spoil(&mut self) {
        self.failed = true;
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        self.state.wrote();
        if self.connection.is_idle() {
            // The database has ended the group's transaction: a statement would now commit by itself, at once.
            return Err(SqlError::Full("the group was ended".to_owned()));
        }
        if !self.savepoint {
            self.connection.execute("SAVEPOINT unit", &[])?;
            self.savepoint = true;
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
        self.execute("SAVEPOINT attempt", &[])?;
        let result = body(self)?;
        if self.connection.is_idle() {
            // A statement that somebody else put in line may have ended the group: going back here would hide that.
            self.failed = true;
            return Err(SqlError::Full("the group was ended".to_owned()).into());
        }
        if result.is_err() {
            self.execute("ROLLBACK TO attempt", &[])?;
        }
        self.execute("RELEASE attempt", &[])?;
        Ok(result)
    }

    /// Both at once: the connection for reading and the state for changing.
    pub fn parts(&mut self) -> (&'a Connection, &mut S) {
        (self.connection, self.state)
    }
}

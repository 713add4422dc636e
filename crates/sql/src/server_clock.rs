//! The clock of the database server: one for all nodes.

use crate::connection::{Connection, Engine};
use crate::error::SqlError;

const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";

impl Connection {
    /// Microseconds since 1970 by the server's clock; 0 on the embedded database, which has none of its own.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn server_micros(&self) -> Result<i64, SqlError> {
        match &self.engine {
            Engine::Embedded(_) => Ok(0),
            Engine::Server(_) => self.number(NOW, &[]),
        }
    }
}

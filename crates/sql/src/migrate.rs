//! Migrations: an ordered list, each applied once, each in a unit of its own.

use crate::connection::Connection;
use crate::error::SqlError;
use std::fmt;

/// One step of the schema's history. Once released it never changes.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; the list is ascending.
    pub version: u32,
    /// What it brings, in a few words.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// Why the schema could not be brought up to date.
#[derive(Debug)]
pub enum MigrationError {
    /// The database was written by a newer program.
    Newer {
        /// The schema found.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The list is not ascending.
    Disordered(u32),
    /// A statement failed; nothing of that step was kept.
    Failed(u32, SqlError),
}

impl fmt::Display for MigrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { found, known } => write!(
                f,
                "the database has schema {found}, this program knows up to {known}: start a newer program on it"
            ),
            Self::Disordered(version) => write!(f, "migration {version} is out of order"),
            Self::Failed(version, _) => write!(f, "migration {version} failed; nothing of it was kept"),
        }
    }
}

impl std::error::Error for MigrationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(_, error) => Some(error),
            _ => None,
        }
    }
}

/// The newest applied migration, 0 for an empty database.
///
/// # Errors
/// When the database cannot be read.
pub fn schema_version(connection: &Connection) -> Result<u32, SqlError> {
    if !connection.has_table("migration")? {
        return Ok(0);
    }
    let version = connection.number("SELECT max(version) FROM migration", &[])?;
    u32::try_from(version).map_err(|_| SqlError::Corrupt("the schema version is out of its range"))
}

/// Applies what is missing and returns how many were applied. A crash between two leaves the database at the earlier one.
/// Each part of the list has a range of versions of its own, so a missing one may lie below the newest applied.
///
/// # Errors
/// See [`MigrationError`].
pub fn migrate(connection: &Connection, list: &[Migration]) -> Result<usize, MigrationError> {
    let failed = |version| move |error| MigrationError::Failed(version, error);
    for pair in list.windows(2) {
        if pair[0].version >= pair[1].version {
            return Err(MigrationError::Disordered(pair[1].version));
        }
    }
    let found = schema_version(connection).map_err(failed(0))?;
    let known = list.last().map_or(0, |last| last.version);
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    connection
        .define("CREATE TABLE IF NOT EXISTS migration(version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
        .map_err(failed(0))?;
    let present = connection.query("SELECT version FROM migration", &[], |row| row.small(0)).map_err(failed(0))?;
    let mut applied = 0;
    for step in list.iter().filter(|step| !present.contains(&step.version)) {
        apply(connection, step).map_err(failed(step.version))?;
        applied += 1;
    }
    Ok(applied)
}

fn apply(connection: &Connection, step: &Migration) -> Result<(), SqlError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let insert = "INSERT INTO migration(version, name) VALUES (?1, ?2)";
    let result = connection
        .define(step.sql)
        .and_then(|()| connection.execute(insert, crate::params![step.version, step.name]))
        .and_then(|_| connection.execute_batch("COMMIT"));
    if result.is_err() && !connection.is_idle() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

//! Migrations: an ordered list, each applied once, each in a unit of its own.
//!
//! On a server an older program goes on while a newer one brings the schema up to date (a rolling upgrade), so a change that
//! takes something away goes in three steps, in three releases or more:
//!
//! 1. *Expand*: add tables, columns that may be empty or have a default, indexes. Programs of before do not notice.
//! 2. *Backfill*: jobs of the new program fill what was added, a few rows to a unit, while both programs write. The new program
//!    writes both forms and reads the old one where the new is empty.
//! 3. *Contract*: take away what no running program names any more. Such a step's name begins with `contract: `.
//!
//! What of this is enforced: a step whose statements take something away or forbid what was allowed, and whose name does not
//! say so, fails a test ([`Migration::is_declared`]). A program that finds a step it does not know goes
//! on if the step only expands, and refuses to start if it contracts. Not enforced: that no old program still runs when a step
//! contracts; whoever upgrades sees to it.
//!
//! The race closed here: nodes that start together on an empty or older schema. Each step locks one row (version 0) in its own
//! unit and then looks whether another node has applied it meanwhile; the first of all makes the table, and who loses that race
//! finds it there.

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

/// What the name of a step that contracts begins with.
const CONTRACT: &str = "contract: ";
/// Statements after which programs of before cannot work.
const TAKING_AWAY: &[&str] = &["DROP TABLE", "DROP COLUMN", "DROP VIEW", "RENAME ", "ALTER COLUMN"];
/// Statements that forbid what was allowed, unless they are about a table that the same step makes.
const FORBIDDING: &[&str] = &["ADD CONSTRAINT", "ADD CHECK", "ADD UNIQUE", "CREATE UNIQUE INDEX"];

impl Migration {
    /// Whether programs that do not know this step cannot work after it.
    #[must_use]
    pub fn contracts(&self) -> bool {
        self.name.starts_with(CONTRACT)
    }

    /// Whether it says what it is. A step that makes a table may also give it rules, and a column that must not be empty needs
    /// a default, since programs of before do not fill it. For the test of whoever owns the list.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        let sql = self.sql.to_uppercase();
        let any = |words: &[&str]| words.iter().any(|word| sql.contains(word));
        let unfilled = |one: &str| one.contains("NOT NULL") && !one.contains("DEFAULT");
        let fills = sql.split(';').any(|one| one.contains("ADD COLUMN") && unfilled(one));
        let rules = !sql.contains("CREATE TABLE") && any(FORBIDDING);
        self.contracts() || !(any(TAKING_AWAY) || fills || rules)
    }
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
    /// The tables found are those of another program.
    Foreign(String),
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
            Self::Foreign(what) => {
                write!(
                    f,
                    "{what}, so another program uses this database: give the bank a database or a schema of its own"
                )
            }
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

/// What a database lacks of a list of migrations, and has beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Versions that were not applied.
    pub missing: Vec<u32>,
    /// Versions that were applied and are not in the list.
    pub unknown: Vec<u32>,
}

/// Compares a database with a list of migrations and changes nothing.
///
/// # Errors
/// As [`migrate`]: when the database is another program's, or newer and out of reach.
pub fn steps(connection: &Connection, list: &[Migration]) -> Result<Steps, MigrationError> {
    let failed = |error| MigrationError::Failed(0, error);
    let present =
        if connection.has_table(TABLE).map_err(failed)? { applied(connection).map_err(failed)? } else { Vec::new() };
    agrees(connection, &present, list)?;
    let has = |version: u32| present.iter().any(|(found, _)| *found == version);
    let known = |version: u32| list.iter().any(|step| step.version == version);
    Ok(Steps {
        missing: list.iter().map(|step| step.version).filter(|version| !has(*version)).collect(),
        unknown: present.iter().map(|(version, _)| *version).filter(|version| !known(*version)).collect(),
    })
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
    prepare(connection)?;
    let present = applied(connection).map_err(failed(0))?;
    agrees(connection, &present, list)?;
    let mut count = 0;
    for step in list.iter().filter(|step| !present.iter().any(|(version, _)| *version == step.version)) {
        count += usize::from(apply(connection, step).map_err(failed(step.version))?);
    }
    Ok(count)
}

/// Makes the table of what was applied, in a schema that holds nothing else.
fn prepare(connection: &Connection) -> Result<(), MigrationError> {
    let failed = |error| MigrationError::Failed(0, error);
    if !connection.has_table(TABLE).map_err(failed)? {
        let other = connection.any_table().map_err(failed)?;
        // Another node may just have begun: then the table is there by now.
        if let Some(other) = other.filter(|_| !connection.has_table(TABLE).unwrap_or(false)) {
            return Err(MigrationError::Foreign(format!("there is a table {other} and none of migrations")));
        }
        let made = connection
            .define("CREATE TABLE IF NOT EXISTS migration(version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT");
        if let Err(error) = made
            && !connection.has_table(TABLE).map_err(failed)?
        {
            return Err(failed(error));
        }
    }
    if connection.is_server() {
        let row =
            "INSERT INTO migration(version, name) VALUES (0, 'locked by whoever migrates') ON CONFLICT DO NOTHING";
        let foreign = |error| match error {
            SqlError::Other(_) | SqlError::Constraint(_) => {
                MigrationError::Foreign("the table of migrations is of another shape".to_owned())
            }
            other => failed(other),
        };
        connection.execute(row, &[]).map_err(foreign)?;
    }
    Ok(())
}

const TABLE: &str = "migration";

/// Versions and names of what was applied, ascending.
fn applied(connection: &Connection) -> Result<Vec<(u32, String)>, SqlError> {
    let sql = "SELECT version, name FROM migration WHERE version > 0 ORDER BY version";
    connection.query(sql, &[], |row| Ok((row.small(0)?, row.text(1)?)))
}

/// Whether what was applied is our history, or one that continues it in a way that we can work with.
fn agrees(connection: &Connection, present: &[(u32, String)], list: &[Migration]) -> Result<(), MigrationError> {
    let known = list.last().map_or(0, |last| last.version);
    for (version, name) in present {
        match list.iter().find(|step| step.version == *version) {
            Some(step) if step.name == name => {}
            Some(step) => {
                let what = format!("migration {version} is called \"{name}\" there and \"{}\" here", step.name);
                return Err(MigrationError::Foreign(what));
            }
            // An embedded bank has one program; a newer one's file is not gone back to.
            None if !connection.is_server() || name.starts_with(CONTRACT) => {
                return Err(MigrationError::Newer { found: *version, known });
            }
            None => tracing::warn!(version, name, "a newer program has expanded the schema; this one goes on"),
        }
    }
    Ok(())
}

/// Applies a step; false when another node has done it meanwhile.
fn apply(connection: &Connection, step: &Migration) -> Result<bool, SqlError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = apply_inside(connection, step).and_then(|done| connection.execute_batch("COMMIT").map(|()| done));
    let open = if connection.is_server() { !connection.is_lost() } else { !connection.is_idle() };
    if result.is_err() && open {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

fn apply_inside(connection: &Connection, step: &Migration) -> Result<bool, SqlError> {
    if connection.is_server() {
        // Another node's step may be a long one; tables that are in use are not waited for so long.
        connection.execute_batch("SET LOCAL lock_timeout = '10min'")?;
        connection.number("SELECT version FROM migration WHERE version = 0 FOR UPDATE", &[])?;
        connection.execute_batch("SET LOCAL lock_timeout = '10s'")?;
    }
    if connection.number("SELECT count(*) FROM migration WHERE version = ?1", crate::params![step.version])? > 0 {
        return Ok(false);
    }
    connection.define(step.sql)?;
    let insert = "INSERT INTO migration(version, name) VALUES (?1, ?2)";
    connection.execute(insert, crate::params![step.version, step.name])?;
    Ok(true)
}

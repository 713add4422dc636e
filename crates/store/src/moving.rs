//! An embedded bank moves to a server: every row of every table, and a head that continues where the bank stopped.
//!
//! Crash points closed here. All rows and the head are one unit on the server: whatever ends it before its COMMIT (a kill of this
//! program, of the session, of the server) leaves the target empty. Whoever moves writes down at the source that the bank is gone
//! *before* the COMMIT is sent (`gone`): between a COMMIT that took effect and the word of it, the source is already closed, so
//! that never two banks serve the same money. The races: the tenant's row is the first that is copied and there is but one, so a
//! second move, or a node that starts on the same empty database, waits for this unit and then finds a bank or fails.
//!
//! On the embedded engine the tables `head`, `group_mark` and `news` are empty. The server's head begins before its first group,
//! at the last line, key and event of the bank; slices keep the version 0, which is older than every group. Nodes look
//! for keys, entries and events in the index tables alone, so nothing may wait in the source's memory: [`fill`] refuses a source
//! that is not settled.

use crate::{head, journal, outbox, recovery};
use sql::{Connection, Database, SqlError, Table};
use std::fmt;

/// How far it has come: the table, rows done, rows there are.
pub type Told<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// Why a bank was not moved.
#[derive(Debug)]
pub enum MoveError {
    /// The source's indexes lag behind its rows.
    Unsettled(&'static str),
    /// The target holds rows already, in this table.
    NotEmpty(String),
    /// A table could not be read, or not be written; nothing of the move was kept.
    Table(String, SqlError),
    /// Reading or writing failed; nothing of the move was kept.
    Sql(SqlError),
    /// The source could not be closed; nothing of the move was kept.
    Gone(std::io::Error),
    /// The COMMIT was sent and not answered: the target holds the whole bank, or nothing.
    Unknown(SqlError),
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsettled(index) => write!(f, "the index {index} is not complete"),
            Self::NotEmpty(table) => write!(f, "the table {table} holds rows already"),
            Self::Table(table, _) => write!(f, "the table {table} cannot be moved"),
            Self::Sql(_) => f.write_str("a database failed"),
            Self::Gone(_) => f.write_str("the source cannot be closed"),
            Self::Unknown(_) => f.write_str("it is not known whether the last step was done"),
        }
    }
}

impl std::error::Error for MoveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unsettled(_) | Self::NotEmpty(_) => None,
            Self::Table(_, error) | Self::Sql(error) | Self::Unknown(error) => Some(error),
            Self::Gone(error) => Some(error),
        }
    }
}

impl From<SqlError> for MoveError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

/// The table of the head is written anew; all others are the same afterwards.
const HEAD: &str = "head";
/// The table with one row, for which a second move waits.
const FIRST: &str = "tenant";

/// Copies a settled embedded bank, which nobody writes to meanwhile, into a migrated and empty database on a server, in one unit.
/// `gone` is called when everything is ready for the COMMIT.
///
/// # Errors
/// See [`MoveError`].
pub fn fill(
    source: &Database,
    target: &Database,
    gone: impl FnOnce() -> std::io::Result<()>,
    told: Told<'_>,
) -> Result<(), MoveError> {
    let from = source.open_reader()?;
    from.begin_snapshot()?;
    settled(&from)?;
    let mut tables = Table::all(&from)?;
    tables.sort_by_key(|table| (table.name != FIRST, table.name.clone()));
    let to = target.open_writer(0)?;
    to.execute_batch("BEGIN")?;
    for table in &tables {
        let named = |error| MoveError::Table(table.name.clone(), error);
        // Counted inside the unit, and behind the tenant's row.
        if table.count(&to).map_err(named)? > 0 {
            return Err(MoveError::NotEmpty(table.name.clone()));
        }
        let of = table.count(&from).map_err(named)?;
        table.copy(&from, &to, &mut |done| told(&table.name, done, of)).map_err(named)?;
        table.continue_numbers(&from, &to).map_err(named)?;
    }
    head::continue_from(&to, [journal::last(&from)?, last_key(&from)?, outbox::last(&from)?], last_moment(&from)?)?;
    to.send_all()?;
    gone().map_err(MoveError::Gone)?;
    to.execute_batch("COMMIT").map_err(MoveError::Unknown)
}

/// Whether the indexes of a source hold everything, since nobody will fold what they lack.
fn settled(from: &Connection) -> Result<(), MoveError> {
    let ends = [("entries", journal::last(from)?), ("keys", last_key(from)?), ("events", outbox::last(from)?)];
    for (name, last) in ends {
        let mark = from.number("SELECT line FROM watermark WHERE name = ?1", sql::params![name])?;
        if u64::try_from(mark).unwrap_or(0) <= last {
            return Err(MoveError::Unsettled(name));
        }
    }
    Ok(())
}

fn last_key(from: &Connection) -> Result<u64, SqlError> {
    let last = from.number("SELECT max(seq) FROM idempotency", &[])?;
    u64::try_from(last).map_err(|_| SqlError::Corrupt("a key's number"))
}

/// No group on the server is before the last moment that the source has written down.
fn last_moment(from: &Connection) -> Result<i64, SqlError> {
    let key = from.number("SELECT max(at) FROM idempotency", &[])?;
    Ok(recovery::last_recorded(from)?.micros().max(key))
}

/// A table on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub table: String,
    /// What the source holds.
    pub source: sql::Digest,
    /// What the target holds.
    pub target: sql::Digest,
}

impl Compared {
    /// Whether both hold the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.source == self.target
    }
}

/// Reads both databases whole, each in one snapshot, and compares what they hold, table by table. Of the head there is no other
/// side to compare with.
///
/// # Errors
/// When one of them cannot be read.
pub fn compare(source: &Database, target: &Database, told: Told<'_>) -> Result<Vec<Compared>, MoveError> {
    let from = source.open_reader()?;
    let mut tables = Table::all(&from)?;
    tables.retain(|table| table.name != HEAD);
    // Each side has a core.
    std::thread::scope(|scope| {
        let of_source = scope.spawn(|| digests(source, &tables, &mut |_, _, _| {}));
        let of_target = digests(target, &tables, told);
        let of_source = of_source.join().map_err(|_| SqlError::Corrupt("the source cannot be read"))?;
        let pairs = of_source?.into_iter().zip(of_target?).zip(&tables);
        Ok(pairs.map(|((source, target), table)| Compared { table: table.name.clone(), source, target }).collect())
    })
}

fn digests(database: &Database, tables: &[Table], told: Told<'_>) -> Result<Vec<sql::Digest>, MoveError> {
    // On a server not a reader's connection: those are cut off after seconds.
    let connection = if database.is_server() { database.open_writer(0)? } else { database.open_reader()? };
    connection.begin_snapshot()?;
    let mut found = Vec::with_capacity(tables.len());
    for table in tables {
        let named = |error| MoveError::Table(table.name.clone(), error);
        let of = table.count(&connection).map_err(named)?;
        found.push(table.digest(&connection, &mut |done| told(&table.name, done, of)).map_err(named)?);
    }
    Ok(found)
}

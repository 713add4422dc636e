//! What the checker finds: one difference, said so that a person can look at the row.

use sql::SqlError;
use std::fmt;
use std::path::PathBuf;

/// A place where the tables do not say what follows from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The invariant that is broken, `I1` to `I15`, or `form`.
    pub invariant: &'static str,
    /// The table.
    pub table: &'static str,
    /// The row.
    pub row: String,
    /// The column, or what it is about.
    pub column: &'static str,
    /// What should stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

impl Difference {
    pub(crate) fn new(
        (invariant, table): (&'static str, &'static str),
        row: impl fmt::Display,
        column: &'static str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        let (row, expected, found) = (row.to_string(), expected.to_string(), found.to_string());
        Self { invariant, table, row, column, expected, found }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, table, row, column, expected, found } = self;
        write!(f, "{invariant}: table {table}, row {row}, {column}: expected {expected}, found {found}")
    }
}

/// Why a bank could not be checked at all.
#[derive(Debug)]
pub enum CheckError {
    /// There is no database there.
    Missing(PathBuf),
    /// The database cannot be read.
    Sql(SqlError),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => {
                write!(f, "there is no bank at {}; name a data directory or a backup file", path.display())
            }
            Self::Sql(_) => f.write_str("the database cannot be read"),
        }
    }
}

impl std::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Missing(_) => None,
            Self::Sql(error) => Some(error),
        }
    }
}

/// Why a pass ended early.
pub(crate) enum Stop {
    Difference(Box<Difference>),
    Sql(SqlError),
}

impl From<Difference> for Stop {
    fn from(difference: Difference) -> Self {
        Self::Difference(Box::new(difference))
    }
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

/// The place a comparison is about.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) invariant: &'static str,
    pub(crate) table: &'static str,
    pub(crate) row: i64,
}

impl Place {
    pub(crate) fn journal(invariant: &'static str, seq: i64) -> Self {
        Self { invariant, table: "journal", row: seq }
    }

    /// Ends the check unless both are the same.
    pub(crate) fn same<T: PartialEq + fmt::Debug>(
        self,
        column: &'static str,
        expected: T,
        found: T,
    ) -> Result<(), Stop> {
        if expected == found {
            return Ok(());
        }
        Err(self.differs(column, plain(&expected), plain(&found)))
    }

    /// Ends the check unless `holds`.
    pub(crate) fn that(
        self,
        holds: bool,
        column: &'static str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Result<(), Stop> {
        if holds { Ok(()) } else { Err(self.differs(column, expected, found)) }
    }

    pub(crate) fn differs(self, column: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Stop {
        Difference::new((self.invariant, self.table), self.row, column, expected, found).into()
    }
}

/// A value as SQL would print it.
fn plain(value: &impl fmt::Debug) -> String {
    let text = format!("{value:?}");
    match text.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => inner.to_owned(),
        None if text == "None" => "NULL".to_owned(),
        None => text,
    }
}

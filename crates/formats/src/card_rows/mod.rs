//! Rows of card transactions from CSV (RFC 4180): `TX_DATETIME`, `CUSTOMER_ID`, `TERMINAL_ID`, `TX_AMOUNT`, in any
//! order, among other columns; `TRANSACTION_ID` if there is one.
//!
//! Invariants: memory is bounded whatever the file holds; a bad row is reported with its line and the rest goes on; a
//! row is handed out without allocating. A quote that is never closed costs its own line, not the rest of the file.
//! This module does not know what a row is for, nor which customers exist.

mod records;
mod row;

pub use row::{CardRow, RowFault, RowTime};

use records::{Record, Records};
use std::fmt;
use std::io::{self, Read};
use vocabulary::ErrorCode;

/// The most columns a file may have.
pub const MOST_COLUMNS: usize = 128;
/// The longest record, in bytes.
pub const LONGEST_RECORD: usize = 8192;
/// The longest customer, terminal or transaction text, in bytes.
pub const LONGEST_FIELD: usize = 128;

/// Why reading stopped, or why a row was left out.
#[derive(Debug)]
pub enum CardRowsError {
    /// The file has no header row.
    Empty,
    /// The header cannot be used.
    Header {
        /// The column that is missing or stands twice.
        column: &'static str,
        /// Whether it stands twice.
        twice: bool,
    },
    /// The header row itself is not CSV text of bearable size.
    HeaderUnreadable,
    /// One row is bad; reading goes on.
    Row {
        /// The line on which the row begins, from 1.
        line: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// The source failed; reading has ended.
    Io(io::Error),
}

impl CardRowsError {
    /// The stable code for callers.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Empty | Self::Header { .. } | Self::HeaderUnreadable | Self::Row { .. } => ErrorCode::CsvRowInvalid,
            Self::Io(_) => ErrorCode::Internal,
        }
    }

    /// The line it is about; the header is line 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Row { line, .. } => *line,
            Self::Empty | Self::Header { .. } | Self::HeaderUnreadable | Self::Io(_) => 1,
        }
    }
}

impl fmt::Display for CardRowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty; its first line must name the columns"),
            Self::Header { column, twice: false } => write!(f, "the first line does not name the column {column}"),
            Self::Header { column, twice: true } => write!(f, "the first line names the column {column} twice"),
            Self::HeaderUnreadable => f.write_str("the first line is not a CSV header"),
            Self::Row { line, fault } => write!(f, "line {line}: {fault}"),
            Self::Io(_) => f.write_str("the file cannot be read"),
        }
    }
}

impl std::error::Error for CardRowsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            Self::Empty | Self::Header { .. } | Self::HeaderUnreadable | Self::Row { .. } => None,
        }
    }
}

/// Where the columns stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    count: usize,
    time: usize,
    customer: usize,
    terminal: usize,
    amount: usize,
    transaction: Option<usize>,
}

/// A streaming reader of card rows.
#[derive(Debug)]
pub struct CardRows<R> {
    records: Records<R>,
    columns: Columns,
}

impl<R: Read> CardRows<R> {
    /// Reads the header; a byte order mark before it is skipped, names compare without letter case.
    ///
    /// # Errors
    /// `Empty`, `Header`, `HeaderUnreadable`, `Io`.
    pub fn open(source: R) -> Result<Self, CardRowsError> {
        let mut records = Records::new(source);
        let header = records.advance().map_err(CardRowsError::Io)?.ok_or(CardRowsError::Empty)?;
        let header = header.map_err(|_| CardRowsError::HeaderUnreadable)?;
        let columns = Columns::read(&header)?;
        Ok(Self { records, columns })
    }

    /// The next row, good or bad; nothing at the end.
    ///
    /// After `Err(Io)` the source should not be read again.
    pub fn next_row(&mut self) -> Option<Result<CardRow<'_>, CardRowsError>> {
        let columns = self.columns;
        match self.records.advance() {
            Err(error) => Some(Err(CardRowsError::Io(error))),
            Ok(None) => None,
            Ok(Some(Err((line, fault)))) => Some(Err(CardRowsError::Row { line, fault })),
            Ok(Some(Ok(record))) => {
                let line = record.line;
                Some(row::read(&record, &columns).map_err(|fault| CardRowsError::Row { line, fault }))
            }
        }
    }
}

impl Columns {
    fn read(header: &Record<'_>) -> Result<Self, CardRowsError> {
        let find = |name: &'static str| {
            let named = |field: &[u8]| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
            let mut places = (0..header.len()).filter(|place| header.field(*place).is_some_and(named));
            let first = places.next();
            let twice = places.next().is_some();
            if twice { Err(CardRowsError::Header { column: name, twice }) } else { Ok(first) }
        };
        let need = |name: &'static str| find(name)?.ok_or(CardRowsError::Header { column: name, twice: false });
        Ok(Self {
            count: header.len(),
            time: need("TX_DATETIME")?,
            customer: need("CUSTOMER_ID")?,
            terminal: need("TERMINAL_ID")?,
            amount: need("TX_AMOUNT")?,
            transaction: find("TRANSACTION_ID")?,
        })
    }
}

#[cfg(test)]
mod tests;

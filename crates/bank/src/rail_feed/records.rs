//! The tables of what the bank told us: how far we have read, and every line of its statement.

use ports::StatementLine;
use sql::{Migration, Reading, SqlError, params};
use store::{StoreError, Uow};

/// The tables of the rail's feeds.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 21, name: "rail feed", sql: TABLES },
    Migration { version: 27, name: "statement lines by instruction", sql: BY_INSTRUCTION },
];

const TABLES: &str = "
CREATE TABLE rail_cursor(feed TEXT PRIMARY KEY, no INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE bank_statement_line(
  reference TEXT PRIMARY KEY, no INTEGER NOT NULL, end_to_end TEXT, incoming INTEGER NOT NULL, amount INTEGER NOT NULL,
  currency INTEGER NOT NULL, booked_at INTEGER NOT NULL, heard_at INTEGER NOT NULL, matched INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bank_statement_line_no ON bank_statement_line(no);
CREATE INDEX bank_statement_line_unmatched ON bank_statement_line(matched, no);
";

const BY_INSTRUCTION: &str =
    "CREATE INDEX bank_statement_line_instruction ON bank_statement_line(end_to_end, incoming, matched);";

/// How far a feed was read.
pub(crate) fn cursor(connection: Reading<'_>, feed: &str) -> Result<u64, SqlError> {
    let no = connection.number("SELECT no FROM rail_cursor WHERE feed = ?1", params![feed])?;
    u64::try_from(no).map_err(|_| SqlError::Corrupt("a cursor"))
}

/// Moves a feed's cursor; in the same unit as what was read takes effect.
pub(crate) fn set_cursor(uow: &mut Uow<'_, '_>, feed: &str, no: u64) -> Result<(), StoreError> {
    let insert = "INSERT INTO rail_cursor(feed, no) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    if uow.execute(insert, params![feed, no])? == 0 {
        uow.execute("UPDATE rail_cursor SET no = ?2 WHERE feed = ?1", params![feed, no])?;
    }
    Ok(())
}

/// Whether a line with this reference was kept.
pub(crate) fn kept(connection: Reading<'_>, reference: &str) -> Result<bool, SqlError> {
    let sql = "SELECT count(*) FROM bank_statement_line WHERE reference = ?1";
    Ok(connection.number(sql, params![reference])? != 0)
}

/// The amount of the line of this direction that was matched with this instruction before: each moves once, and comes back
/// once.
pub(crate) fn booked(connection: Reading<'_>, end_to_end: &str, incoming: bool) -> Result<Option<i64>, SqlError> {
    let sql = "SELECT amount FROM bank_statement_line WHERE end_to_end = ?1 AND incoming = ?2 AND matched = 1";
    connection.query_opt(sql, params![end_to_end, incoming], |row| row.int(0))
}

/// Keeps a line for ever.
pub(crate) fn keep_line(uow: &mut Uow<'_, '_>, line: &StatementLine, matched: bool) -> Result<(), StoreError> {
    let sql = "INSERT INTO bank_statement_line(reference, no, end_to_end, incoming, amount, currency, booked_at, \
        heard_at, matched) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
    let now = uow.now();
    let params = params![
        line.reference.as_str(),
        line.no,
        line.end_to_end.as_deref(),
        line.incoming,
        line.amount,
        line.currency,
        line.at,
        now,
        matched
    ];
    uow.execute(sql, params)?;
    Ok(())
}

/// Signed sums of the lines kept, by currency: what the bank's statement says our account gained.
pub(crate) fn stated(connection: Reading<'_>) -> Result<Vec<(u16, i64)>, SqlError> {
    let sql = "SELECT currency, CAST(sum(CASE incoming WHEN 1 THEN amount ELSE -amount END) AS INTEGER) \
        FROM bank_statement_line GROUP BY currency ORDER BY currency";
    connection.query(sql, &[], |row| Ok((row.small(0)?, row.int(1)?)))
}

/// How many lines are unmatched.
pub(crate) fn unmatched(connection: Reading<'_>) -> Result<u64, SqlError> {
    let count = connection.number("SELECT count(*) FROM bank_statement_line WHERE matched = 0", &[])?;
    u64::try_from(count).map_err(|_| SqlError::Corrupt("a count"))
}

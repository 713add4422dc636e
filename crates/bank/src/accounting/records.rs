//! The tables of closed days and their trial balances.

use crate::accounting::close::ClosedDay;
use crate::accounting::trial_balance::TrialRow;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::BookingDate;

/// The tables of closed days.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 26, name: "closed days", sql: TABLES }];

/// Balances are debit-positive minor units.
const TABLES: &str = "
CREATE TABLE closed_day(
  day INTEGER PRIMARY KEY, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL, closed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE trial_balance(
  day INTEGER NOT NULL, gl_code TEXT NOT NULL, currency INTEGER NOT NULL, opening INTEGER NOT NULL, debits INTEGER NOT NULL,
  credits INTEGER NOT NULL, closing INTEGER NOT NULL, PRIMARY KEY (day, gl_code, currency)
) STRICT, WITHOUT ROWID;
";

/// Stores a closed day; false when it was stored before.
pub(crate) fn insert(uow: &mut Uow<'_, '_>, closed: &ClosedDay, rows: &[TrialRow]) -> Result<bool, StoreError> {
    let sql = "INSERT INTO closed_day(day, first_line, last_line, closed_at) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT DO NOTHING";
    let now = uow.now();
    if uow.execute(sql, params![closed.day.days(), closed.first_line, closed.last_line, now])? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO trial_balance(day, gl_code, currency, opening, debits, credits, closing) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for row in rows {
        let params = params![
            closed.day.days(),
            row.gl_code.as_str(),
            row.currency_number,
            row.opening_minor,
            row.debits_minor,
            row.credits_minor,
            row.closing_minor
        ];
        uow.execute(sql, params)?;
    }
    Ok(true)
}

fn read(row: &Row<'_>) -> Result<ClosedDay, SqlError> {
    Ok(ClosedDay {
        day: BookingDate::from_days(row.small(0)?),
        first_line: row.small(1)?,
        last_line: row.small(2)?,
        closed_at: row.time(3)?,
    })
}

const COLUMNS: &str = "day, first_line, last_line, closed_at";

/// The last closed day.
pub(crate) fn last(connection: Reading<'_>) -> Result<Option<ClosedDay>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM closed_day ORDER BY day DESC LIMIT 1"), &[], read)
}

/// A closed day.
pub(crate) fn by_day(connection: Reading<'_>, day: BookingDate) -> Result<Option<ClosedDay>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM closed_day WHERE day = ?1"), params![day.days()], read)
}

/// The last closed day before a day.
pub(crate) fn before(connection: Reading<'_>, day: BookingDate) -> Result<Option<ClosedDay>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM closed_day WHERE day < ?1 ORDER BY day DESC LIMIT 1");
    connection.query_opt(&sql, params![day.days()], read)
}

/// A closed day's trial balance, in the order of codes; currencies' codes are filled in by the caller.
pub(crate) fn rows(connection: Reading<'_>, day: BookingDate) -> Result<Vec<TrialRow>, SqlError> {
    let sql = "SELECT gl_code, currency, opening, debits, credits, closing FROM trial_balance WHERE day = ?1 \
        ORDER BY gl_code, currency";
    connection.query(sql, params![day.days()], |row| {
        Ok(TrialRow {
            gl_code: row.text(0)?,
            currency_number: row.small(1)?,
            currency: String::new(),
            opening_minor: row.int(2)?,
            debits_minor: row.int(3)?,
            credits_minor: row.int(4)?,
            closing_minor: row.int(5)?,
        })
    })
}

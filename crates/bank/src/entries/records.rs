//! The row that says through which day the books are closed.

use sql::{Migration, Reading, params};
use store::{StoreError, Uow};
use vocabulary::BookingDate;

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 19, name: "closed days", sql: BOOKS }];

const BOOKS: &str = "
CREATE TABLE books(
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1), closed_through INTEGER NOT NULL
) STRICT;
";

pub(super) fn set_closed(uow: &mut Uow<'_, '_>, day: BookingDate) -> Result<(), StoreError> {
    let sql = "INSERT INTO books(only_row, closed_through) VALUES (1, ?1) ON CONFLICT (only_row) DO UPDATE SET \
        closed_through = ?1 WHERE books.closed_through < ?1";
    uow.execute(sql, params![day.days()]).map(drop)
}

pub(super) fn closed(reading: Reading<'_>) -> Result<Option<BookingDate>, StoreError> {
    let found = reading.query_opt("SELECT closed_through FROM books", &[], |row| row.small(0))?;
    Ok(found.map(BookingDate::from_days))
}

//! Rolling index: new keys wait in memory and are written in key order, a stretch with each group.
//!
//! A random insert costs a page; a thousand inserts in key order cost a few. A watermark commits with the group: every key
//! from before it is in the table, every later one is in the append-only table that it points into and is read again on
//! start. So a crash loses nothing and recovery is bounded.

use sql::{Connection, Param, Prepared, SqlError};
use std::collections::BTreeSet;

/// How many index keys wait in memory.
pub(crate) const KEYS_WAITING: usize = 1 << 18;

/// An index from hashes to numbers of rows in an append-only table.
pub(crate) struct RollingIndex {
    waiting: BTreeSet<(i64, u64)>,
    cursor: (i64, u64),
    /// The present sweep: the row before which all keys were flushed or waited when it began, and the last that waited. Later
    /// keys beyond it are not its own: keys that grow with time would never let it end.
    sweep: Option<(u64, (i64, u64))>,
    pub(crate) watermark: u64,
    /// How many keys wait in memory before the oldest stretch is written.
    keep: usize,
    insert: [&'static str; 2],
    select: &'static str,
}

/// Where a sweep begins.
const FIRST_KEY: (i64, u64) = (i64::MIN, 0);

/// Rows to one INSERT: a statement's overhead is shared.
const ROWS: usize = 16;

impl RollingIndex {
    /// `insert` holds the statement for one row and for [`ROWS`] rows; `select` finds numbers by hash.
    pub(crate) fn new(watermark: u64, insert: [&'static str; 2], select: &'static str) -> Self {
        Self { waiting: BTreeSet::new(), cursor: FIRST_KEY, sweep: None, watermark, keep: KEYS_WAITING, insert, select }
    }

    /// The same with another number of waiting keys.
    pub(crate) fn keeping(self, keep: usize) -> Self {
        Self { keep, ..self }
    }

    /// Keeps nothing back: other nodes look into the table alone.
    pub(crate) fn write_through(&mut self) {
        self.keep = 0;
    }

    pub(crate) fn insert(&mut self, hash: i64, row: u64) {
        self.waiting.insert((hash, row));
    }

    /// Takes the keys that a start finds after the watermark, all at once: sorted, they are put together without a search each.
    pub(crate) fn refill(&mut self, found: &mut Vec<(i64, u64)>) {
        self.waiting = found.drain(..).collect();
    }

    /// The rows whose key may have this hash; the caller compares the keys.
    pub(crate) fn candidates(&self, connection: &Connection, hash: i64) -> Result<Vec<u64>, SqlError> {
        let mut found = connection.query(self.select, sql::params![hash], |row| row.small(0))?;
        found.extend(self.waiting.range((hash, 0)..=(hash, u64::MAX)).map(|(_, row)| *row));
        Ok(found)
    }

    /// Writes as many waiting keys as are too many, in order from where the last group stopped; all when `all`.
    pub(crate) fn flush(&mut self, connection: &Connection, next_row: u64, all: bool) -> Result<Option<u64>, SqlError> {
        let mut left = if all { self.waiting.len() } else { self.waiting.len().saturating_sub(self.keep) };
        if all {
            (self.cursor, self.sweep) = (FIRST_KEY, None);
        }
        let mut ended = None;
        let mut statements = [connection.prepare(self.insert[0])?, connection.prepare(self.insert[1])?];
        // On a server the rows of the first statement go out together by themselves.
        let wide = !connection.is_server();
        while left > 0 {
            let newest = self.waiting.last().copied().unwrap_or(FIRST_KEY);
            let (began, until) = *self.sweep.get_or_insert((next_row, newest));
            let batch: Vec<(i64, u64)> = self
                .waiting
                .range(self.cursor..)
                .take_while(|key| **key <= until)
                .take(left.min(ROWS))
                .copied()
                .collect();
            if batch.is_empty() {
                ended = Some(began);
                (self.watermark, self.sweep, self.cursor) = (began, None, FIRST_KEY);
                continue;
            }
            write(&mut statements, &batch, wide)?;
            for key in &batch {
                self.waiting.remove(key);
            }
            left -= batch.len();
            let last = batch[batch.len() - 1];
            self.cursor = (last.0, last.1 + 1);
        }
        if all {
            (self.watermark, self.sweep, self.cursor) = (next_row, None, FIRST_KEY);
            return Ok(Some(next_row));
        }
        Ok(ended)
    }
}

/// The first statement takes one row, the second [`ROWS`].
fn write([one, many]: &mut [Prepared<'_>; 2], batch: &[(i64, u64)], wide: bool) -> Result<(), SqlError> {
    if wide && batch.len() == ROWS {
        let mut params = [Param::Null; ROWS * 2];
        for (place, (hash, row)) in batch.iter().enumerate() {
            params[place * 2] = Param::from(*hash);
            params[place * 2 + 1] = Param::from(*row);
        }
        return many.execute(&params).map(drop);
    }
    batch.iter().try_for_each(|(hash, row)| one.execute(sql::params![*hash, *row]).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{KEY_INDEX, KEY_SELECT};

    #[test]
    fn keys_that_grow_with_time_let_the_watermark_follow() {
        let directory = tempfile::tempdir().expect("a directory");
        let connection = Connection::open_writer(&directory.path().join("x.db"), 4096).expect("opens");
        connection
            .execute_batch(
                "PRAGMA synchronous=OFF; CREATE TABLE idempotency_index(h INTEGER NOT NULL, seq INTEGER NOT NULL, \
                PRIMARY KEY (h, seq)) STRICT, WITHOUT ROWID; BEGIN",
            )
            .expect("a table");
        let mut index = RollingIndex::new(0, KEY_INDEX, KEY_SELECT);
        let waiting = KEYS_WAITING as u64;
        let groups = 20;
        for row in 1..=waiting * 3 {
            index.insert(i64::try_from(row).expect("small"), row);
            if row % (waiting / groups) == 0 {
                let mark = index.flush(&connection, row + 1, false).expect("flushes");
                assert!(mark.is_none_or(|mark| mark <= row + 1));
            }
        }
        assert!(index.watermark >= waiting, "{} would be read again at every start", index.watermark);
        let missing = "SELECT count(*) FROM idempotency_index WHERE seq < ?1";
        let flushed = connection.number(missing, sql::params![index.watermark]).expect("reads");
        assert_eq!(u64::try_from(flushed).ok(), Some(index.watermark - 1), "all before the watermark is in the table");
    }
}

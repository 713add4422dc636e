//! Rolling flush: what changes in random order stays in memory and is written in order, a slice with each group.
//!
//! A random write costs a page; a thousand writes in key order cost a few. So dirty rows of a dense table ([`Rolling`]) and
//! new keys of an index ([`RollingIndex`]) wait in memory, and each group flushes the next stretch of the key space, as much
//! as came in. A watermark commits with the group: everything from before it is in the tables, everything after it is in
//! the journal and is folded again on start. So a crash loses nothing and recovery is bounded.

use sql::{Connection, Param, Prepared, SqlError};
use std::collections::BTreeSet;

/// How many journal lines a full sweep spans: recovery folds at most about twice as many.
const LINES_PER_SWEEP: usize = 1 << 18;
/// How many index keys wait in memory.
pub(crate) const KEYS_WAITING: usize = 1 << 18;

/// A dense table in memory, keyed by numbers from 1, loaded on demand, flushed in order.
pub(crate) struct Rolling<T> {
    slots: Vec<Option<T>>,
    dirty: Vec<u64>,
    cursor: usize,
    /// The line at which the present sweep began.
    sweep_began: u64,
    /// Everything before this line is in the table.
    pub(crate) watermark: u64,
}

impl<T: Copy> Rolling<T> {
    pub(crate) fn new(watermark: u64) -> Self {
        Self { slots: Vec::new(), dirty: Vec::new(), cursor: 0, sweep_began: watermark, watermark }
    }

    pub(crate) fn get(&self, no: u64) -> Option<T> {
        self.slots.get(index(no)).copied().flatten()
    }

    /// Puts a row as it is in the table.
    pub(crate) fn load(&mut self, no: u64, row: T) {
        self.reserve(no);
        let slot = &mut self.slots[index(no)];
        if slot.is_none() {
            *slot = Some(row);
        }
    }

    /// Puts a changed row and marks it for writing.
    pub(crate) fn set(&mut self, no: u64, row: T) {
        self.reserve(no);
        let index = index(no);
        self.slots[index] = Some(row);
        self.dirty[index / 64] |= 1 << (index % 64);
    }

    /// Forgets a row (it was created by an undone unit).
    pub(crate) fn forget(&mut self, no: u64) {
        let index = index(no);
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = None;
            self.dirty[index / 64] &= !(1 << (index % 64));
        }
    }

    fn reserve(&mut self, no: u64) {
        let need = index(no) + 1;
        if self.slots.len() < need {
            self.slots.resize(need.next_multiple_of(64), None);
            self.dirty.resize(self.slots.len() / 64, 0);
        }
    }

    /// Writes the dirty rows of the next stretch, its length in proportion to the lines of this group; all of them when `all`.
    /// Returns the new watermark when a sweep has ended. `next_line` is the first line that is not yet written.
    pub(crate) fn flush(
        &mut self,
        lines: usize,
        next_line: u64,
        all: bool,
        mut write: impl FnMut(&T) -> Result<(), SqlError>,
    ) -> Result<Option<u64>, SqlError> {
        let words = self.dirty.len();
        if words == 0 && next_line - self.watermark >= LINES_PER_SWEEP as u64 {
            // Nothing of this table is in memory, so nothing is dirty: the sweep is over without a step.
            (self.sweep_began, self.watermark) = (next_line, next_line);
            return Ok(Some(next_line));
        }
        let stretch = if all { words } else { (words * lines).div_ceil(LINES_PER_SWEEP).min(words) };
        let start = if all { 0 } else { self.cursor.min(words) };
        let end = (start + stretch).min(words);
        for word in start..end {
            let mut bits = std::mem::take(&mut self.dirty[word]);
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some(row) = &self.slots[word * 64 + bit] {
                    write(row)?;
                }
            }
        }
        self.cursor = end;
        if all {
            (self.cursor, self.sweep_began, self.watermark) = (0, next_line, next_line);
            return Ok(Some(next_line));
        }
        if end < words || stretch == 0 {
            return Ok(None);
        }
        // Everything dirty before the sweep began has been passed once.
        let safe = self.sweep_began;
        (self.cursor, self.sweep_began, self.watermark) = (0, next_line, safe);
        Ok(Some(safe))
    }
}

fn index(no: u64) -> usize {
    usize::try_from(no).expect("numbers are dense")
}

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

    pub(crate) fn insert(&mut self, hash: i64, row: u64) {
        self.waiting.insert((hash, row));
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
            write(&mut statements, &batch)?;
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
fn write([one, many]: &mut [Prepared<'_>; 2], batch: &[(i64, u64)]) -> Result<(), SqlError> {
    if batch.len() == ROWS {
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

    #[test]
    fn a_table_that_nobody_uses_does_not_hold_the_watermark_back() {
        let mut groups = Rolling::<u8>::new(0);
        let (mut line, mut mark) = (1, None);
        for _ in 0..3 {
            line += LINES_PER_SWEEP as u64 / 2;
            mark = groups.flush(LINES_PER_SWEEP / 2, line, false, |_| Ok(())).expect("nothing to write").or(mark);
        }
        assert!(mark.is_some_and(|mark| mark >= LINES_PER_SWEEP as u64), "{mark:?}");
    }
}

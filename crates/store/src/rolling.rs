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
const KEYS_WAITING: usize = 1 << 18;

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
    sweep_began: u64,
    pub(crate) watermark: u64,
    insert: [&'static str; 2],
    select: &'static str,
}

/// Rows to one INSERT: a statement's overhead is shared.
const ROWS: usize = 16;

impl RollingIndex {
    /// `insert` holds the statement for one row and for [`ROWS`] rows; `select` finds numbers by hash.
    pub(crate) fn new(watermark: u64, insert: [&'static str; 2], select: &'static str) -> Self {
        Self { waiting: BTreeSet::new(), cursor: (i64::MIN, 0), sweep_began: watermark, watermark, insert, select }
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
        let mut left = if all { self.waiting.len() } else { self.waiting.len().saturating_sub(KEYS_WAITING) };
        if all {
            self.cursor = (i64::MIN, 0);
        }
        let mut ended = None;
        let mut statements = [connection.prepare(self.insert[0])?, connection.prepare(self.insert[1])?];
        while left > 0 {
            let batch: Vec<(i64, u64)> = self.waiting.range(self.cursor..).take(left.min(ROWS)).copied().collect();
            if batch.is_empty() {
                ended = Some(self.sweep_began);
                self.watermark = self.sweep_began;
                self.sweep_began = next_row;
                self.cursor = (i64::MIN, 0);
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
            (self.watermark, self.sweep_began, self.cursor) = (next_row, next_row, (i64::MIN, 0));
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

//! Rolling flush: rows that change in random order stay in memory and are written slice by slice, in order, some with each
//! group.
//!
//! A random write costs a page; so dirty rows of a dense table wait in memory, and each group writes the next slices (see
//! `slices`), as many as its lines stand for. A watermark commits with the group: everything from before it is in the table,
//! everything after it is in the journal and is folded again on start. So a crash loses nothing and recovery is bounded.
//!
//! Crash point closed here: the journal tells how counters changed, not how a row was opened or its terms were changed. A
//! slice in which that happened is written with the same group.

use crate::slices::{self, ROWS, Sliced};
use sql::{Connection, SqlError};

/// How many journal lines a full sweep spans: recovery folds about as many.
const LINES_PER_SWEEP: usize = 5 << 16;
/// The watermark is written when it has moved so many lines.
const LINES_PER_MARK: u64 = LINES_PER_SWEEP as u64 / 64;

/// The rows of a slice in memory; fewer than [`ROWS`] only in the last.
type Chunk<T> = Vec<<T as Sliced>::Packed>;

/// The group with which rows are flushed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flushed {
    /// How many lines it writes.
    pub(crate) lines: usize,
    /// The first line that is not yet written.
    pub(crate) next_line: u64,
    /// Every dirty slice, not only the next stretch.
    pub(crate) all: bool,
    /// With which slices are written.
    pub(crate) version: u64,
}

/// A dense table in memory, keyed by numbers from 1, loaded on demand, flushed in order.
pub(crate) struct Rolling<T: Sliced> {
    chunks: Vec<Option<Chunk<T>>>,
    dirty: Vec<u64>,
    /// Slices that must be written with this group.
    urgent: Vec<usize>,
    cursor: usize,
    /// Lines times slices that were not yet swept for.
    owed: usize,
    /// For each slice the line before which everything is in the table. Slices take turns, so the one that the sweep comes
    /// to next has the lowest.
    swept: Vec<u64>,
    /// Everything before this line is in the table.
    pub(crate) watermark: u64,
    buffer: Vec<u8>,
    /// With which the slices of this group are written.
    version: u64,
}

impl<T: Sliced> Rolling<T> {
    /// Nothing in memory yet, of a table with `rows` rows.
    pub(crate) fn new(watermark: u64, rows: u64) -> Self {
        let slices = usize::try_from(rows).expect("numbers are dense").div_ceil(ROWS);
        let mut chunks = Vec::new();
        chunks.resize_with(slices, || None);
        Self {
            chunks,
            dirty: vec![0; slices.div_ceil(64)],
            urgent: Vec::new(),
            cursor: 0,
            owed: 0,
            swept: vec![watermark; slices],
            watermark,
            buffer: Vec::new(),
            version: 0,
        }
    }

    /// The row, when its slice is in memory.
    pub(crate) fn get(&self, no: u64) -> Option<T> {
        let (slice, place) = slices::place(no);
        self.chunks.get(slice)?.as_ref()?.get(place).map(|packed| T::unpack(no, packed))
    }

    /// The row, its slice loaded when it is not in memory.
    pub(crate) fn load(&mut self, connection: &Connection, no: u64) -> Result<Option<T>, SqlError> {
        let (slice, place) = slices::place(no);
        let Some(chunk) = self.chunks.get_mut(slice) else { return Ok(None) };
        let chunk = match chunk {
            Some(chunk) => chunk,
            None => chunk.insert(slices::read::<T>(connection, slice)?),
        };
        Ok(chunk.get(place).map(|packed| T::unpack(no, packed)))
    }

    /// Takes what another node wrote: slices with changed terms, and new ones, of what now are `rows` rows. Slices that are not
    /// in memory are read when they are needed.
    pub(crate) fn take(&mut self, slices: slices::Images<T>, rows: u64) {
        let count = usize::try_from(rows).expect("numbers are dense").div_ceil(ROWS);
        while self.chunks.len() < count {
            self.chunks.push(None);
            self.swept.push(self.swept.last().copied().unwrap_or(self.watermark));
        }
        self.dirty.resize(count.div_ceil(64), 0);
        for (slice, rows) in slices {
            if let Some(Some(chunk)) = self.chunks.get_mut(slice) {
                *chunk = rows;
            }
        }
    }

    /// Adds the row after the last one.
    pub(crate) fn open(&mut self, connection: &Connection, no: u64, row: &T) -> Result<(), SqlError> {
        let (slice, place) = slices::place(no);
        if slice == self.chunks.len() {
            self.chunks.push(Some(Vec::new()));
            // It goes to the table with this group; what it says here only keeps the order of turns.
            self.swept.push(self.swept.last().copied().unwrap_or(self.watermark));
            self.dirty.resize(self.chunks.len().div_ceil(64), 0);
        }
        self.load(connection, no)?;
        match self.chunks.get_mut(slice) {
            Some(Some(chunk)) if chunk.len() == place => chunk.push(row.pack()),
            _ => return Err(SqlError::Corrupt("a slice lacks rows")),
        }
        self.urgent.push(slice);
        Ok(())
    }

    /// Forgets the last row (it was opened by an undone unit).
    pub(crate) fn forget(&mut self, no: u64) {
        let (slice, place) = slices::place(no);
        if let Some(Some(chunk)) = self.chunks.get_mut(slice) {
            chunk.truncate(place);
        }
    }

    /// Puts a row whose counters changed; returns what it replaces. It was loaded before.
    pub(crate) fn set(&mut self, no: u64, row: &T) -> Option<T::Packed> {
        self.put(no, row.pack())
    }

    /// The same with a row as [`Rolling::set`] returned it.
    pub(crate) fn put(&mut self, no: u64, packed: T::Packed) -> Option<T::Packed> {
        let (slice, place) = slices::place(no);
        let slot = self.chunks.get_mut(slice)?.as_mut()?.get_mut(place)?;
        self.dirty[slice / 64] |= 1 << (slice % 64);
        Some(std::mem::replace(slot, packed))
    }

    /// Puts a row whose terms changed, which no journal line tells: its slice is written with this group.
    pub(crate) fn set_terms(&mut self, no: u64, row: &T) -> Option<T::Packed> {
        self.urgent.push(slices::place(no).0);
        self.set(no, row)
    }

    /// Writes what must be written and the dirty slices of the next stretch, its length in proportion to the lines of this
    /// group; all of them when `all`. Returns the watermark when it has moved. `next_line` is the first line that is not yet
    /// written.
    pub(crate) fn flush(&mut self, connection: &Connection, group: Flushed) -> Result<Option<u64>, SqlError> {
        let Flushed { lines, next_line, all, version } = group;
        self.version = version;
        self.urgent.sort_unstable();
        self.urgent.dedup();
        for slice in std::mem::take(&mut self.urgent) {
            self.write(connection, slice)?;
        }
        let slices = self.chunks.len();
        self.owed += slices * lines;
        let stretch = self.owed / LINES_PER_SWEEP;
        self.owed %= LINES_PER_SWEEP;
        let (from, to) = if all { (0, slices) } else { (self.cursor, (self.cursor + stretch).min(slices)) };
        self.write_dirty(connection, from, to)?;
        self.swept[from..to].fill(next_line);
        self.cursor = if to == slices { 0 } else { to };
        // Without a slice nothing can be dirty.
        let safe = self.swept.get(self.cursor).copied().unwrap_or(next_line);
        if safe == self.watermark || !all && safe - self.watermark < LINES_PER_MARK {
            return Ok(None);
        }
        self.watermark = safe;
        Ok(Some(safe))
    }

    fn write_dirty(&mut self, connection: &Connection, from: usize, to: usize) -> Result<(), SqlError> {
        for slice in from..to {
            if self.dirty[slice / 64] & 1 << (slice % 64) != 0 {
                self.write(connection, slice)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, connection: &Connection, slice: usize) -> Result<(), SqlError> {
        self.dirty[slice / 64] &= !(1 << (slice % 64));
        let Some(Some(chunk)) = self.chunks.get(slice) else { return Ok(()) };
        slices::encode::<T>(chunk.iter(), &mut self.buffer);
        connection.put(T::WRITE, sql::params![slice as u64, &self.buffer, self.version])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::GroupRow;
    use ledger::{Group, GroupNo};

    fn group(no: u64, used: i64) -> GroupRow {
        let group = Group { no: GroupNo(no), day: 20_000, month: 24_000, year: 2_000, ..Group::default() };
        GroupRow { group: Group { out: [used; 3], last: no, ..group }, profile: 7 }
    }

    fn with(lines: usize, next_line: u64, all: bool) -> Flushed {
        Flushed { lines, next_line, all, version: 0 }
    }

    fn table() -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().expect("a directory");
        let connection = Connection::open_writer(&directory.path().join("x.db"), 4096).expect("opens");
        let sql =
            "CREATE TABLE group_slice(no INTEGER PRIMARY KEY, rows BLOB NOT NULL, version INTEGER NOT NULL) STRICT;";
        connection.execute_batch(sql).expect("a table");
        (directory, connection)
    }

    #[test]
    fn a_table_that_nobody_uses_does_not_hold_the_watermark_back() {
        let (_directory, connection) = table();
        let mut groups = Rolling::<GroupRow>::new(0, 0);
        let (mut line, mut mark) = (1, None);
        for _ in 0..3 {
            line += LINES_PER_SWEEP as u64 / 2;
            mark =
                groups.flush(&connection, with(LINES_PER_SWEEP / 2, line, false)).expect("nothing to write").or(mark);
        }
        assert!(mark.is_some_and(|mark| mark >= LINES_PER_SWEEP as u64), "{mark:?}");
    }

    #[test]
    fn opened_rows_are_written_at_once_and_counters_when_the_sweep_passes() {
        let (_directory, connection) = table();
        let mut groups = Rolling::<GroupRow>::new(1, 0);
        let rows = 3 * ROWS as u64 + 5;
        for no in 1..=rows {
            groups.open(&connection, no, &group(no, 0)).expect("opens");
        }
        groups.flush(&connection, with(1, 2, false)).expect("flushes");
        let used = |no| slices::read_one::<GroupRow>(&connection, no).expect("reads").map(|row| row.group.out[0]);
        assert_eq!((used(1), used(rows), used(rows + 1)), (Some(0), Some(0), None));
        for no in 1..=rows {
            groups.set(no, &group(no, 5));
        }
        groups.set_terms(600, &group(600, 5));
        groups.flush(&connection, with(1, 3, false)).expect("flushes");
        assert_eq!((used(1), used(600), used(rows)), (Some(0), Some(5), Some(0)), "only what must");
        let (mut line, mut marks) = (3, Vec::new());
        for _ in 0..16 {
            line += LINES_PER_SWEEP as u64 / 16;
            marks.extend(groups.flush(&connection, with(LINES_PER_SWEEP / 16, line, false)).expect("flushes"));
        }
        assert_eq!((1..=rows).map(used).filter(|used| *used == Some(5)).count() as u64, rows);
        for no in 1..=rows {
            groups.set(no, &group(no, 6));
        }
        let changed = line;
        for _ in 0..15 {
            line += LINES_PER_SWEEP as u64 / 16;
            marks.extend(groups.flush(&connection, with(LINES_PER_SWEEP / 16, line, false)).expect("flushes"));
            let safe = (1..=rows).all(|no| used(no) == Some(6));
            assert!(safe || groups.watermark <= changed, "{marks:?}");
        }
        assert!(groups.watermark > LINES_PER_SWEEP as u64 / 2 && marks.is_sorted(), "{marks:?}");
        let end = groups.flush(&connection, with(0, line, true)).expect("flushes");
        assert_eq!((end, used(rows)), (Some(line), Some(6)));
    }

    #[test]
    fn a_row_of_an_undone_unit_is_gone_and_its_number_free() {
        let (_directory, connection) = table();
        let mut groups = Rolling::<GroupRow>::new(1, 0);
        for no in 1..=ROWS as u64 + 1 {
            groups.open(&connection, no, &group(no, 0)).expect("opens");
        }
        groups.forget(ROWS as u64 + 1);
        assert!(groups.get(ROWS as u64 + 1).is_none());
        groups.open(&connection, ROWS as u64 + 1, &group(9, 4)).expect("the number is free");
        assert_eq!(groups.get(ROWS as u64 + 1).map(|row| row.group.out[0]), Some(4));
        assert!(groups.open(&connection, ROWS as u64 + 9, &group(9, 4)).is_err(), "numbers have no gaps");
    }
}

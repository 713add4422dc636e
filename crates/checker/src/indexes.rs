//! The look-up indexes that roll behind their tables: `entry_index` over the journal, `idempotency_index` over the records.
//!
//! Below the watermark an index must hold exactly one row for each row of its table; from the watermark on it may hold some.
//! Both sides are added up as they are read in their own order, so that neither need be kept in memory nor looked up at
//! random; only when the sums differ is the row searched.

use crate::Progress;
use crate::difference::{Difference, Place, Stop};
use crate::scan::{Snapshot, tell};
use crate::sums::Sum;
use std::collections::HashSet;

/// Which index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    Entries,
    Keys,
}

impl Index {
    fn table(self) -> &'static str {
        match self {
            Self::Entries => "entry_index",
            Self::Keys => "idempotency_index",
        }
    }

    fn watermark(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Keys => "keys",
        }
    }

    fn invariant(self) -> &'static str {
        match self {
            Self::Entries => "form",
            Self::Keys => "I4",
        }
    }

    fn scan(self) -> &'static str {
        match self {
            Self::Entries => "SELECT h, seq FROM entry_index ORDER BY h, seq",
            Self::Keys => "SELECT h, seq FROM idempotency_index ORDER BY h, seq",
        }
    }

    /// The key of a row of the indexed table.
    fn key(self) -> &'static str {
        match self {
            Self::Entries => "SELECT id FROM journal WHERE seq = ?1",
            Self::Keys => "SELECT key FROM idempotency WHERE seq = ?1",
        }
    }

    /// The index's rows for a hash, other than one.
    fn others(self) -> &'static str {
        match self {
            Self::Entries => "SELECT seq FROM entry_index WHERE h = ?1 AND seq <> ?2",
            Self::Keys => "SELECT seq FROM idempotency_index WHERE h = ?1 AND seq <> ?2",
        }
    }

    /// Rows below the watermark that the index lacks: the slow search once something is known to be wrong.
    fn rows(self) -> &'static str {
        match self {
            Self::Entries => "SELECT seq, id FROM journal WHERE seq < ?1 AND entry = seq ORDER BY seq",
            Self::Keys => "SELECT seq, key FROM idempotency WHERE seq < ?1 ORDER BY seq",
        }
    }

    fn has(self) -> &'static str {
        match self {
            Self::Entries => "SELECT count(*) FROM entry_index WHERE h = ?1 AND seq = ?2",
            Self::Keys => "SELECT count(*) FROM idempotency_index WHERE h = ?1 AND seq = ?2",
        }
    }
}

/// The first eight bytes, by which a key is looked up.
fn hash(key: [u8; 16]) -> i64 {
    i64::from_be_bytes([key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7]])
}

/// A hash as the name in a sum.
fn name(hash: i64) -> u128 {
    u128::from(hash.cast_unsigned())
}

/// What the indexed table says, gathered as it is read.
pub(crate) struct Tally {
    index: Index,
    watermark: i64,
    sum: Sum,
    /// Keys from the watermark on, which the index need not hold yet.
    tail: HashSet<[u8; 16]>,
    tail_rows: Vec<([u8; 16], i64)>,
}

impl Tally {
    pub(crate) fn new(snapshot: &Snapshot, index: Index) -> Result<Self, Stop> {
        let watermark = snapshot.watermark(index.watermark())?;
        Ok(Self { index, watermark, sum: Sum::default(), tail: HashSet::new(), tail_rows: Vec::new() })
    }

    /// Counts a row of the indexed table.
    pub(crate) fn count(&mut self, key: [u8; 16], seq: i64) -> Result<(), Stop> {
        if seq < self.watermark {
            self.sum.add(name(hash(key)), seq);
            return Ok(());
        }
        self.tail_rows.push((key, seq));
        if self.tail.insert(key) { Ok(()) } else { Err(twice(self.index, seq, key)) }
    }

    /// Compares with the index; `last` is the table's last number.
    pub(crate) fn finish(self, snapshot: &Snapshot, last: u64) -> Result<(), Stop> {
        let end = i64::try_from(last).unwrap_or(i64::MAX).saturating_add(1);
        let place = Place { invariant: "form", table: "watermark", row: 0 };
        place.that(self.watermark <= end, self.index.watermark(), format!("at most {end}"), self.watermark)?;
        let (mut sum, mut before) = (Sum::default(), None);
        snapshot.scan(self.index.table(), self.index.scan(), &[], |row| {
            let (h, seq) = (row.int(0)?, row.int(1)?);
            if seq < self.watermark {
                sum.add(name(h), seq);
            } else {
                check_row(snapshot, self.index, h, seq)?;
            }
            if let Some((other_h, other)) = before
                && other_h == h
            {
                check_pair(snapshot, self.index, other, seq)?;
            }
            before = Some((h, seq));
            Ok(())
        })?;
        if sum != self.sum {
            return Err(self.search(snapshot)?);
        }
        for (key, seq) in &self.tail_rows {
            let sql = self.index.others();
            for other in snapshot.connection.query(sql, sql::params![hash(*key), *seq], |row| row.int(0))? {
                check_pair(snapshot, self.index, other, *seq)?;
            }
        }
        Ok(())
    }

    /// Finds the row in which index and table differ.
    fn search(&self, snapshot: &Snapshot) -> Result<Stop, Stop> {
        let index = self.index;
        snapshot.scan(index.table(), index.scan(), &[], |row| check_row(snapshot, index, row.int(0)?, row.int(1)?))?;
        snapshot.scan(index.table(), index.rows(), sql::params![self.watermark], |row| {
            let (seq, key) = (row.int(0)?, hash(row.u128(1)?.to_be_bytes()));
            if snapshot.number(index.has(), sql::params![key, seq])? == 1 {
                return Ok(());
            }
            let expected = format!("a row ({key}, {seq}) before the watermark {}", self.watermark);
            Err(Difference::new((index.invariant(), index.table()), seq, "seq", expected, "none").into())
        })?;
        Ok(Difference::new((index.invariant(), index.table()), "all", "rows", self.sum.count, "others").into())
    }
}

fn key_of(snapshot: &Snapshot, index: Index, seq: i64) -> Result<Option<[u8; 16]>, Stop> {
    let key = snapshot.connection.query_opt(index.key(), sql::params![seq], |row| row.opt_u128(0))?;
    Ok(key.flatten().map(u128::to_be_bytes))
}

/// An index row must lead to a row with its hash.
fn check_row(snapshot: &Snapshot, index: Index, h: i64, seq: i64) -> Result<(), Stop> {
    let found = key_of(snapshot, index, seq)?;
    if found.map(hash) == Some(h) {
        return Ok(());
    }
    let expected = found.map_or("no row: nothing has this number".to_owned(), |key| hash(key).to_string());
    Err(Difference::new((index.invariant(), index.table()), format!("({h}, {seq})"), "h", expected, h).into())
}

/// Two rows with one hash must have different keys.
fn check_pair(snapshot: &Snapshot, index: Index, one: i64, other: i64) -> Result<(), Stop> {
    let key = key_of(snapshot, index, one)?;
    match key {
        Some(key) if key_of(snapshot, index, other)? == Some(key) => Err(twice(index, other, key)),
        _ => Ok(()),
    }
}

fn twice(index: Index, seq: i64, key: [u8; 16]) -> Stop {
    let (table, column) = match index {
        Index::Entries => ("journal", "id"),
        Index::Keys => ("idempotency", "key"),
    };
    let found = format!("{:032x} a second time", u128::from_be_bytes(key));
    Difference::new(("I4", table), seq, column, "a value of its own", found).into()
}

/// I4: idempotency records are numbered without gaps, each key has one, and the index finds it.
pub(crate) fn check_keys(snapshot: &Snapshot, progress: &mut dyn FnMut(Progress)) -> Result<u64, Stop> {
    let of = u64::try_from(snapshot.number("SELECT count(*) FROM idempotency", &[])?).unwrap_or(0);
    let mut tally = Tally::new(snapshot, Index::Keys)?;
    // Old records may be dropped from the front.
    let first = snapshot.number("SELECT min(seq) FROM idempotency", &[])?.max(1);
    let (mut next, mut done) = (first, 0);
    snapshot.scan("idempotency", "SELECT seq, key FROM idempotency ORDER BY seq", &[], |row| {
        let seq = row.int(0)?;
        Place { invariant: "I4", table: "idempotency", row: next }.same("seq", next, seq)?;
        tally.count(row.u128(1)?.to_be_bytes(), seq)?;
        (next, done) = (seq + 1, done + 1);
        tell(progress, "idempotency", done, of);
        Ok(())
    })?;
    tally.finish(snapshot, u64::try_from(next - 1).unwrap_or(0))?;
    Ok(done)
}

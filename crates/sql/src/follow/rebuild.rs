//! A database file again, from a copy: as it was at a moment.
//!
//! Everything that is used is verified first: each page of the base, each record, that none is missing, and that the chain goes
//! as far as its head says. What is not whole is refused, with the moments that can still be had.

use super::PAGE;
use super::base::page_sum;
use super::chain::{Base, Head, bases, chains, log_name, named, numbers};
use super::record::{self, Record};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why nothing was restored.
#[derive(Debug)]
pub enum RebuildError {
    /// There is no copy that is whole.
    None,
    /// The moment is before everything that is kept; the oldest moment.
    TooEarly(i64),
    /// Something that is needed is damaged or missing: what, the last moment before it, and the first one behind it.
    Damaged {
        /// The file, and what is wrong with it.
        what: String,
        /// The last moment that can be had without it.
        before: Option<i64>,
        /// The first moment after it that can be had without it.
        after: Option<i64>,
    },
    /// A file cannot be read or written.
    Io(io::Error),
}

impl fmt::Display for RebuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("there is no copy, or its first base was never finished"),
            Self::TooEarly(_) => f.write_str("the moment lies before everything that is kept"),
            Self::Damaged { what, .. } => f.write_str(what),
            Self::Io(error) => write!(f, "the copy cannot be read, or the file not be written: {error}"),
        }
    }
}

impl std::error::Error for RebuildError {}

impl From<io::Error> for RebuildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The moment, microseconds since 1970: nothing is in it that was committed later.
    pub moment: i64,
    /// Records that were applied.
    pub records: u64,
    /// Where the copy ends, when that is before the moment that was asked for: nothing committed after it is there, whether the
    /// moment lies in the future, or between two chains.
    pub ends: Option<i64>,
}

/// Writes the database as it was at a moment (the last one when absent) into a new file, and flushes it.
///
/// # Errors
/// See [`RebuildError`]; the file may then be there, half written.
pub fn rebuild(from: &Path, at: Option<i64>, target: &Path) -> Result<Rebuilt, RebuildError> {
    let (asked, at) = (at, at.unwrap_or(i64::MAX));
    let (chain, base) = choose(from, at)?;
    let head = Head::read(&chain)?.ok_or(RebuildError::None)?;
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(target)?;
    let after = bases(&chain)?.iter().map(|later| later.moment).find(|moment| *moment > base.moment);
    let mut work = Work {
        chain,
        head,
        base,
        at,
        after,
        file,
        summed: false,
        size: None,
        moment: None,
        records: 0,
        waiting: Vec::new(),
    };
    work.put_base()?;
    let whole = work.apply()? == Applied::Whole;
    let moment = work.moment.ok_or_else(|| work.damaged("the chain ends before its base is a moment".to_owned()))?;
    if let Some(size) = work.size {
        work.file.set_len(u64::from(size) * PAGE as u64)?;
    }
    work.file.sync_all()?;
    let ends = asked.is_some_and(|at| whole && at > work.head.covered).then_some(work.head.covered.max(moment));
    Ok(Rebuilt { moment, records: work.records, ends })
}

/// The newest base that is a moment no later than `at`, and its chain.
fn choose(from: &Path, at: i64) -> Result<(PathBuf, Base), RebuildError> {
    let mut oldest = None;
    for chain in chains(from)?.into_iter().rev() {
        let found = bases(&chain).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::NotFound => {
                RebuildError::Damaged { what: format!("{}: {error}", chain.display()), before: None, after: None }
            }
            _ => error.into(),
        })?;
        oldest = found.first().map(|base| base.moment).or(oldest);
        if let Some(base) = found.into_iter().rev().find(|base| base.moment <= at) {
            return Ok((chain, base));
        }
    }
    Err(oldest.map_or(RebuildError::None, RebuildError::TooEarly))
}

/// How much of a chain was applied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// What was committed up to the moment.
    Part,
    /// All that there is.
    Whole,
}

struct Work {
    chain: PathBuf,
    head: Head,
    base: Base,
    at: i64,
    /// The moment of the next base.
    after: Option<i64>,
    file: File,
    /// Its pages carry sums; the first page of the base says so.
    summed: bool,
    size: Option<u32>,
    moment: Option<i64>,
    records: u64,
    /// Records that are no moment yet.
    waiting: Vec<Record>,
}

impl Work {
    fn damaged(&self, what: String) -> RebuildError {
        RebuildError::Damaged { what, before: self.moment, after: self.after }
    }

    fn put_base(&mut self) -> Result<(), RebuildError> {
        let mut from = BufReader::with_capacity(1 << 20, File::open(&self.base.file)?);
        let mut page = vec![0; PAGE];
        for (at, sum) in self.base.sums.iter().enumerate() {
            let number = at as u64 + 1;
            let read = from.read_exact(&mut page);
            if read.is_err() || page_sum(number, &page) != *sum {
                return Err(self.damaged(format!("page {number} of {} is damaged", self.base.file.display())));
            }
            if let (0, Some(first)) = (at, page.first_chunk()) {
                self.summed = pages::keeps_sums(first);
            }
            self.file.write_all_at(&page, at as u64 * PAGE as u64)?;
        }
        Ok(())
    }

    /// Reads the records from the log that has the base's first one to the moment, each verified.
    fn apply(&mut self) -> Result<Applied, RebuildError> {
        let logs = named(&self.chain, "log-")?;
        let firsts: Vec<u64> = logs.iter().filter_map(|log| numbers(log).first().copied()).collect();
        let begin = firsts.iter().rposition(|first| *first <= self.base.from).unwrap_or(0);
        let mut next = firsts.get(begin).copied().unwrap_or(0);
        let mut sum = None;
        for (path, first) in logs.iter().zip(firsts).skip(begin) {
            if first != next || first > self.base.from && sum.is_none() {
                return Err(self.damaged(format!("{} is missing", self.chain.join(log_name(next)).display())));
            }
            let mut log = BufReader::with_capacity(1 << 20, File::open(path)?);
            while next <= self.head.number {
                let record = match record::read(&mut log) {
                    Ok(None) => break,
                    Ok(Some(record)) => record,
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        return Err(self.damaged(format!("record {next} in {} is damaged", path.display())));
                    }
                    Err(error) => return Err(error.into()),
                };
                let follows = sum.is_none_or(|sum| record.label.before == sum);
                if record.label.number != next || !follows {
                    return Err(self.damaged(format!("record {next} in {} is missing", path.display())));
                }
                (next, sum) = (next + 1, Some(record.sum));
                if record.label.whole && record.label.moment > self.at {
                    return Ok(Applied::Part);
                }
                self.take(record)?;
            }
        }
        if next <= self.head.number || sum != Some(self.head.sum) {
            return Err(self.damaged(format!(
                "{} ends with record {}, but its head says {}: the rest is missing",
                self.chain.display(),
                next.saturating_sub(1),
                self.head.number
            )));
        }
        Ok(Applied::Whole)
    }

    /// Writes a page from the log, where the bytes that are reserved for its sum are old.
    fn put_page(&self, number: u64, page: &[u8]) -> io::Result<()> {
        let Ok(mut page) = <[u8; PAGE]>::try_from(page) else { return Err(io::ErrorKind::InvalidData.into()) };
        if self.summed {
            pages::put_sum(number, &mut page);
        }
        self.file.write_all_at(&page, number.saturating_sub(1) * PAGE as u64)
    }

    /// Applies a record once the chain is a moment with it.
    fn take(&mut self, record: Record) -> Result<(), RebuildError> {
        let label = record.label;
        if label.number < self.base.from {
            return Ok(());
        }
        self.waiting.push(record);
        if !label.whole {
            return Ok(());
        }
        for record in std::mem::take(&mut self.waiting) {
            for (number, page) in record.pages() {
                self.put_page(u64::from(number), page)?;
            }
            // Until the log has a frame nobody knows how many pages there are; then they are those of the base.
            self.size = Some(record.label.size).filter(|size| *size > 0).or(self.size);
            self.records += 1;
        }
        if label.number >= self.base.good {
            self.moment = Some(label.moment);
        }
        Ok(())
    }
}

//! What stands in a destination: chains, each with logs of records, bases, and a head that says how far it goes.
//!
//! ```text
//! DEST/chain-0001763806500000/            named after the moment it was begun
//!        head                             how far the chain goes; replaced with every shipment
//!        log-000000000001                 records from number 1 on; then log-000000004711, …
//!        base-000000000001-000000000003   a database file; good with the records from the first number to at least the second
//!        base-….sums                      its moment, and the sum of each of its pages
//! ```

use super::tap::Salts;
use super::wish::put;
use pages::sum;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How far a chain goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The first number of the log file that is written.
    pub log: u64,
    /// Its length.
    pub end: u64,
    /// The last record's number; 0 when there is none.
    pub number: u64,
    /// The last record's sum.
    pub sum: u64,
    /// The last moment that a record is.
    pub moment: i64,
    /// Everything committed before this moment is in the chain.
    pub covered: i64,
    /// The log of the bank that the last record is from.
    pub salts: Salts,
}

const HEAD: &str = "head";

impl Head {
    fn text(&self) -> String {
        let Self { log, end, number, sum, moment, covered, salts: [first, second] } = self;
        format!("1 {log} {end} {number} {sum} {moment} {covered} {first} {second}")
    }

    pub(crate) fn write(&self, chain: &Path) -> io::Result<()> {
        let text = self.text();
        put(chain, HEAD, &format!("{text} {:016x}\n", sum(0, text.as_bytes())))
    }

    /// Reads the head; none when the chain has none yet.
    pub(crate) fn read(chain: &Path) -> io::Result<Option<Self>> {
        let text = match std::fs::read_to_string(chain.join(HEAD)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let damaged = || io::Error::new(ErrorKind::InvalidData, "the head of the chain is damaged");
        let (said, told) = text.strip_suffix('\n').and_then(|line| line.rsplit_once(' ')).ok_or_else(damaged)?;
        if told != format!("{:016x}", sum(0, said.as_bytes())) {
            return Err(damaged());
        }
        let numbers: Result<Vec<i128>, _> = said.split(' ').map(str::parse).collect();
        let numbers = numbers.map_err(|_| damaged())?;
        let [1, log, end, number, sum, moment, covered, first, second] = numbers[..] else {
            return Err(damaged());
        };
        let large = |number: i128| u64::try_from(number).map_err(|_| damaged());
        let small = |number: i128| u32::try_from(number).map_err(|_| damaged());
        let time = |number: i128| i64::try_from(number).map_err(|_| damaged());
        Ok(Some(Self {
            log: large(log)?,
            end: large(end)?,
            number: large(number)?,
            sum: large(sum)?,
            moment: time(moment)?,
            covered: time(covered)?,
            salts: [small(first)?, small(second)?],
        }))
    }
}

/// A base of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub file: PathBuf,
    /// The first record that must be applied.
    pub from: u64,
    /// The record from which on it is a moment of the bank.
    pub good: u64,
    /// That record's moment.
    pub moment: i64,
    /// The sum of each page.
    pub sums: Vec<u64>,
}

pub(crate) fn base_name(from: u64, good: u64) -> String {
    format!("base-{from:012}-{good:012}")
}

pub(crate) fn log_name(first: u64) -> String {
    format!("log-{first:012}")
}

/// The path of a base's sums.
pub(crate) fn sums_of(base: &Path) -> PathBuf {
    base.with_extension("sums")
}

/// A base's sums as bytes: the moment, the sums, and the sum of all that.
pub(crate) fn sums_to_bytes(moment: i64, sums: &[u64]) -> Vec<u8> {
    let mut bytes = moment.to_le_bytes().to_vec();
    sums.iter().for_each(|sum| bytes.extend_from_slice(&sum.to_le_bytes()));
    let whole = sum(1, &bytes);
    bytes.extend_from_slice(&whole.to_le_bytes());
    bytes
}

fn sums_from_bytes(bytes: &[u8]) -> Option<(i64, Vec<u64>)> {
    let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let [moment, sums @ .., whole] = &words[..] else { return None };
    let sound = bytes.len().is_multiple_of(8) && *whole == sum(1, &bytes[..bytes.len() - 8]);
    sound.then(|| (moment.cast_signed(), sums.to_vec()))
}

/// The chains of a destination, the oldest first.
pub(crate) fn chains(to: &Path) -> io::Result<Vec<PathBuf>> {
    named(to, "chain-")
}

/// Everything in a directory whose name begins so and is not unfinished, in order.
pub(crate) fn named(directory: &Path, begin: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(directory)? {
        let item = item?;
        let name = item.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(begin) && !name.contains('.')) {
            found.push(item.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The numbers in the name of a log or a base.
pub(crate) fn numbers(path: &Path) -> Vec<u64> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('-').filter_map(|part| part.parse().ok()).collect()
}

/// The bases of a chain, the oldest first. Sums that are damaged or missing are an error: the base was called one.
pub(crate) fn bases(chain: &Path) -> io::Result<Vec<Base>> {
    let mut bases = Vec::new();
    for file in named(chain, "base-")? {
        let [from, good] = numbers(&file)[..] else { continue };
        let damaged = || io::Error::new(ErrorKind::InvalidData, format!("{} is damaged", sums_of(&file).display()));
        let (moment, sums) = sums_from_bytes(&std::fs::read(sums_of(&file))?).ok_or_else(damaged)?;
        bases.push(Base { file, from, good, moment, sums });
    }
    Ok(bases)
}

/// How far the copy in a destination has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyState {
    /// The oldest moment that can be restored, microseconds since 1970.
    pub oldest: i64,
    /// The newest one.
    pub newest: i64,
    /// Everything committed before this moment is in the copy.
    pub covered: i64,
}

/// What can be restored from a destination; nothing while its first base is not whole.
///
/// # Errors
/// When it cannot be read, or what it says of itself is damaged.
pub fn copy_state(to: &Path) -> io::Result<Option<CopyState>> {
    let mut state: Option<CopyState> = None;
    for chain in chains(to)? {
        let (Some(head), bases) = (Head::read(&chain)?, bases(&chain)?) else { continue };
        if let Some(base) = bases.first() {
            let oldest = state.map_or(base.moment, |state| state.oldest);
            state = Some(CopyState { oldest, newest: head.moment, covered: head.covered });
        }
    }
    Ok(state)
}

/// Flushes a directory.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

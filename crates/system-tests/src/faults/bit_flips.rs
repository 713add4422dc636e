//! A bit of the database, of its log, of a backup or of a continuous copy is flipped while nobody has the file open.
//!
//! A round is one bit of one of four images of the same loaded bank: closed in order, as a crash leaves it with most of what
//! happened in the log, a backup, and a continuous copy (any of its files, the longer ones more often). The flip must be noticed
//! by the start or by the checker (which a restore runs) or by the rebuilding, or leave every column of every row as it was.
//! Else it is silent, and silent is wrong. Every flip in a backup must be noticed, since it carries the sums of its pages. A flip in the
//! database is without effect in a page that nothing uses any more, or that the log has too.
//!
//! One thing cannot be noticed and is left out: the last commit of the log, which looks like one that a power cut kept from
//! being flushed.

use crate::chance::Chance;
use crate::faults::{How, Tally, now};
use crate::powercut::disk::Files;
use crate::powercut::history::Marks;
use crate::powercut::loader::{self, Load};
use crate::powercut::session;
use sql::{Connection, SqlError};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The defect: nobody checks.
pub const DEFECT: &str = "unchecked";
/// The defect of the product: the sums of the database's pages are not compared.
pub const NO_SUMS: &str = "no-sums";

/// A bank's files, which of them to damage, and what its columns hold.
struct Image {
    name: &'static str,
    files: Files,
    damaged: String,
    /// Only bytes before this one.
    until: usize,
    /// It is started before it is checked; a backup is only checked.
    started: bool,
    columns: Columns,
}

/// A digest for each column of each table, by `table.column`.
type Columns = BTreeMap<String, u64>;

#[derive(Default)]
struct Count {
    start: u64,
    checker: u64,
    /// The rows cannot be read.
    reader: u64,
    nothing: u64,
    silent: BTreeMap<String, u64>,
}

/// Flips `rounds` bits, in turn in each image.
///
/// # Errors
/// When the harness itself fails.
pub fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let images = images(place.path(), how.seed)?;
    let copy = copied(&place.path().join("copy"))?;
    let mut tally = Tally::default();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for round in 0..how.rounds {
        let mut chance = Chance::new(how.seed).branch(round);
        let turn = usize::try_from(round).unwrap_or(0) % (images.len() + 1);
        let Some(image) = images.get(turn) else {
            let count = counts.entry("copy").or_default();
            if let Some(silent) = in_copy(&copy, &mut chance, how.has(DEFECT), count)? {
                tally.wrong(silent);
            }
            tally.rounds += 1;
            continue;
        };
        let mut files = image.files.clone();
        let bytes = files.get_mut(&image.damaged).ok_or_else(|| io::Error::other("an image without its file"))?;
        let (at, bit) = (chance.place(image.until.min(bytes.len())), chance.below(8));
        bytes[at] ^= 1 << bit;
        let directory = tempfile::tempdir_in(place.path())?;
        for (name, content) in &files {
            std::fs::write(directory.path().join(name), content)?;
        }
        let count = counts.entry(image.name).or_default();
        if let Some(silent) = look(image, directory.path(), how.has(DEFECT), count) {
            tally.wrong(format!("{} byte {at} bit {bit}: {silent} changed, and nobody noticed", image.damaged));
        }
        tally.rounds += 1;
    }
    for (name, count) in counts {
        let silent: u64 = count.silent.values().sum();
        tally.fact(format!(
            "{name}: noticed by the start {}, by the checker {}, by reading {}, without effect {}, silent {silent} {:?}",
            count.start, count.checker, count.reader, count.nothing, count.silent
        ));
    }
    Ok(tally)
}

/// What nobody noticed, if anything.
fn look(image: &Image, directory: &Path, unchecked: bool, count: &mut Count) -> Option<String> {
    let file = directory.join(sql::FILE_NAME);
    if !unchecked && !image.started {
        // A backup says itself whether it is as it was.
        if !matches!(sql::check_sums(&file), Ok(true)) {
            count.checker += 1;
            return None;
        }
        return Some("a sealed backup".to_owned());
    }
    if !unchecked {
        let found = checker::check(&file, &checker::Options { pages: true }, &mut |_| {});
        if !found.is_ok_and(|report| report.is_clean()) {
            count.checker += 1;
            return None;
        }
    }
    let Ok(columns) = columns(&file) else {
        count.reader += 1;
        return None;
    };
    let changed: Vec<&str> = image
        .columns
        .iter()
        .filter(|(name, digest)| columns.get(*name) != Some(digest))
        .map(|(name, _)| name.as_str())
        .collect();
    if changed.is_empty() {
        count.nothing += 1;
        return None;
    }
    if !unchecked && image.started && loader::open(directory).is_err() {
        count.start += 1;
        return None;
    }
    let told = if changed.len() > 3 { format!("{} columns", changed.len()) } else { changed.join(", ") };
    *count.silent.entry(told.clone()).or_default() += 1;
    Some(told)
}

/// Asks for a continuous copy, from the next start on.
fn follow(data: &Path, to: &Path) -> io::Result<()> {
    let hour = Duration::from_secs(3_600);
    let wish = sql::Wish { to: to.to_owned(), id: "bits".to_owned(), keep: hour, base_every: hour };
    sql::copy_wish(data, &wish).map(drop).map_err(io::Error::other)
}

/// Waits until a copy says that it is whole and has nothing more to write.
fn caught_up(to: &Path) -> io::Result<()> {
    let (begun, mut before): (_, Option<sql::CopyState>) = (now(), None);
    loop {
        let state = sql::copy_state(to).ok().flatten();
        // What is idle gains no moment, but goes on to say that it is up to date.
        if let (Some(before), Some(state)) = (before, state)
            && state.newest == before.newest
            && state.covered > before.covered
        {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(60) {
            return Err(io::Error::other("no copy within a minute"));
        }
        if before.map(|known| known.newest) != state.map(|state| state.newest) {
            before = state;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The files of a copy that nobody writes any more.
fn copied(to: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for item in std::fs::read_dir(to)?.flatten().filter(|item| item.path().is_dir()) {
        let chain = item.file_name().to_string_lossy().into_owned();
        for file in std::fs::read_dir(item.path())? {
            let file = file?;
            let name = format!("{chain}/{}", file.file_name().to_string_lossy());
            files.insert(name, std::fs::read(file.path())?);
        }
    }
    Ok(files)
}

/// A flip in one file of a copy; what nobody noticed, if anything.
fn in_copy(copy: &Files, chance: &mut Chance, unchecked: bool, count: &mut Count) -> io::Result<Option<String>> {
    let place = tempfile::tempdir()?;
    let mut files = copy.clone();
    // Half of the flips by length, half in any file alike: heads and sums are short.
    let all: usize = files.values().map(Vec::len).sum();
    let (mut skip, any) = (chance.place(all), chance.place(files.len()));
    let by_length = chance.below(2) == 0;
    let mut chosen = String::new();
    for (number, (name, bytes)) in files.iter_mut().enumerate() {
        let here = if by_length { skip < bytes.len() } else { number == any };
        if here && chosen.is_empty() {
            let at = if by_length { skip } else { chance.place(bytes.len()) };
            let bit = chance.below(8);
            bytes[at] ^= 1 << bit;
            chosen = format!("copy: {name} byte {at} bit {bit}");
        }
        skip = skip.saturating_sub(bytes.len());
    }
    for (name, bytes) in &files {
        let path = place.path().join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, bytes)?;
    }
    let target = place.path().join(sql::FILE_NAME);
    if sql::rebuild(place.path(), None, &target).is_err() && !unchecked {
        count.start += 1;
        return Ok(None);
    }
    *count.silent.entry(chosen.clone()).or_default() += 1;
    Ok(Some(format!("{chosen}: nobody noticed")))
}

/// Loads a bank and takes its three images.
fn images(place: &Path, seed: u64) -> io::Result<[Image; 3]> {
    let data = place.join("data");
    loader::prepare(&data)?;
    let copy = place.join("copy");
    follow(&data, &copy)?;
    let store = loader::open(&data).map_err(io::Error::other)?;
    let load = Load { seed, clients: 4, time: Duration::from_secs(20), wishes: 60 };
    let marks = place.join("marks");
    std::fs::create_dir_all(&marks)?;
    loader::run_on(&store, &Marks::open(&marks)?, &load)?;
    let log = format!("{}-wal", sql::FILE_NAME);
    let before_last = std::fs::metadata(data.join(&log))?.len();
    loader::one_more(&store).map_err(io::Error::other)?;
    let crashed = session::files_of(&data)?;
    caught_up(&copy)?;
    // As when a server ends in order: balances and look-up indexes are written to their ends.
    store.settle_blocking().map_err(io::Error::other)?;
    let backup = place.join("backup");
    std::fs::create_dir_all(&backup)?;
    let copier = Connection::open_copier(&data.join(sql::FILE_NAME)).map_err(io::Error::other)?;
    sql::copy_to(&copier, &backup.join(sql::FILE_NAME)).map_err(io::Error::other)?;
    drop((copier, store));
    let closed = session::files_of(&data)?;
    let image = |name, files: Files, (damaged, until): (&str, u64), started| {
        let directory = tempfile::tempdir_in(place)?;
        for (name, content) in &files {
            std::fs::write(directory.path().join(name), content)?;
        }
        let columns = columns(&directory.path().join(sql::FILE_NAME)).map_err(io::Error::other)?;
        Ok::<_, io::Error>(Image {
            name,
            files,
            damaged: damaged.to_owned(),
            until: usize::try_from(until).unwrap_or(usize::MAX),
            started,
            columns,
        })
    };
    Ok([
        image("database", closed, (sql::FILE_NAME, u64::MAX), true)?,
        image("log", crashed, (&log, before_last), true)?,
        image("backup", session::files_of(&backup)?, (sql::FILE_NAME, u64::MAX), false)?,
    ])
}

/// A digest of every column of every table.
fn columns(file: &Path) -> Result<Columns, SqlError> {
    let connection = Connection::open_reader(file)?;
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut columns = Columns::new();
    for table in connection.query(tables, &[], |row| row.text(0))? {
        let names =
            connection
                .query("SELECT name FROM pragma_table_info(?1)", sql::params![table.as_str()], |row| row.text(0))?;
        for name in names {
            let mut digest = DefaultHasher::new();
            connection.each(&format!("SELECT quote(\"{name}\") FROM \"{table}\""), &[], |row| {
                row.text(0)?.hash(&mut digest);
                Ok(())
            })?;
            columns.insert(format!("{table}.{name}"), digest.finish());
        }
    }
    Ok(columns)
}

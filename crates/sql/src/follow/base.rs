//! Copies the database file while it changes; why that is good enough is argued in the module above.

use super::PAGE;
use super::chain::{base_name, sums_of, sums_to_bytes, sync_directory};
use pages::sum;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// So many pages are copied in one step.
const STEP: usize = 256;
const UNFINISHED: &str = "base.unfinished";

/// The sum of a page, by its number from 1.
pub(crate) fn page_sum(number: u64, page: &[u8]) -> u64 {
    sum(number, page)
}

/// A database's file, opened beside the database's own connections and never closed again: closing it would take the locks
/// away that they hold in this process. One for each file, for life.
pub(crate) fn kept(database: &Path) -> io::Result<&'static File> {
    static KEPT: Mutex<Vec<((u64, u64), &'static File)>> = Mutex::new(Vec::new());
    let found = std::fs::metadata(database)?;
    let name = (found.dev(), found.ino());
    let mut files = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, file)) = files.iter().find(|(known, _)| *known == name) {
        return Ok(file);
    }
    let file: &'static File = Box::leak(Box::new(File::open(database)?));
    files.push((name, file));
    Ok(file)
}

/// A base on its way.
pub(crate) struct Copying {
    from: &'static File,
    to: File,
    /// The first record that must be applied to it.
    first: u64,
    sums: Vec<u64>,
    ended: bool,
}

impl Copying {
    /// Begins to copy. What was begun before in this chain and not finished is overwritten.
    pub(crate) fn begin(database: &Path, chain: &Path, first: u64) -> io::Result<Self> {
        let to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(chain.join(UNFINISHED))?;
        Ok(Self { from: kept(database)?, to, first, sums: Vec::new(), ended: false })
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Copies some pages. A page that the file gets at this moment may be read half old, half new: it is in a record too.
    pub(crate) fn step(&mut self) -> io::Result<()> {
        let mut pages = vec![0; STEP * PAGE];
        let at = self.sums.len() as u64 * PAGE as u64;
        let mut filled = 0;
        while filled < pages.len() {
            match self.from.read_at(&mut pages[filled..], at + filled as u64)? {
                0 => break,
                more => filled += more,
            }
        }
        self.ended = filled < pages.len();
        // A page that is not there wholly is being appended, and in a record.
        pages.truncate(filled - filled % PAGE);
        for page in pages.chunks_exact(PAGE) {
            self.sums.push(page_sum(self.sums.len() as u64 + 1, page));
        }
        self.to.write_all(&pages)
    }

    /// Flushes the base and gives it its name; `good` is a record that was cut after the last step, and its moment.
    pub(crate) fn finish(self, chain: &Path, good: (u64, i64)) -> io::Result<PathBuf> {
        self.to.sync_all()?;
        let file = chain.join(base_name(self.first, good.0));
        let mut sums = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(sums_of(&file))?;
        sums.write_all(&sums_to_bytes(good.1, &self.sums))?;
        sums.sync_all()?;
        // The base's own name comes last: with it the sums are there.
        sync_directory(chain)?;
        std::fs::rename(chain.join(UNFINISHED), &file)?;
        sync_directory(chain)?;
        Ok(file)
    }
}

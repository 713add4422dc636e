//! Reads what is committed off the log before it can be overwritten.
//!
//! The invariant: while the tap is open, a snapshot is held and every frame up to that snapshot has been read. Why that loses
//! nothing is argued in the module above. A frame counts once the log's index counts it, which is after its commit was flushed:
//! what is copied can never be undone by a power cut.

use super::PAGE;
use crate::connection::{Connection, Engine};
use crate::error::SqlError;
use crate::log_damage::{Sum, add, pair, word};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const HEAD: u64 = 32;
const FRAME_HEAD: usize = 24;
const FRAME: usize = FRAME_HEAD + PAGE;
/// So many frames are read at once.
const CHUNK: u32 = 256;
/// So many pages wait in memory at most (and one commit beyond): 32 MiB. Then the log itself is what waits.
const MOST_WAITING: usize = 8_192;
/// A log of so many frames (1 GiB) does not wait any longer: the chain ends, the bank goes on.
pub(crate) const LONGEST_LOG: u32 = 262_144;

/// The two numbers that a log writes into each frame; another log has others.
pub(crate) type Salts = [u32; 2];
pub(crate) type Page = Box<[u8; PAGE]>;

/// What was committed since the last cut.
pub(crate) struct Cut {
    /// The last content of each page, by number from 1.
    pub pages: BTreeMap<u32, Page>,
    /// How many pages the database has.
    pub size: u32,
    /// The log that was current.
    pub salts: Salts,
    /// Everything that was committed when this was read is in it; that is before the answer to the question began.
    pub complete: bool,
}

/// The tap on one database's log.
pub(crate) struct Tap {
    file: PathBuf,
    log: PathBuf,
    open: Option<Open>,
}

struct Open {
    log: Option<File>,
    /// In a snapshot.
    held: Connection,
    spare: Connection,
    /// Asks how long the log is: only a connection that may write is told.
    asks: Connection,
    salts: Option<Salts>,
    /// Read up to here, the end of a commit.
    frame: u32,
    /// The log's checksum there.
    sum: Sum,
    pages: BTreeMap<u32, Page>,
    size: u32,
    /// Cuts since the current log began that became records.
    since: u64,
    /// The log that was current at first; every later one was followed from its first frame.
    first: Option<Salts>,
}

impl Tap {
    pub(crate) fn new(database: &Path) -> Self {
        let log = PathBuf::from(format!("{}-wal", database.display()));
        Self { file: database.to_owned(), log, open: None }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Begins to read, from the beginning of the current log on.
    pub(crate) fn open(&mut self) -> Result<(), SqlError> {
        let asks = Connection { engine: Engine::Embedded(pages::open(&self.file, rusqlite::OpenFlags::default())?) };
        asks.execute_batch("PRAGMA wal_autocheckpoint=0;")?;
        let (held, spare) = (Connection::open_reader(&self.file)?, Connection::open_reader(&self.file)?);
        hold(&held)?;
        let (pages, size) = (BTreeMap::new(), 0);
        self.open = Some(Open {
            log: None,
            held,
            spare,
            asks,
            salts: None,
            frame: 0,
            sum: [0; 2],
            pages,
            size,
            since: 0,
            first: None,
        });
        self.read().map(drop)
    }

    /// Gives up: what waits is forgotten and the log is free. Whoever copies needs a new base.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// The log that was current when the tap was opened, once it has a frame.
    pub(crate) fn first(&self) -> Option<Salts> {
        self.open.as_ref().and_then(|open| open.first)
    }

    /// How many cuts became records since the current log began: a base needs all of these, since the log may not be in the file.
    pub(crate) fn since(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.since)
    }

    /// Reads what is new. True when everything that was committed before the call has been read; false when memory is full or
    /// the tap is closed. A log that has become too long closes it.
    pub(crate) fn read(&mut self) -> Result<bool, SqlError> {
        let Some(open) = &mut self.open else { return Ok(false) };
        if open.pages.len() >= MOST_WAITING && open.frame < LONGEST_LOG {
            let frames = open.frames()?;
            if frames >= LONGEST_LOG {
                tracing::warn!(frames, "the log has waited too long for its copy and goes on without it");
                self.open = None;
            }
            return Ok(false);
        }
        let read = open.read(&self.log);
        if read.is_err() {
            // What was not read may be gone next time.
            self.open = None;
        }
        read
    }

    /// What was committed since the last cut; it becomes a record unless it is empty and none is `wanted` of it.
    pub(crate) fn cut(&mut self, wanted: bool) -> Result<Option<Cut>, SqlError> {
        let complete = self.read()?;
        let Some(open) = &mut self.open else { return Ok(None) };
        let pages = std::mem::take(&mut open.pages);
        let salts = open.salts.unwrap_or_default();
        open.since += u64::from(wanted || !pages.is_empty());
        Ok(Some(Cut { pages, size: open.size, salts, complete }))
    }

    /// The writer is about to start the log anew, between two groups. True when it may: everything is read. The snapshot is
    /// released, which nobody but the writer could use now.
    pub(crate) fn before_restart(&mut self) -> bool {
        match self.read() {
            Ok(true) => {}
            Ok(false) => return self.open.is_none(),
            Err(error) => {
                tracing::warn!(%error, "the log cannot be read for its copy");
                return true;
            }
        }
        let released = self.open.as_ref().map_or(Ok(0), |open| open.held.execute("ROLLBACK", &[]));
        if released.is_err() {
            self.open = None;
        }
        true
    }

    /// The writer has tried; it still stands between two groups.
    pub(crate) fn after_restart(&mut self, done: bool) {
        let Some(open) = &mut self.open else { return };
        if done {
            open.anew(None, [0; 2]);
        }
        if let Err(error) = hold(&open.held) {
            tracing::warn!(%error, "no snapshot for the copy");
            self.open = None;
        }
    }
}

impl Open {
    fn frames(&self) -> Result<u32, SqlError> {
        let frames = self.asks.query_opt("PRAGMA wal_checkpoint(NOOP)", &[], |row| row.int(1))?;
        frames.and_then(|frames| u32::try_from(frames).ok()).ok_or(SqlError::Busy)
    }

    /// Another log begins: nothing of it has been read, and no cut holds any of it.
    fn anew(&mut self, salts: Option<Salts>, sum: Sum) {
        (self.salts, self.frame, self.since, self.sum) = (salts, 0, 0, sum);
    }

    fn read(&mut self, path: &Path) -> Result<bool, SqlError> {
        hold(&self.spare)?;
        // Counted after the snapshot was taken: at least as many as it has.
        let all = self.read_to(self.frames()?, path)?;
        if all {
            std::mem::swap(&mut self.held, &mut self.spare);
        }
        self.spare.execute("ROLLBACK", &[])?;
        Ok(all)
    }

    /// Takes in whole commits, of the frames that there may be. True unless memory was full: whatever was committed before the
    /// call lies before the first frame that does not continue the log.
    ///
    /// Race closed here: a snapshot of a log that is in the file already does not keep the writer from starting it anew while
    /// we read, and then what we read is being written. So nothing is believed but frames that continue the checksums of
    /// their log, and of those nothing behind the last commit: that may still be undone and written over.
    fn read_to(&mut self, frames: u32, path: &Path) -> Result<bool, SqlError> {
        if frames == 0 {
            if self.frame > 0 {
                self.anew(None, [0; 2]);
            }
            return Ok(true);
        }
        let Some(log) = self.opened(path)? else { return Ok(true) };
        let mut head = [0; HEAD as usize];
        log.read_exact_at(&mut head, 0).map_err(io)?;
        let (salts, begin) = (pair(&head, 16), add([0; 2], &head[..FRAME_HEAD], word(&head, 0) & 1 == 1));
        if begin != pair(&head, FRAME_HEAD) {
            // It is being written: next time.
            return Ok(false);
        }
        if word(&head, 8) as usize != PAGE {
            return Err(SqlError::Other("the log's pages are not of 4096 bytes".to_owned()));
        }
        self.first.get_or_insert(salts);
        if self.salts != Some(salts) || self.frame > frames {
            // Only a log that had been read to its end can have been started anew under the snapshot. How many frames were
            // counted may be the old one's: next time.
            self.anew(Some(salts), begin);
            return Ok(false);
        }
        let (mut unit, mut at) = (Unfinished { pages: Vec::new(), sum: self.sum }, self.frame);
        let mut chunk = vec![0; FRAME * CHUNK as usize];
        while at < frames {
            let count = CHUNK.min(frames - at);
            let part = &mut chunk[..FRAME * count as usize];
            log.read_exact_at(part, HEAD + u64::from(at) * FRAME as u64).map_err(io)?;
            for frame in part.chunks_exact(FRAME) {
                let Some(size) = unit.take(frame, (salts, word(&head, 0) & 1 == 1)) else { return Ok(true) };
                at += 1;
                if size > 0 {
                    (self.frame, self.size, self.sum) = (at, size, unit.sum);
                    self.pages.extend(unit.pages.drain(..));
                    if self.pages.len() >= MOST_WAITING {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// The log's file, kept open: it is never replaced while a connection is open.
    fn opened(&mut self, path: &Path) -> Result<Option<File>, SqlError> {
        if self.log.is_none() {
            self.log = match File::open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                file => Some(file.map_err(io)?),
            };
        }
        self.log.as_ref().map(|file| file.try_clone().map_err(io)).transpose()
    }
}

/// Frames of a commit whose end has not come.
struct Unfinished {
    pages: Vec<(u32, Page)>,
    sum: Sum,
}

impl Unfinished {
    /// Takes one frame in: how many pages the database has when it ends a commit, and else 0; nothing when it does not continue
    /// its log.
    fn take(&mut self, frame: &[u8], (salts, big): (Salts, bool)) -> Option<u32> {
        let sum = add(add(self.sum, &frame[..8], big), &frame[FRAME_HEAD..], big);
        if pair(frame, 8) != salts || pair(frame, 16) != sum {
            return None;
        }
        self.sum = sum;
        #[cfg(feature = "seeded-defects")]
        if sum[0] % 40 == 7 && std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "skip-frames") {
            return Some(word(frame, 4));
        }
        let mut page = Box::new([0; PAGE]);
        page.copy_from_slice(&frame[FRAME_HEAD..]);
        self.pages.push((word(frame, 0), page));
        Some(word(frame, 4))
    }
}

/// Takes a snapshot: BEGIN alone takes none.
fn hold(connection: &Connection) -> Result<(), SqlError> {
    connection.begin_snapshot()?;
    connection.number("SELECT count(*) FROM sqlite_schema", &[]).map(drop)
}

pub(crate) fn io(error: std::io::Error) -> SqlError {
    SqlError::Io(error.to_string())
}

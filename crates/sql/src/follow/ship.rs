//! The thread that writes the copy: looks for the wish, opens the destination, appends records, copies bases, removes what is
//! older than is to be kept. It may be stuck in a dead mount for as long as it likes: the bank does not wait for it.

use super::base::Copying;
use super::chain::{Head, bases, chains, copy_state, log_name, named, numbers, sums_of, sync_directory};
use super::record::{self, Label};
use super::tap::{Cut, Tap};
use super::wall_clock;
use super::wish::Wish;
use crate::error::SqlError;
use crate::lock::DirectoryLock;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// So often a record is cut while there is something to copy.
const PERIOD: Duration = Duration::from_millis(150);
/// So often an idle chain says that it is up to date, the wish is read again, and a destination is looked for; microseconds.
const NOW_AND_THEN: i64 = 1_000_000;
/// A log file that is longer is followed by another.
const LONGEST_FILE: u64 = 64 << 20;
/// So long the last record is waited for at the end, in hundredths of a second.
const PATIENCE: usize = 500;
/// So many steps of a base go between two records: 16 MiB.
const BASE_STEPS: usize = 16;

/// The thread's handle. It ends when dropped, after one last record.
pub(crate) struct Shipper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Shipper {
    /// Starts the thread. The tap is opened before this returns when there is a wish already, so that the log which is there
    /// now is followed from its beginning.
    pub(crate) fn start(database: &Path, tap: Arc<Mutex<Tap>>) -> Result<Self, SqlError> {
        let directory = database.parent().map(Path::to_owned).unwrap_or_default();
        let stop = Arc::new(AtomicBool::new(false));
        let mut ship =
            Ship { directory, database: database.to_owned(), tap, wish: None, at: None, looked: 0, told: false };
        ship.look();
        if ship.wish.is_some()
            && let Err(error) = ship.tap().open()
        {
            tracing::warn!(%error, "the log cannot be followed yet");
        }
        let stopped = Arc::clone(&stop);
        let body = move || {
            while !stopped.load(Ordering::Relaxed) {
                if !ship.round() {
                    std::thread::park_timeout(PERIOD);
                }
            }
            ship.round();
            ship.tap().close();
        };
        let thread = std::thread::Builder::new().name("follow".to_owned()).spawn(body);
        let thread = thread.map_err(|error| SqlError::Io(error.to_string()))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A dead mount must not keep the bank from stopping.
            for _ in 0..PATIENCE {
                if thread.is_finished() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            if !thread.is_finished() {
                tracing::warn!("the destination of the copy does not answer; its last moment is not in it");
            } else if thread.join().is_err() {
                tracing::error!("the thread of the copy panicked");
            }
        }
    }
}

struct Ship {
    directory: PathBuf,
    database: PathBuf,
    tap: Arc<Mutex<Tap>>,
    wish: Option<Wish>,
    at: Option<At>,
    /// When the wish and the destination were looked for.
    looked: i64,
    /// Somebody was told that the destination is away.
    told: bool,
}

/// A chain that is being written.
struct At {
    _lock: DirectoryLock,
    to: PathBuf,
    chain: PathBuf,
    log: File,
    head: Head,
    /// A record that is not known to have arrived, and the head that goes with it.
    unsent: Option<(Vec<u8>, Head)>,
    base: Option<Copying>,
    /// While this chain has no base yet nothing of it can be restored: how far the chains before it go.
    before: Option<i64>,
    next_base: i64,
    /// The last attempt failed: look again at what is there before writing.
    doubtful: bool,
}

impl Ship {
    fn tap(&self) -> MutexGuard<'_, Tap> {
        lock(&self.tap)
    }

    /// One round; true when there is more to do at once.
    fn round(&mut self) -> bool {
        let due = wall_clock().abs_diff(self.looked) >= NOW_AND_THEN.unsigned_abs();
        if due {
            self.look();
        }
        let Some(wish) = self.wish.clone() else { return false };
        let done = match &self.at {
            None if due => self.arrive(&wish).map(|()| true),
            None => return false,
            Some(at) if at.doubtful && !due => return false,
            Some(_) => self.ship(&wish),
        };
        match done {
            Ok(more) => {
                if self.told {
                    tracing::info!(to = %wish.to.display(), "the copy of the bank goes on");
                    self.told = false;
                }
                more
            }
            Err(error) => {
                if !self.told {
                    tracing::warn!(to = %wish.to.display(), %error, "the bank is not copied now");
                    self.told = true;
                }
                if let Some(at) = &mut self.at {
                    at.doubtful = true;
                }
                false
            }
        }
    }

    /// Reads the wish, and says how far behind the copy is.
    fn look(&mut self) {
        self.looked = wall_clock();
        let wish = Wish::read(&self.directory).unwrap_or_else(|error| {
            tracing::warn!(%error, "the wish for a copy cannot be read");
            self.wish.clone()
        });
        if wish != self.wish {
            self.at = None;
            if self.wish.is_some() {
                self.tap().close();
            }
            self.wish = wish;
        }
        if self.wish.is_some() {
            // A clock that was set back says as little as no copy.
            let behind = Duration::from_micros(self.looked.abs_diff(self.at.as_ref().map_or(0, At::covered)));
            metrics::gauge!("jiaozi_copy_lag_seconds", "bank" => self.directory.display().to_string()).set(behind);
        }
    }

    /// Opens the destination: goes on with its last chain, or begins another.
    fn arrive(&mut self, wish: &Wish) -> io::Result<()> {
        if !wish.is_marked() {
            return Err(io::Error::other("the destination is away, or is not the one that was marked for this bank"));
        }
        let lock = DirectoryLock::take(&wish.to).map_err(io::Error::other)?;
        let first = self.tap().first();
        let last = chains(&wish.to)?.pop();
        let found = match &last {
            // One that is damaged cannot be gone on with; it stays for who restores.
            Some(chain) => {
                let head = Head::read(chain).ok().flatten().filter(|head| first == Some(head.salts));
                head.zip(bases(chain).ok().and_then(|mut bases| bases.pop()))
            }
            None => None,
        };
        let to = wish.to.clone();
        if let (Some((head, base)), Some(chain)) = (found, last) {
            let log = open_log(&chain, &head)?;
            let next_base = base.moment.saturating_add(micros(wish.base_every));
            let (unsent, base, before, doubtful) = (None, None, None, false);
            self.at = Some(At { _lock: lock, to, chain, log, head, unsent, base, before, next_base, doubtful });
            return Ok(());
        }
        // Whatever the tap has read so far, the new chain begins with the first frame of the log that is there now.
        let mut tap = self.tap();
        tap.close();
        tap.open().map_err(io::Error::other)?;
        drop(tap);
        let before = Some(copy_state(&to).ok().flatten().map_or(0, |state| state.covered));
        let chain = to.join(format!("chain-{:016}", wall_clock()));
        std::fs::DirBuilder::new().mode(0o700).create(&chain)?;
        sync_directory(&to)?;
        let head = Head { log: 1, ..Head::default() };
        let log = open_log(&chain, &head)?;
        head.write(&chain)?;
        tracing::info!(chain = %chain.display(), "a new copy of the bank begins");
        let (unsent, base, next_base, doubtful) = (None, None, 0, false);
        self.at = Some(At { _lock: lock, to, chain, log, head, unsent, base, before, next_base, doubtful });
        Ok(())
    }

    /// One record, some of a base. True when there is more at once.
    fn ship(&mut self, wish: &Wish) -> io::Result<bool> {
        let Some(at) = &mut self.at else { return Ok(false) };
        if at.doubtful && !at.is_as_left(wish)? || !lock(&self.tap).is_open() {
            // Another chain: of this one nobody knows what follows, and what was cut for it is in no other.
            lock(&self.tap).close();
            self.at = None;
            return Ok(false);
        }
        if at.unsent.is_none() {
            let before = wall_clock();
            let wanted = at.base.as_ref().is_some_and(Copying::is_ended);
            let cut = lock(&self.tap).cut(wanted).map_err(io::Error::other)?;
            let Some(cut) = cut else { return Ok(false) };
            at.prepare(&cut, wanted, before);
        }
        at.send()?;
        at.base_on(&self.database, &self.tap, wish)
    }
}

impl At {
    /// Everything committed before this moment can be restored.
    fn covered(&self) -> i64 {
        self.before.unwrap_or(self.head.covered)
    }

    /// Makes a record of what was cut, or lets the head say that there was nothing; an empty record when one is `wanted`.
    fn prepare(&mut self, cut: &Cut, wanted: bool, before: i64) {
        let moment = wall_clock().max(self.head.moment);
        let covered = if cut.complete { before.max(self.head.covered) } else { self.head.covered };
        if cut.pages.is_empty() && !wanted {
            if covered.abs_diff(self.head.covered) >= NOW_AND_THEN.unsigned_abs() {
                self.unsent = Some((Vec::new(), Head { covered, ..self.head.clone() }));
            }
            return;
        }
        let (number, pages) = (self.head.number + 1, u32::try_from(cut.pages.len()).unwrap_or(u32::MAX));
        let label = Label { number, moment, size: cut.size, pages, before: self.head.sum, whole: cut.complete };
        let (bytes, sum) = record::encode(&label, cut);
        let (log, end) = if self.head.end >= LONGEST_FILE { (number, 0) } else { (self.head.log, self.head.end) };
        let end = end + bytes.len() as u64;
        let moment = if cut.complete { moment } else { self.head.moment };
        self.unsent = Some((bytes, Head { log, end, number, sum, moment, covered, salts: cut.salts }));
    }

    /// Appends what is unsent, flushes it, and then lets the head count it.
    fn send(&mut self) -> io::Result<()> {
        let Some((bytes, head)) = &self.unsent else { return Ok(()) };
        if head.log != self.head.log {
            self.log = open_log(&self.chain, &Head { end: 0, ..head.clone() })?;
        }
        if !bytes.is_empty() {
            self.log.write_all_at(bytes, head.end - bytes.len() as u64)?;
            self.log.sync_data()?;
        }
        head.write(&self.chain)?;
        self.head = head.clone();
        self.unsent = None;
        Ok(())
    }

    /// Whether the destination is as it was left; it may have been away meanwhile.
    fn is_as_left(&mut self, wish: &Wish) -> io::Result<bool> {
        if !wish.is_marked() {
            return Err(io::Error::other("the destination is away"));
        }
        let found = Head::read(&self.chain)?;
        if found.as_ref() != Some(&self.head) && found.as_ref() != self.unsent.as_ref().map(|(_, head)| head) {
            return Ok(false);
        }
        self.log = open_log(&self.chain, &self.head)?;
        // What a base has got so far may not have arrived.
        self.base = None;
        self.doubtful = false;
        Ok(true)
    }

    /// Goes on with a base, or begins one when it is time. True when there is more.
    fn base_on(&mut self, database: &Path, tap: &Mutex<Tap>, wish: &Wish) -> io::Result<bool> {
        match &mut self.base {
            None if wall_clock() < self.next_base => return Ok(false),
            None => {
                let first = (self.head.number + 1).saturating_sub(lock(tap).since()).max(1);
                self.base = Some(Copying::begin(database, &self.chain, first)?);
            }
            Some(base) if base.is_ended() => {
                // Only a record that was cut since the last page was read, and is a moment, makes the base good.
                if self.head.covered <= self.next_base {
                    return Ok(true);
                }
                let Some(base) = self.base.take() else { return Ok(false) };
                base.finish(&self.chain, (self.head.number, self.head.moment))?;
                self.before = None;
                self.next_base = self.head.moment.saturating_add(micros(wish.base_every));
                tracing::info!(chain = %self.chain.display(), "a base of the copy is whole");
                self.forget(wish)?;
            }
            Some(base) => {
                for _ in 0..BASE_STEPS {
                    base.step()?;
                    if base.is_ended() {
                        self.next_base = wall_clock();
                        break;
                    }
                }
            }
        }
        Ok(true)
    }

    /// Removes what only moments before those that are kept need.
    fn forget(&self, wish: &Wish) -> io::Result<()> {
        let oldest = wall_clock().saturating_sub(micros(wish.keep));
        for chain in chains(&self.to)?.into_iter().filter(|chain| *chain != self.chain) {
            if Head::read(&chain)?.is_none_or(|head| head.moment < oldest) {
                std::fs::remove_dir_all(&chain)?;
            }
        }
        let bases = bases(&self.chain)?;
        let Some(needed) = bases.iter().rposition(|base| base.moment <= oldest) else { return Ok(()) };
        for base in &bases[..needed] {
            std::fs::remove_file(&base.file)?;
            std::fs::remove_file(sums_of(&base.file))?;
        }
        let logs = named(&self.chain, "log-")?;
        for pair in logs.windows(2) {
            if numbers(&pair[1]).first().is_some_and(|next| *next <= bases[needed].from) {
                std::fs::remove_file(&pair[0])?;
            }
        }
        Ok(())
    }
}

/// The log file that the head names, cut to where the head says that it ends.
fn open_log(chain: &Path, head: &Head) -> io::Result<File> {
    let path = chain.join(log_name(head.log));
    let log = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if log.metadata()?.len() < head.end {
        return Err(io::Error::other("the last log of the copy is shorter than its head says"));
    }
    log.set_len(head.end)?;
    Ok(log)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn lock(tap: &Mutex<Tap>) -> MutexGuard<'_, Tap> {
    // The tap closes itself when anything fails half-way.
    tap.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Moves the write-ahead log into the database file, away from the writer: a checkpoint in the writer's way stalls everybody.

use crate::connection::{Connection, Engine};
use crate::follow::{Shipper, tap::Tap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The thread that checkpoints; stops when dropped.
pub(crate) struct Checkpointer {
    stop: Arc<AtomicBool>,
    log: Arc<Log>,
    wal: PathBuf,
    thread: Option<JoinHandle<()>>,
    /// What reads the log for the bank's copy before the log starts anew.
    tap: Arc<Mutex<Tap>>,
    _shipper: Shipper,
}

/// What the thread last saw of the log, in frames of one page each.
struct Log {
    frames: AtomicU64,
    /// Of these not yet in the database file.
    left: AtomicU64,
}

/// How long a statement waits for another connection's lock at other times.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const PERIOD: Duration = Duration::from_millis(20);
/// So many frames are moved at once: the sync of the database file is shared by them.
const MOVE_AT: u64 = 4_096;
/// From so many frames on the log is to start anew; then what is left is moved as it comes, so that the writer, which must
/// move the rest, finds little.
const RESTART_AT: u64 = 3 * MOVE_AT;
const LITTLE: u64 = 256;
/// From so many on the writer does not wait for that.
const RESTART_ANYWAY: u64 = 16 * MOVE_AT;
/// A log file longer than this is cut when the log starts anew.
const LONGEST_FILE: u64 = 512 << 20;

impl Checkpointer {
    /// Starts the thread on its own connection.
    pub(crate) fn start(file: &Path) -> Result<Self, crate::SqlError> {
        let connection = Connection { engine: Engine::Embedded(pages::open(file, rusqlite::OpenFlags::default())?) };
        connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;")?;
        let wal = PathBuf::from(format!("{}-wal", file.display()));
        let stop = Arc::new(AtomicBool::new(false));
        let log = Arc::new(Log { frames: AtomicU64::new(0), left: AtomicU64::new(0) });
        let tap = Arc::new(Mutex::new(Tap::new(file)));
        let shipper = Shipper::start(file, Arc::clone(&tap))?;
        let (stopped, seen, read) = (Arc::clone(&stop), Arc::clone(&log), Arc::clone(&tap));
        let body = move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Err(error) = seen.look_and_move(&connection, &read) {
                    tracing::warn!(%error, "checkpoint failed");
                }
                std::thread::park_timeout(PERIOD);
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(body);
        let thread = thread.map_err(|error| crate::SqlError::Io(error.to_string()))?;
        Ok(Self { stop, log, wal, thread: Some(thread), tap, _shipper: shipper })
    }

    /// Called by the writer between groups: when the log is long and nearly all of it is in the database already, the writer
    /// starts it anew, which only it can do without waiting. The file keeps its length: a sync of a file that does not grow
    /// waits for nobody else's writes.
    pub(crate) fn restart_when_due(&self, writer: &Connection) {
        let (frames, left) = (self.log.frames.load(Ordering::Relaxed), self.log.left.load(Ordering::Relaxed));
        if frames < RESTART_AT || left > LITTLE && frames < RESTART_ANYWAY {
            return;
        }
        // Somebody reads the log for the copy right now: later.
        let Ok(mut tap) = self.tap.try_lock() else { return };
        if !tap.before_restart() {
            return;
        }
        let long = std::fs::metadata(&self.wal).is_ok_and(|meta| meta.len() > LONGEST_FILE);
        let restarted = restart(writer, long);
        tap.after_restart(matches!(restarted, Ok(true)));
        match restarted {
            Ok(true) => self.log.frames.store(0, Ordering::Relaxed),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "checkpoint failed"),
        }
    }
}

impl Log {
    fn look_and_move(&self, connection: &Connection, tap: &Mutex<Tap>) -> Result<(), crate::SqlError> {
        let (frames, left) = self.checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")?;
        if (left >= MOVE_AT || frames >= RESTART_AT)
            && let Ok(mut tap) = tap.try_lock()
        {
            // Only what the copy's snapshot has can be moved.
            tap.read()?;
        }
        if left >= MOVE_AT || frames >= RESTART_AT && left > LITTLE / 2 {
            self.checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        Ok(())
    }

    fn checkpoint(&self, connection: &Connection, sql: &str) -> Result<(u64, u64), crate::SqlError> {
        let row = connection.query_opt(sql, &[], |row| Ok((row.int(1)?, row.int(2)?)))?;
        let frames = |count: i64| u64::try_from(count).unwrap_or(0);
        let (frames, moved) = row.map_or((0, 0), |(log, moved)| (frames(log), frames(moved)));
        self.frames.store(frames, Ordering::Relaxed);
        self.left.store(frames.saturating_sub(moved), Ordering::Relaxed);
        Ok((frames, frames.saturating_sub(moved)))
    }
}

/// Starts the log anew, its file cut when `cut`. False when a reader is in the way, which only means: later. Waiting for it
/// would stop the bank for as long as the connection is ready to wait for a lock.
pub(crate) fn restart(writer: &Connection, cut: bool) -> Result<bool, crate::SqlError> {
    let sql = if cut { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "PRAGMA wal_checkpoint(RESTART)" };
    writer.embedded()?.busy_timeout(Duration::ZERO)?;
    let tried = writer.number(sql, &[]);
    writer.embedded()?.busy_timeout(LOCK_PATIENCE)?;
    match tried {
        Ok(busy) => Ok(busy == 0),
        Err(crate::SqlError::Busy) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the checkpoint thread panicked");
            }
        }
    }
}

//! Moves the write-ahead log into the database file, away from the writer: a checkpoint in the writer's way stalls everybody.

use crate::connection::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The thread that checkpoints; stops when dropped.
pub(crate) struct Checkpointer {
    stop: Arc<AtomicBool>,
    lag: Arc<AtomicU64>,
    wal: PathBuf,
    thread: Option<JoinHandle<()>>,
}

/// How long a statement waits for another connection's lock at other times.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const PERIOD: Duration = Duration::from_millis(20);
const START_AT: u64 = 16 << 20;
const TRUNCATE_AT: u64 = 64 << 20;

impl Checkpointer {
    /// Starts the thread on its own connection.
    pub(crate) fn start(file: &Path) -> Result<Self, crate::SqlError> {
        let connection = Connection { inner: rusqlite::Connection::open(file)? };
        connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;")?;
        let wal = PathBuf::from(format!("{}-wal", file.display()));
        let stop = Arc::new(AtomicBool::new(false));
        let lag = Arc::new(AtomicU64::new(u64::MAX));
        let (stopped, reported, watched) = (Arc::clone(&stop), Arc::clone(&lag), wal.clone());
        let body = move || {
            let mut last = 0;
            while !stopped.load(Ordering::Relaxed) {
                let size = size_of_file(&watched);
                if size > START_AT && size != last {
                    report(&connection, &reported);
                    last = size;
                }
                std::thread::park_timeout(PERIOD);
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(body);
        let thread = thread.map_err(|error| crate::SqlError::Io(error.to_string()))?;
        Ok(Self { stop, lag, wal, thread: Some(thread) })
    }

    /// Called by the writer between groups: when the log is long and nearly all of it is in the database already, the writer
    /// starts it anew, which only it can do without waiting.
    pub(crate) fn truncate_when_due(&self, writer: &Connection) {
        let size = size_of_file(&self.wal);
        if size < TRUNCATE_AT {
            return;
        }
        let nearly_done = self.lag.load(Ordering::Relaxed) < TRUNCATE_AT / 4;
        if nearly_done || size > TRUNCATE_AT * 4 {
            if let Err(error) = truncate(writer) {
                tracing::warn!(%error, "checkpoint failed");
            }
            self.lag.store(u64::MAX, Ordering::Relaxed);
        }
    }
}

/// Starts the log anew unless a reader is in the way, which only means: later. Waiting for it would stop the bank for as long
/// as the connection is ready to wait for a lock.
pub(crate) fn truncate(writer: &Connection) -> Result<(), crate::SqlError> {
    writer.inner.busy_timeout(Duration::ZERO)?;
    let tried = writer.number("PRAGMA wal_checkpoint(TRUNCATE)", &[]);
    writer.inner.busy_timeout(LOCK_PATIENCE)?;
    match tried {
        Ok(_) | Err(crate::SqlError::Busy) => Ok(()),
        Err(error) => Err(error),
    }
}

fn size_of_file(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

fn report(connection: &Connection, lag: &AtomicU64) {
    let row = connection.query_opt("PRAGMA wal_checkpoint(PASSIVE)", &[], |row| Ok((row.int(1)?, row.int(2)?)));
    match row {
        Ok(Some((frames, moved))) => {
            let left = u64::try_from(frames.saturating_sub(moved)).unwrap_or(0);
            lag.store(left * 4096, Ordering::Relaxed);
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "checkpoint failed"),
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

//! A small pool of read-only connections. Each borrowed one serves one snapshot, for a bounded time.
//!
//! A snapshot that stays open keeps the log of changes from being folded into the file, which then grows without bound; and
//! a connection costs memory. So both are bounded here: a statement that still runs when its snapshot's time is over is
//! interrupted, the next one is not begun, and who finds no free connection waits, but not for long. What cannot be stopped
//! is code that neither asks for a row nor returns: readers do not compute.

use crate::connection::{Connection, Database, Engine};
use crate::error::SqlError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many steps of SQLite's virtual machine pass between two looks at the clock: a few microseconds.
const STEPS: i32 = 500;

/// Sizes of the pool, and how long is waited.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// How long a snapshot lives.
    pub life: Duration,
    /// How many connections there are at most, so how many snapshots at a time.
    pub most: usize,
    /// How many of them stay open when nobody reads.
    pub keep: usize,
    /// How long is waited for a free connection.
    pub patience: Duration,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { life: Duration::from_secs(5), most: 32, keep: 8, patience: Duration::from_secs(2) }
    }
}

/// When a snapshot's time is over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Whether it is.
    #[must_use]
    pub fn is_over(self) -> bool {
        now() >= self.0
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a snapshot lives is the machine's time, not the bank's")]
fn now() -> Instant {
    Instant::now()
}

/// Read-only connections to one database.
pub struct Readers {
    database: Database,
    limits: ReadLimits,
    /// What the connections' deadlines are counted from.
    begin: Instant,
    pool: Mutex<Pool>,
    freed: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Reader>,
    /// Connections in use and idle ones.
    open: usize,
}

struct Reader {
    connection: Connection,
    /// Microseconds from the pool's beginning after which a running statement is interrupted.
    until: Arc<AtomicU64>,
}

/// A connection in use. Its place is given back when it is dropped; the connection itself only when it ended its snapshot,
/// which a panic or a failure prevents: then it is closed.
struct Borrowed<'p> {
    readers: &'p Readers,
    reader: Option<Reader>,
    ended: bool,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let reader = self.reader.take().filter(|_| self.ended);
        let mut pool = self.readers.lock();
        match reader {
            Some(reader) if pool.idle.len() < self.readers.limits.keep => pool.idle.push(reader),
            _ => pool.open -= 1,
        }
        drop(pool);
        self.readers.freed.notify_one();
    }
}

impl Readers {
    /// A pool of these limits.
    #[must_use]
    pub fn new(database: Database, limits: ReadLimits) -> Self {
        Self { database, limits, begin: now(), pool: Mutex::new(Pool::default()), freed: Condvar::new() }
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Runs `read` on one snapshot: everything it sees was committed, and committed together. When it fails after the
    /// deadline it was given, that is why.
    ///
    /// # Errors
    /// `NoReader` when none became free in time, `TooLong` when the snapshot's time was over; when no connection can be
    /// opened; whatever `read` returns.
    pub fn snapshot<T, E: From<SqlError>>(
        &self,
        read: impl FnOnce(&Connection, Deadline) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut borrowed = self.borrow()?;
        let Some(reader) = &borrowed.reader else { return Err(SqlError::NoReader.into()) };
        let deadline = Deadline(now() + self.limits.life);
        reader.until.store(self.micros(deadline.0), Ordering::Relaxed);
        reader.connection.until(Some(deadline.0));
        reader.connection.begin_snapshot()?;
        let result = read(&reader.connection, deadline);
        reader.until.store(u64::MAX, Ordering::Relaxed);
        reader.connection.until(None);
        let result = match result {
            Err(_) if deadline.is_over() => Err(SqlError::TooLong.into()),
            other => other,
        };
        reader.connection.execute("ROLLBACK", &[])?;
        borrowed.ended = true;
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pool> {
        // Nothing inside the lock can panic half-way through a change.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn micros(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.begin).as_micros()).unwrap_or(u64::MAX)
    }

    fn borrow(&self) -> Result<Borrowed<'_>, SqlError> {
        let patience = Deadline(now() + self.limits.patience);
        let mut pool = self.lock();
        loop {
            if let Some(reader) = pool.idle.pop() {
                if reader.connection.is_lost() {
                    pool.open -= 1;
                    continue;
                }
                return Ok(Borrowed { readers: self, reader: Some(reader), ended: false });
            }
            if pool.open < self.limits.most {
                pool.open += 1;
                drop(pool);
                // From here on the place is given back, whatever happens.
                let mut borrowed = Borrowed { readers: self, reader: None, ended: false };
                borrowed.reader = Some(self.open()?);
                return Ok(borrowed);
            }
            let left = patience.0.saturating_duration_since(now());
            if left.is_zero() {
                return Err(SqlError::NoReader);
            }
            pool = self.freed.wait_timeout(pool, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn open(&self) -> Result<Reader, SqlError> {
        let mut connection = self.database.open_reader()?;
        let until = Arc::new(AtomicU64::new(u64::MAX));
        let (limit, begin) = (Arc::clone(&until), self.begin);
        let over = move || {
            let limit = limit.load(Ordering::Relaxed);
            limit != u64::MAX && now().duration_since(begin).as_micros() >= u128::from(limit)
        };
        match &mut connection.engine {
            Engine::Embedded(inner) => inner.progress_handler(STEPS, Some(over))?,
            // There a running statement is ended by the server itself.
            Engine::Server(server) => {
                server.answers_within(self.limits.life + Duration::from_secs(2))?;
                server.end_statements_after(self.limits.life)?;
            }
        }
        Ok(Reader { connection, until })
    }
}

//! The one writer: takes closures from a queue, runs many in one database transaction (a group), commits, then answers.
//!
//! Layers: base ← group ← closure. A closure runs in a savepoint (opened by its first write) and a mark of the in-memory
//! [`GroupState`]; it is released or rolled back whole. The group joins the base only after COMMIT returned well.
//!
//! Crash points closed here:
//! - every answer, refusals included, leaves after COMMIT, because a refusal may rest on what an earlier unit of the same
//!   group wrote;
//! - a COMMIT that fails for lack of room rolls the whole group back, forgets the in-memory state and reads it anew;
//! - a flush that fails with an I/O error, or a COMMIT that fails for any reason that may come after its record was written,
//!   ends the process: whether it reached the disk is unknown, and only recovery from the log may tell;
//! - on a server, where other nodes write too, a COMMIT whose answer is lost is neither done nor undone until the database
//!   has been asked again on a new connection, behind the lock that the lost unit held; while it cannot be asked the answer
//!   is "unknown";
//! - a statement that fails makes its unit fail, whatever the closure says; and no statement runs once the database has ended
//!   the group's transaction, where it would commit alone;
//! - a panic inside a closure undoes that closure alone; a panic of the writer itself ends the process.

use crate::by_hand::ByHand;
use crate::checkpoint::Checkpointer;
use crate::connection::{Connection, Database};
use crate::error::SqlError;
use crate::queue::{Queue, Refused};
use crate::unit::Unit;
use crate::unit_error::UnitError;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a unit wants done with what it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep it.
    Keep,
    /// Undo it.
    Undo,
}

/// Which queue a unit waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Somebody waits for it.
    Interactive,
    /// A chunk of bulk work, one between groups of interactive units.
    Bulk,
}

/// What lives in memory beside the database and joins it with each group.
pub trait GroupState: Send + 'static {
    /// A group begins, inside its transaction: read the clock once, and on a server what other nodes have committed.
    ///
    /// # Errors
    /// When the database fails; no unit of the group is then started.
    fn begin(&mut self, connection: &Connection) -> Result<(), SqlError>;
    /// A unit writes rows.
    fn wrote(&mut self);
    /// A point to which the closure's changes can be undone.
    fn mark(&mut self) -> usize;
    /// Undoes everything since the mark.
    fn undo_to(&mut self, mark: usize);
    /// Roughly how many bytes the group will write.
    fn weight(&self) -> usize;
    /// Writes what the group changed, before COMMIT.
    ///
    /// # Errors
    /// When the database fails.
    fn flush(&mut self, connection: &Connection) -> Result<(), SqlError>;
    /// Whether the last flushed group was committed after all, asked on a new connection after the answer was lost.
    ///
    /// # Errors
    /// When the database fails.
    fn was_committed(&mut self, connection: &Connection) -> Result<bool, SqlError>;
    /// The group was committed; called before anybody is answered.
    fn committed(&mut self);
    /// The group was rolled back: forget everything and read the committed state anew, on a server when the next group begins.
    ///
    /// # Errors
    /// When the database fails; the process then ends.
    fn reload(&mut self, connection: &Connection) -> Result<(), SqlError>;
}

/// Sizes of queue and groups.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many units may wait in each lane.
    pub queue: usize,
    /// How many units make a group at most.
    pub group: usize,
    /// After this long a group ends.
    pub group_time: Duration,
    /// After so many bytes a group ends.
    pub group_bytes: usize,
    /// A unit that waited this long is not started.
    pub patience: Duration,
    /// Run every closure twice, undoing the first run: finds side effects outside the unit. For tests.
    pub rehearse: bool,
    /// No thread: whoever waits for a unit calls this, and works the queue off himself when it says false. See `by_hand.rs`.
    pub by_hand: Option<fn() -> bool>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 4096,
            group: 128,
            group_time: Duration::from_millis(10),
            group_bytes: 4 << 20,
            patience: Duration::from_millis(500),
            rehearse: false,
            by_hand: None,
        }
    }
}

pub(crate) trait Work<S>: Send {
    fn run(&mut self, unit: &mut Unit<'_, S>) -> Verdict;
    fn answer(self: Box<Self>, error: Option<UnitError>);
}

struct Closure<F, T> {
    body: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, UnitError>>,
}

impl<S, F, T> Work<S> for Closure<F, T>
where
    F: FnMut(&mut Unit<'_, S>) -> (Verdict, T) + Send,
    T: Send,
{
    fn run(&mut self, unit: &mut Unit<'_, S>) -> Verdict {
        let (verdict, result) = (self.body)(unit);
        self.result = Some(result);
        verdict
    }

    fn answer(self: Box<Self>, error: Option<UnitError>) {
        let answer = match (error, self.result) {
            (None, Some(result)) => Ok(result),
            (Some(error), _) => Err(error),
            (None, None) => Err(UnitError::Panicked),
        };
        // Nobody waits any more: the unit took effect all the same, and its idempotency record will tell.
        let _ = self.reply.send(answer);
    }
}

pub(crate) struct Queued<S> {
    work: Box<dyn Work<S>>,
    since: Instant,
}

/// The handle to the writer thread. Dropping it drains the queue and stops the thread.
pub struct Writer<S> {
    pub(crate) queue: Arc<Queue<Queued<S>>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) by_hand: Option<ByHand<S>>,
}

impl<S: GroupState> Writer<S> {
    /// Starts the writer on a connection and a state read from it.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn start(database: &Database, connection: Connection, state: S, limits: Limits) -> Result<Self, SqlError> {
        let queue = Arc::new(Queue::new(limits.queue));
        if let Some(turn) = limits.by_hand {
            let (taken, database) = (Arc::clone(&queue), database.clone());
            let writer = Loop { database, connection, state, limits, checkpointer: None, queue: taken, ended: false };
            return Ok(Self { queue, thread: None, by_hand: Some(ByHand { turn, writer: Mutex::new(writer) }) });
        }
        let checkpointer = match database {
            Database::File(file) => Some(Checkpointer::start(file)?),
            Database::Server(_) => None,
        };
        let (taken, database) = (Arc::clone(&queue), database.clone());
        let body = move || {
            let mut writer = Loop { database, connection, state, limits, checkpointer, queue: taken, ended: false };
            // A panic outside a closure leaves a state nobody can vouch for: only recovery may go on.
            if catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
                tracing::error!("the writer panicked");
                std::process::abort();
            }
        };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(body);
        let thread = thread.map_err(|error| SqlError::Io(error.to_string()))?;
        Ok(Self { queue, thread: Some(thread), by_hand: None })
    }

    /// Queues a closure. It may run twice and must have no effect outside the unit. Dropping the receiver cancels nothing.
    pub fn submit<T, F>(&self, lane: Lane, body: F) -> oneshot::Receiver<Result<T, UnitError>>
    where
        F: FnMut(&mut Unit<'_, S>) -> (Verdict, T) + Send + 'static,
        T: Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        let work = Closure { body, result: None, reply };
        #[expect(clippy::disallowed_methods, reason = "how long a unit waits is the machine's time, not the bank's")]
        let queued = Queued { work: Box::new(work), since: Instant::now() };
        if let Err((refused, queued)) = self.queue.push(queued, lane == Lane::Bulk) {
            let error = match refused {
                Refused::Full => UnitError::Overloaded,
                Refused::Closed => UnitError::Stopped,
            };
            queued.work.answer(Some(error));
        }
        receiver
    }

    /// How many units wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

impl<S> Drop for Writer<S> {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer ended badly");
        }
    }
}

pub(crate) struct Loop<S> {
    database: Database,
    pub(crate) connection: Connection,
    state: S,
    limits: Limits,
    checkpointer: Option<Checkpointer>,
    queue: Arc<Queue<Queued<S>>>,
    /// A writer without a thread cannot end the process: it does nothing any more, and answers nobody.
    pub(crate) ended: bool,
}

type Finished<S> = Vec<(Box<dyn Work<S>>, Option<UnitError>)>;

impl<S: GroupState> Loop<S> {
    fn run(&mut self) {
        while self.work_off() {}
    }

    /// Waits for work and commits one group of it. False when the queue is closed and empty.
    pub(crate) fn work_off(&mut self) -> bool {
        let (mut waiting, mut bulk) = (VecDeque::new(), None);
        if !self.queue.take(self.limits.group, &mut waiting, &mut bulk) {
            return false;
        }
        let mut finished = Vec::with_capacity(waiting.len() + 1);
        if let Err(error) = self.begin() {
            tracing::error!(%error, "no unit could begin");
            let all = waiting.drain(..).chain(bulk.take());
            finished.extend(all.map(|queued| (queued.work, Some(UnitError::NotCommitted))));
            answer(finished);
            return true;
        }
        let alive = self.run_group(&mut waiting, bulk.take(), &mut finished);
        self.finish_group(alive, finished);
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.restart_when_due(&self.connection);
        }
        true
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        if self.connection.is_lost() {
            self.connection = self.database.open_writer(0)?;
        }
        self.connection.execute("BEGIN IMMEDIATE", &[])?;
        let begun = self.state.begin(&self.connection);
        if begun.is_err() && self.connection.execute("ROLLBACK", &[]).is_err() {
            tracing::warn!("the connection to the database is given up");
        }
        begun
    }

    /// Runs closures until the group is full; false when the database ended the group's transaction by itself.
    fn run_group(
        &mut self,
        waiting: &mut VecDeque<Queued<S>>,
        bulk: Option<Queued<S>>,
        finished: &mut Finished<S>,
    ) -> bool {
        #[expect(clippy::disallowed_methods, reason = "a group's length is the machine's time, not the bank's")]
        let begun = Instant::now();
        let mut alive = true;
        if let Some(queued) = bulk {
            alive = self.run_one(queued, finished, false);
        }
        loop {
            while let Some(queued) = waiting.pop_front() {
                if alive {
                    alive = self.run_one(queued, finished, true);
                } else {
                    finished.push((queued.work, Some(UnitError::NotCommitted)));
                }
            }
            let full = finished.len() >= self.limits.group
                || begun.elapsed() >= self.limits.group_time
                || self.state.weight() >= self.limits.group_bytes;
            if full || !alive {
                return alive;
            }
            self.queue.take_more(self.limits.group - finished.len(), waiting);
            if waiting.is_empty() {
                return alive;
            }
        }
    }

    fn run_one(&mut self, queued: Queued<S>, finished: &mut Finished<S>, impatient: bool) -> bool {
        let mut work = queued.work;
        if impatient && queued.since.elapsed() > self.limits.patience {
            finished.push((work, Some(UnitError::Expired)));
            return true;
        }
        if self.limits.rehearse && !self.attempt(&mut *work, Some(Verdict::Undo)).1 {
            finished.push((work, Some(UnitError::NotCommitted)));
            return false;
        }
        let (error, alive) = self.attempt(&mut *work, None);
        finished.push((work, error));
        alive
    }

    /// Runs a closure in a savepoint. Returns its error, and whether the group's transaction still stands.
    fn attempt(&mut self, work: &mut dyn Work<S>, forced: Option<Verdict>) -> (Option<UnitError>, bool) {
        let mark = self.state.mark();
        let mut unit = Unit { connection: &self.connection, state: &mut self.state, savepoint: false, failed: false };
        let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut unit)));
        let (savepoint, failed) = (unit.savepoint, unit.failed);
        if self.connection.is_idle() {
            // FULL, IOERR, NOMEM and INTERRUPT may end the whole transaction under the closure.
            return (Some(UnitError::NotCommitted), false);
        }
        let (error, verdict) = match outcome {
            Ok(Verdict::Keep) if failed => {
                tracing::error!("a unit of work passed over a failed statement");
                (Some(UnitError::NotCommitted), Verdict::Undo)
            }
            Ok(verdict) => (None, forced.unwrap_or(verdict)),
            Err(_) => {
                tracing::error!("a unit of work panicked");
                (Some(UnitError::Panicked), Verdict::Undo)
            }
        };
        let ended = match (verdict, savepoint) {
            (Verdict::Keep, true) => self.connection.execute("RELEASE unit", &[]).map(drop),
            (Verdict::Undo, true) => self
                .connection
                .execute("ROLLBACK TO unit", &[])
                .and_then(|_| self.connection.execute("RELEASE unit", &[]))
                .map(drop),
            (_, false) => Ok(()),
        };
        if verdict == Verdict::Undo {
            self.state.undo_to(mark);
        }
        match ended {
            Ok(()) => (error, true),
            Err(error) => {
                tracing::error!(%error, "a savepoint could not be ended");
                (Some(UnitError::NotCommitted), false)
            }
        }
    }

    fn finish_group(&mut self, alive: bool, mut finished: Finished<S>) {
        #[cfg(feature = "seeded-defects")]
        if std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "answer-before-commit") {
            answer(std::mem::take(&mut finished));
        }
        let flushed = if alive {
            self.state.flush(&self.connection)
        } else {
            Err(SqlError::Full("the unit was ended".to_owned()))
        };
        let committed = flushed.map(|()| self.connection.execute("COMMIT", &[]).map(drop));
        #[cfg(feature = "seeded-defects")]
        if !matches!(committed, Ok(Ok(())))
            && std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "ignore-io-errors")
        {
            self.roll_back();
            return answer(finished);
        }
        match committed {
            Ok(Ok(())) => self.state.committed(),
            // Any other error is the server's definite no.
            Ok(Err(error @ SqlError::Lost(_))) => self.ask_again(&error, &mut finished),
            // Asked again the same server would say "done" once more, and its standby may never hear of it.
            Ok(Err(error @ SqlError::Unsure)) => {
                tracing::error!(%error, "what became of a group is not known");
                self.roll_back();
                set_all(&mut finished, || UnitError::Unknown);
            }
            Ok(Err(error)) if self.database.is_server() => {
                tracing::error!(%error, "a group was not committed");
                self.roll_back();
                set_all(&mut finished, || UnitError::NotCommitted);
            }
            // No room and a lock in the way are found before the commit record is written; anything else may come after.
            Ok(Err(error)) if !matches!(error, SqlError::Full(_) | SqlError::Busy) => self.end(&error),
            Err(error @ SqlError::Io(_)) if !self.database.is_server() => self.end(&error),
            Ok(Err(error)) | Err(error) => {
                tracing::error!(%error, "a group was rolled back");
                self.roll_back();
                set_all(&mut finished, || UnitError::NotCommitted);
            }
        }
        if !self.ended {
            answer(finished);
        }
    }

    /// COMMIT got no good answer from the server: it may have been done. The lost unit's lock makes this one wait for its end.
    fn ask_again(&mut self, error: &SqlError, finished: &mut Finished<S>) {
        tracing::warn!(%error, "a COMMIT was not answered; asking whether it was done");
        for attempt in 0..QUESTIONS {
            let asked = self.database.open_writer(0).and_then(|connection| {
                connection.execute("BEGIN", &[])?;
                let done = self.state.was_committed(&connection)?;
                connection.execute("ROLLBACK", &[])?;
                self.connection = connection;
                Ok(done)
            });
            match asked {
                Ok(true) => return self.state.committed(),
                Ok(false) => {
                    self.roll_back();
                    return set_all(finished, || UnitError::NotCommitted);
                }
                Err(error) => tracing::warn!(%error, attempt, "the database cannot be asked"),
            }
            std::thread::sleep(QUESTION_PAUSE);
        }
        self.roll_back();
        set_all(finished, || UnitError::Unknown);
    }

    fn roll_back(&mut self) {
        let undone = if self.connection.is_idle() && !self.database.is_server() {
            Ok(0)
        } else {
            self.connection.execute("ROLLBACK", &[])
        };
        let undone = match undone {
            // A lost connection: the server has undone the unit, and the next group begins with another connection.
            Err(error) if self.database.is_server() => {
                tracing::warn!(%error, "a group's end was not seen");
                Ok(0)
            }
            other => other,
        };
        if let Err(error) = undone.and_then(|_| self.state.reload(&self.connection)) {
            tracing::error!("the committed state could not be read again");
            self.end(&error);
        }
    }

    /// Nobody can say what is on disk, or what was committed. Recovery can: end here, answer nobody.
    fn end(&mut self, error: &SqlError) {
        tracing::error!(%error, "the process ends");
        if self.limits.by_hand.is_none() {
            std::process::abort();
        }
        self.ended = true;
        self.queue.close();
    }
}

/// How often the database is asked whether a COMMIT was done, and how long to wait in between.
const QUESTIONS: usize = 40;
const QUESTION_PAUSE: Duration = Duration::from_millis(250);

fn set_all<S>(finished: &mut Finished<S>, error: impl Fn() -> UnitError) {
    for (_, outcome) in finished {
        *outcome = Some(error());
    }
}

fn answer<S>(finished: Finished<S>) {
    for (work, error) in finished {
        work.answer(error);
    }
}

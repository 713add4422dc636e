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
//! - on a server the rows of several units go out together, so that a statement's error may show late and dooms the whole group:
//!   its units are run again, once, each alone in its savepoint with nothing left in line, and only the one that fails has failed;
//! - a panic inside a closure undoes that closure alone; a panic of the writer itself ends the process.

mod ending;
mod turns;

use crate::by_hand::ByHand;
use crate::checkpoint::Checkpointer;
use crate::connection::{Connection, Database};
use crate::error::SqlError;
use crate::queue::{Queue, Refused};
use crate::unit::{Traces, Unit};
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
    /// What a unit is going to ask for, as far as is known before it runs.
    type Hint: Clone + Send + 'static;
    /// A group begins, inside its transaction: read the clock once, and on a server what other nodes have committed.
    ///
    /// # Errors
    /// When the database fails; no unit of the group is then started.
    fn begin(&mut self, connection: &Connection) -> Result<(), SqlError>;
    /// Units that are about to run will ask for this, on a server: one question for all of them.
    ///
    /// # Errors
    /// When the database fails.
    fn expect(&mut self, connection: &Connection, hints: &[Self::Hint]) -> Result<(), SqlError>;
    /// A unit that wrote rows is kept.
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

pub(crate) trait Work<S: GroupState>: Send {
    /// What it will ask for.
    fn hints(&self) -> &[S::Hint];
    fn run(&mut self, unit: &mut Unit<'_, S>) -> Verdict;
    fn answer(self: Box<Self>, error: Option<UnitError>);
}

struct Closure<F, T, H> {
    hints: Vec<H>,
    body: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, UnitError>>,
}

impl<S, F, T> Work<S> for Closure<F, T, S::Hint>
where
    S: GroupState,
    F: FnMut(&mut Unit<'_, S>) -> (Verdict, T) + Send,
    T: Send,
{
    fn hints(&self) -> &[S::Hint] {
        &self.hints
    }

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

pub(crate) struct Queued<S: GroupState> {
    work: Box<dyn Work<S>>,
    since: Instant,
}

/// The handle to the writer thread. Dropping it drains the queue and stops the thread.
pub struct Writer<S: GroupState> {
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
        connection.answers_within(PATIENCE)?;
        let queue = Arc::new(Queue::new(limits.queue));
        if let Some(turn) = limits.by_hand {
            let (taken, database) = (Arc::clone(&queue), database.clone());
            let writer = Loop::new(database, connection, state, (limits, taken));
            return Ok(Self { queue, thread: None, by_hand: Some(ByHand { turn, writer: Mutex::new(writer) }) });
        }
        let checkpointer = match database {
            Database::File(file) => Some(Checkpointer::start(file)?),
            Database::Server(_) => None,
        };
        let (taken, database) = (Arc::clone(&queue), database.clone());
        let body = move || {
            let mut writer = Loop::new(database, connection, state, (limits, taken));
            writer.checkpointer = checkpointer;
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
        self.submit_expecting(lane, Vec::new(), body)
    }

    /// The same for a closure of which is known what it is going to ask the state for (see [`GroupState::expect`]).
    pub fn submit_expecting<T, F>(
        &self,
        lane: Lane,
        hints: Vec<S::Hint>,
        body: F,
    ) -> oneshot::Receiver<Result<T, UnitError>>
    where
        F: FnMut(&mut Unit<'_, S>) -> (Verdict, T) + Send + 'static,
        T: Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        let work = Closure { hints, body, result: None, reply };
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

impl<S: GroupState> Drop for Writer<S> {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer ended badly");
        }
    }
}

pub(crate) struct Loop<S: GroupState> {
    database: Database,
    pub(crate) connection: Connection,
    state: S,
    limits: Limits,
    checkpointer: Option<Checkpointer>,
    queue: Arc<Queue<Queued<S>>>,
    turns: turns::Turns,
    /// A writer without a thread cannot end the process: it does nothing any more, and answers nobody.
    pub(crate) ended: bool,
}

type Finished<S> = Vec<(Box<dyn Work<S>>, Option<UnitError>)>;

impl<S: GroupState> Loop<S> {
    fn new(
        database: Database,
        connection: Connection,
        state: S,
        (limits, queue): (Limits, Arc<Queue<Queued<S>>>),
    ) -> Self {
        let turns = turns::Turns::default();
        Self { database, connection, state, limits, checkpointer: None, queue, turns, ended: false }
    }

    fn run(&mut self) {
        while self.work_off() {}
    }

    /// Waits for work and commits one group of it. False when the queue is closed and empty.
    pub(crate) fn work_off(&mut self) -> bool {
        let (mut waiting, mut bulk) = (VecDeque::new(), None);
        if !self.queue.take(self.limits.group, &mut waiting, &mut bulk) {
            return false;
        }
        self.turns.gather(|| waiting.len() + self.queue.len());
        self.turn_away(&mut waiting);
        if waiting.is_empty() && bulk.is_none() {
            return true;
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
        self.turns.ended_with(finished.len());
        self.finish_group(alive, finished);
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.restart_when_due(&self.connection);
        }
        true
    }

    /// Who has waited too long is told so at once: what comes may take seconds when the server is in trouble.
    fn turn_away(&self, waiting: &mut VecDeque<Queued<S>>) {
        for queued in std::mem::take(waiting) {
            if queued.since.elapsed() > self.limits.patience {
                queued.work.answer(Some(UnitError::Expired));
            } else {
                waiting.push_back(queued);
            }
        }
    }

    /// Another connection to the server.
    fn connect(&self) -> Result<Connection, SqlError> {
        let connection = self.database.open_writer(0)?;
        connection.answers_within(PATIENCE)?;
        Ok(connection)
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        if self.connection.is_lost() {
            self.connection = self.connect()?;
        }
        self.connection.execute("BEGIN IMMEDIATE", &[])?;
        #[expect(clippy::disallowed_methods, reason = "how long a group waits is the machine's time, not the bank's")]
        let asked = Instant::now();
        let begun = self.state.begin(&self.connection);
        if self.database.is_server() {
            self.turns.begun_after(asked.elapsed());
        }
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
        let mut alive = self.expect(waiting.iter().chain(&bulk));
        match bulk {
            Some(queued) if alive => alive = self.run_one(queued, finished, false),
            Some(queued) => finished.push((queued.work, Some(UnitError::NotCommitted))),
            None => {}
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
            alive = self.expect(waiting.iter());
        }
    }

    fn expect<'q>(&mut self, queued: impl Iterator<Item = &'q Queued<S>>) -> bool
    where
        S: 'q,
    {
        if !self.database.is_server() {
            return true;
        }
        let hints: Vec<S::Hint> = queued.flat_map(|queued| queued.work.hints()).cloned().collect();
        let asked = if hints.is_empty() { Ok(()) } else { self.state.expect(&self.connection, &hints) };
        asked.inspect_err(|error| tracing::error!(%error, "what units will ask for could not be looked up")).is_ok()
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
        let mut unit = Unit { connection: &self.connection, state: &mut self.state, traces: Traces::default() };
        let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut unit)));
        let traces = unit.traces;
        self.end_unit(outcome, mark, traces, forced)
    }

    /// Releases a unit's savepoint or rolls it back, as its closure ended.
    fn end_unit(
        &mut self,
        outcome: std::thread::Result<Verdict>,
        mark: usize,
        traces: Traces,
        forced: Option<Verdict>,
    ) -> (Option<UnitError>, bool) {
        if self.connection.is_idle() {
            // FULL, IOERR, NOMEM and INTERRUPT may end the whole transaction under the closure.
            return (Some(UnitError::NotCommitted), false);
        }
        let (error, verdict) = match outcome {
            Ok(Verdict::Keep) if traces.failed => {
                tracing::error!("a unit of work passed over a failed statement");
                (Some(UnitError::NotCommitted), Verdict::Undo)
            }
            Ok(verdict) => (None, forced.unwrap_or(verdict)),
            Err(_) => {
                tracing::error!("a unit of work panicked");
                (Some(UnitError::Panicked), Verdict::Undo)
            }
        };
        let ended = match (verdict, traces.savepoint) {
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
        } else if traces.wrote {
            self.state.wrote();
        }
        match ended {
            Ok(()) => (error, true),
            Err(error) => {
                tracing::error!(%error, "a savepoint could not be ended");
                (Some(UnitError::NotCommitted), false)
            }
        }
    }
}

/// Longer than a lock is waited for: a server that is silent for so long is asked no more.
const PATIENCE: Duration = Duration::from_secs(10);

fn set_all<S: GroupState>(finished: &mut Finished<S>, error: impl Fn() -> UnitError) {
    for (_, outcome) in finished {
        *outcome = Some(error());
    }
}

fn answer<S: GroupState>(finished: Finished<S>) {
    for (work, error) in finished {
        work.answer(error);
    }
}

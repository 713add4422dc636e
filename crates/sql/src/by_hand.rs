//! A writer without a thread of its own, driven from outside: for simulations, where one seed decides everything.
//!
//! The same loop, groups and answers as with a thread; only who runs it differs. Whoever waits for a unit calls
//! [`crate::Limits::by_hand`]: it lets others run and returns when something may have changed, or says at once that nobody
//! else works the queue off, and then the waiter does. Where the writer's process would end, the writer is over instead: it
//! answers nobody and takes nothing, exactly what callers of a dead process see. The log is folded when it is asked for.

use crate::error::SqlError;
use crate::queue::Queue;
use crate::writer::{GroupState, Loop, Writer};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// The loop, and what those call who wait for it.
pub(crate) struct ByHand<S: GroupState> {
    pub(crate) turn: fn() -> bool,
    pub(crate) writer: Mutex<Loop<S>>,
}

/// What a step of a writer without a thread came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing waited.
    Idle,
    /// A group was committed or rolled back, and its units answered.
    Worked,
    /// The process would have ended: nobody is answered any more.
    Ended,
}

impl<S: GroupState> ByHand<S> {
    fn lock(&self) -> MutexGuard<'_, Loop<S>> {
        // A panic inside a step is the writer's own, and whoever drives it has seen it.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: GroupState> Writer<S> {
    /// Waits for a unit's answer on a thread that may block; none when the writer went away after taking the unit.
    pub fn wait<T>(&self, mut answer: oneshot::Receiver<T>) -> Option<T> {
        let Some(by_hand) = &self.by_hand else { return answer.blocking_recv().ok() };
        loop {
            match answer.try_recv() {
                Ok(answer) => return Some(answer),
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) if (by_hand.turn)() => {}
                Err(TryRecvError::Empty) => match self.step() {
                    Step::Worked => {}
                    // It will not be answered any more.
                    Step::Idle | Step::Ended => answer.close(),
                },
            }
        }
    }

    /// Lets others run before a unit is queued, so that what was read before may be old; nothing with a thread.
    pub fn pass_turn(&self) {
        if let Some(by_hand) = &self.by_hand {
            (by_hand.turn)();
        }
    }

    /// Whether it has no thread of its own.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.by_hand.is_some()
    }

    /// Whether it is over, as a process that has ended: only without a thread.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.by_hand.as_ref().is_some_and(|by_hand| by_hand.lock().ended)
    }

    /// Commits one group of what waits. With a thread, that does it, and this nothing.
    pub fn step(&self) -> Step {
        let Some(by_hand) = &self.by_hand else { return Step::Idle };
        let mut writer = by_hand.lock();
        if writer.ended {
            // What waited behind the end is forgotten, as it is with a process.
            drop_all(&self.queue);
            return Step::Ended;
        }
        if self.queue.len() == 0 {
            return Step::Idle;
        }
        writer.work_off();
        if writer.ended {
            drop_all(&self.queue);
            return Step::Ended;
        }
        Step::Worked
    }

    /// Ends it as a killed process ends: nobody is answered.
    pub fn kill(&self) {
        if let Some(by_hand) = &self.by_hand {
            by_hand.lock().ended = true;
            self.queue.close();
            drop_all(&self.queue);
        }
    }

    /// Moves the log into the file as far as readers allow, and starts it anew when `restart`.
    ///
    /// # Errors
    /// When the disk fails, which the writer survives.
    pub fn fold_log(&self, restart: bool) -> Result<(), SqlError> {
        let Some(by_hand) = &self.by_hand else { return Ok(()) };
        let writer = by_hand.lock();
        writer.connection.query("PRAGMA wal_checkpoint(PASSIVE)", &[], |_| Ok(()))?;
        if restart {
            crate::checkpoint::restart(&writer.connection, false)?;
        }
        Ok(())
    }
}

fn drop_all<T>(queue: &Arc<Queue<T>>) {
    let (mut waiting, mut bulk) = (std::collections::VecDeque::new(), None);
    while queue.len() > 0 {
        queue.take(usize::MAX, &mut waiting, &mut bulk);
    }
}

#[cfg(test)]
mod tests {
    //! Nothing happens between steps, a group is committed in one, and after the end nobody is answered.

    use super::Step;
    use crate::{Connection, Database, FILE_NAME, GroupState, Lane, Limits, SqlError, UnitError, Verdict, Writer};
    use std::path::Path;

    struct Nothing;

    impl GroupState for Nothing {
        type Hint = ();

        fn expect(&mut self, _connection: &Connection, _hints: &[()]) -> Result<(), SqlError> {
            Ok(())
        }
        fn begin(&mut self, _connection: &Connection) -> Result<(), SqlError> {
            Ok(())
        }
        fn wrote(&mut self) {}
        fn mark(&mut self) -> usize {
            0
        }
        fn undo_to(&mut self, _mark: usize) {}
        fn weight(&self) -> usize {
            0
        }
        fn flush(&mut self, _connection: &Connection) -> Result<(), SqlError> {
            Ok(())
        }
        fn was_committed(&mut self, _connection: &Connection) -> Result<bool, SqlError> {
            Ok(true)
        }
        fn committed(&mut self) {}
        fn reload(&mut self, _connection: &Connection) -> Result<(), SqlError> {
            Ok(())
        }
    }

    type Answer = tokio::sync::oneshot::Receiver<Result<Result<usize, SqlError>, UnitError>>;

    fn open(directory: &Path, turn: fn() -> bool) -> Writer<Nothing> {
        let database = Database::File(directory.join(FILE_NAME));
        let connection = database.open_writer(1024).unwrap();
        connection.execute_batch("CREATE TABLE IF NOT EXISTS t(a INTEGER)").unwrap();
        let limits = Limits { by_hand: Some(turn), ..Limits::default() };
        Writer::start(&database, connection, Nothing, limits).unwrap()
    }

    fn insert(writer: &Writer<Nothing>) -> Answer {
        writer.submit(Lane::Interactive, |unit| (Verdict::Keep, unit.execute("INSERT INTO t VALUES (1)", &[])))
    }

    fn rows(directory: &Path) -> i64 {
        let reader = Connection::open_reader(&directory.join(FILE_NAME)).unwrap();
        reader.number("SELECT count(*) FROM t", &[]).unwrap()
    }

    #[test]
    fn a_step_commits_what_waits_and_nothing_happens_by_itself() {
        let directory = tempfile::tempdir().unwrap();
        let writer = open(directory.path(), || false);
        let (mut one, mut two) = (insert(&writer), insert(&writer));
        assert!(one.try_recv().is_err());
        assert_eq!(rows(directory.path()), 0);
        assert_eq!(writer.step(), Step::Worked);
        assert!(one.try_recv().unwrap().is_ok() && two.try_recv().unwrap().is_ok());
        assert_eq!(rows(directory.path()), 2);
        assert_eq!(writer.step(), Step::Idle);
    }

    #[test]
    fn who_waits_alone_works_the_queue_off() {
        let directory = tempfile::tempdir().unwrap();
        let writer = open(directory.path(), || false);
        let other = insert(&writer);
        assert!(writer.wait(insert(&writer)).unwrap().is_ok());
        assert!(writer.wait(other).unwrap().is_ok());
        writer.fold_log(true).unwrap();
        assert_eq!(rows(directory.path()), 2);
    }

    #[test]
    fn after_the_end_nothing_is_committed_and_nobody_is_answered() {
        let directory = tempfile::tempdir().unwrap();
        let writer = open(directory.path(), || false);
        let waiting = insert(&writer);
        writer.kill();
        assert!(writer.has_ended());
        assert!(writer.wait(waiting).is_none(), "it was taken and never answered");
        assert!(matches!(writer.wait(insert(&writer)), Some(Err(UnitError::Stopped))), "nothing was started");
        assert_eq!(writer.step(), Step::Ended);
        assert_eq!(rows(directory.path()), 0);
    }
}

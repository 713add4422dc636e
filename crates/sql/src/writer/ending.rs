//! How a group ends: flushed, committed, answered; or undone, asked about, run again.

use super::{Finished, GroupState, Loop, UnitError, Work, answer, set_all};
use crate::error::SqlError;
use crate::unit::{Traces, Unit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

impl<S: GroupState> Loop<S> {
    pub(super) fn finish_group(&mut self, alive: bool, mut finished: Finished<S>) {
        #[cfg(feature = "seeded-defects")]
        if std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "answer-before-commit") {
            answer(std::mem::take(&mut finished));
        }
        if let Err(error) = self.end_group(alive, &mut finished)
            && self.database.is_server()
            && !matches!(error, SqlError::Lost(_))
        {
            finished = self.once_more(&error, finished);
        }
        if !self.ended {
            answer(finished);
        }
    }

    /// Flushes and commits; an error when the group was undone for a definite reason, its units marked so.
    fn end_group(&mut self, alive: bool, finished: &mut Finished<S>) -> Result<(), SqlError> {
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
            return Ok(());
        }
        match committed {
            Ok(Ok(())) => {
                self.state.committed();
                Ok(())
            }
            Ok(Err(SqlError::Unsure)) if crate::has_defect("believe-warning") => {
                self.state.committed();
                Ok(())
            }
            // Any other error is the server's definite no.
            Ok(Err(error @ SqlError::Lost(_))) => {
                self.ask_again(&error, finished);
                Ok(())
            }
            // Asked again the same server would say "done" once more, and its standby may never hear of it.
            Ok(Err(error @ SqlError::Unsure)) => {
                tracing::error!(%error, "what became of a group is not known");
                self.roll_back();
                set_all(finished, || UnitError::Unknown);
                Ok(())
            }
            Ok(Err(error)) if self.database.is_server() => Err(self.undone(error, finished)),
            // No room and a lock in the way are found before the commit record is written; anything else may come after.
            Ok(Err(error)) if !matches!(error, SqlError::Full(_) | SqlError::Busy) => {
                self.end(&error);
                Ok(())
            }
            Err(error @ SqlError::Io(_)) if !self.database.is_server() => {
                self.end(&error);
                Ok(())
            }
            Ok(Err(error)) | Err(error) => Err(self.undone(error, finished)),
        }
    }

    fn undone(&mut self, error: SqlError, finished: &mut Finished<S>) -> SqlError {
        tracing::error!(%error, "a group was rolled back");
        self.roll_back();
        for (_, outcome) in finished {
            // What was not started or has panicked stays so.
            outcome.get_or_insert(UnitError::NotCommitted);
        }
        error
    }

    /// Runs the units of a doomed group again, each alone in its savepoint and with nothing left in line when it ends: only
    /// the one that fails has failed.
    fn once_more(&mut self, why: &SqlError, finished: Finished<S>) -> Finished<S> {
        tracing::warn!(%why, units = finished.len(), "the units of a group run again one by one");
        let (again, mut done): (Finished<S>, Finished<S>) =
            finished.into_iter().partition(|(_, error)| matches!(error, Some(UnitError::NotCommitted)));
        let mut alive = self.begin().inspect_err(|error| tracing::error!(%error, "no unit could begin")).is_ok();
        if !alive {
            done.extend(again);
            return done;
        }
        for (mut work, _) in again {
            let error = if alive { self.attempt_alone(&mut *work) } else { Err(()) };
            alive = error.is_ok();
            done.push((work, error.unwrap_or(Some(UnitError::NotCommitted))));
        }
        if self.end_group(alive, &mut done).is_err() {
            tracing::error!("a group could not be saved");
        }
        done
    }

    /// Runs a unit whose failure must not be another's. An error when the whole group is lost.
    fn attempt_alone(&mut self, work: &mut dyn Work<S>) -> Result<Option<UnitError>, ()> {
        let mark = self.state.mark();
        self.connection.execute("SAVEPOINT unit", &[]).and_then(|_| self.connection.send_line()).map_err(drop)?;
        let traces = Traces { savepoint: true, ..Traces::default() };
        let mut unit = Unit { connection: &self.connection, state: &mut self.state, traces };
        let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut unit)));
        let traces = unit.traces;
        if self.connection.send_line().is_err() || self.connection.is_idle() {
            let healed = self.connection.execute("ROLLBACK TO unit", &[]);
            let healed = healed.and_then(|_| self.connection.execute("RELEASE unit", &[]));
            self.state.undo_to(mark);
            return healed.map(|_| Some(UnitError::NotCommitted)).map_err(drop);
        }
        match self.end_unit(outcome, mark, traces, None) {
            (error, true) => Ok(error),
            (_, false) => Err(()),
        }
    }

    /// COMMIT got no good answer from the server: it may have been done. The lost unit's lock makes this one wait for its end.
    #[expect(clippy::disallowed_methods, reason = "how long is asked is the machine's time, not the bank's")]
    fn ask_again(&mut self, error: &SqlError, finished: &mut Finished<S>) {
        tracing::warn!(%error, "a COMMIT was not answered; asking whether it was done");
        let begun = Instant::now();
        while begun.elapsed() < QUESTIONS {
            match self.ask() {
                Ok(true) => return self.state.committed(),
                Ok(false) => {
                    self.roll_back();
                    return set_all(finished, || UnitError::NotCommitted);
                }
                Err(error) => tracing::warn!(%error, "the database cannot be asked"),
            }
            std::thread::sleep(QUESTION_PAUSE);
        }
        self.roll_back();
        set_all(finished, || UnitError::Unknown);
    }

    /// Whether the lost COMMIT was done, and is where later ones are. A server whose wait for its standbys was ended from
    /// outside shows a commit that may be lost with it. So the question is a unit that ends with COMMIT: it has locked a row,
    /// which stands in the log behind what it has seen, and so waits for the standbys to have both.
    fn ask(&mut self) -> Result<bool, SqlError> {
        let connection = self.connect()?;
        connection.execute("BEGIN", &[])?;
        let done = self.state.was_committed(&connection)?;
        connection.execute("COMMIT", &[])?;
        self.connection = connection;
        Ok(done)
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

/// How long the database is asked whether a COMMIT was done, and how long to wait in between.
const QUESTIONS: Duration = Duration::from_secs(10);
const QUESTION_PAUSE: Duration = Duration::from_millis(100);

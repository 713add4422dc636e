//! How a group ends: flushed, committed, answered; or undone, asked about, run again.

use super::{Finished, GroupState, Loop, UnitError, Work, answer, set_all};
use crate::error::SqlError;
use crate::unit::Unit;
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
        answer(finished);
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
            Ok(Err(error)) if !matches!(error, SqlError::Full(_) | SqlError::Busy) => unknown(&error),
            Err(error @ SqlError::Io(_)) if !self.database.is_server() => unknown(&error),
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
        let mut unit = Unit { connection: &self.connection, state: &mut self.state, savepoint: true, failed: false };
        let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut unit)));
        let failed = unit.failed;
        if self.connection.send_line().is_err() || self.connection.is_idle() {
            let healed = self.connection.execute("ROLLBACK TO unit", &[]);
            let healed = healed.and_then(|_| self.connection.execute("RELEASE unit", &[]));
            self.state.undo_to(mark);
            return healed.map(|_| Some(UnitError::NotCommitted)).map_err(drop);
        }
        match self.end_unit(outcome, mark, (true, failed), None) {
            (error, true) => Ok(error),
            (_, false) => Err(()),
        }
    }

    /// COMMIT got no good answer from the server: it may have been done. The lost unit's lock makes this one wait for its end.
    fn ask_again(&mut self, error: &SqlError, finished: &mut Finished<S>) {
        tracing::warn!(%error, "a COMMIT was not answered; asking whether it was done");
        #[expect(clippy::disallowed_methods, reason = "how long is asked is the machine's time, not the bank's")]
        let begun = Instant::now();
        while begun.elapsed() < QUESTION_TIME {
            let asked = self.database.open_writer(0).and_then(|connection| {
                connection.answers_within(QUESTION_TIME)?;
                connection.execute("BEGIN", &[])?;
                if self.database.is_server() {
                    connection.execute_batch("SET LOCAL lock_timeout = '2s'")?;
                }
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
                Err(error) => tracing::warn!(%error, "the database cannot be asked"),
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
            tracing::error!(%error, "the committed state could not be read again; the process ends");
            std::process::abort();
        }
    }
}

/// How long the database is asked whether a COMMIT was done, and how long to wait in between.
const QUESTION_TIME: Duration = Duration::from_secs(10);
const QUESTION_PAUSE: Duration = Duration::from_millis(250);

/// Nobody can say what is on disk. Recovery can: end here, answer nobody.
fn unknown(error: &SqlError) -> ! {
    tracing::error!(%error, "committing failed; the process ends");
    std::process::abort();
}

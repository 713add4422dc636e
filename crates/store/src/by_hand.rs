//! A store whose writer has no thread: whoever opened it so drives it (see `sql`, `by_hand.rs`).

use crate::error::StoreError;
use crate::store::Store;
use sql::Step;

impl Store {
    /// Whether the writer has no thread: nothing happens but what is called.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.inner.writer.is_by_hand()
    }

    /// Whether the writer is over, as a process that has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.inner.writer.has_ended()
    }

    /// Commits one group of the units that wait.
    pub fn step(&self) -> Step {
        self.inner.writer.step()
    }

    /// Ends the writer as a killed process ends.
    pub fn kill(&self) {
        self.inner.writer.kill();
    }

    /// Moves the log into the file, and starts it anew when `restart`.
    ///
    /// # Errors
    /// When the disk fails, which the store survives.
    pub fn fold_log(&self, restart: bool) -> Result<(), StoreError> {
        Ok(self.inner.writer.fold_log(restart)?)
    }
}

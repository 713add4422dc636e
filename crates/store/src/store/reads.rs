//! Reading a store: one snapshot for one response, and rows by key.

use super::{ANSWER_TIME, Store};
use crate::error::StoreError;
use crate::snapshot::Snapshot;
use sql::{Lane, Reading, SqlError, Verdict};
use std::cell::Cell;

/// How often a read starts again before it goes to the back of the writer's queue instead.
const READ_ATTEMPTS: usize = 8;

impl Store {
    /// Runs `body` on one snapshot; starts again with a newer one when an account changed meanwhile.
    ///
    /// # Errors
    /// Trouble; whatever `body` returns.
    pub async fn read<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        F: FnMut(&Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let store = self.clone();
        if self.is_by_hand() {
            return store.read_blocking(body);
        }
        let task = tokio::task::spawn_blocking(move || store.read_blocking(body));
        let answer = tokio::time::timeout(ANSWER_TIME, task).await.map_err(|_| StoreError::Unavailable)?;
        answer.map_err(|error| StoreError::Bug(error.to_string()))?
    }

    /// Reads a row or two by key on the calling thread, which waits for them: cheaper than moving to another thread, as
    /// [`Store::read`] does. For what is about to be kept in memory; balances are not to be had here.
    ///
    /// # Errors
    /// Trouble; whatever `body` returns.
    pub fn look_up<T>(&self, body: impl FnOnce(Reading<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let look_up = || self.inner.look_ups.snapshot(|connection, until| body(Reading::until(connection, until)));
        // A server may let us wait for seconds: the runtime's other work goes to another thread.
        let runtime = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
        let on_server = self.inner.look_ups.database().is_server();
        if on_server && matches!(runtime, Ok(tokio::runtime::RuntimeFlavor::MultiThread)) {
            return tokio::task::block_in_place(look_up);
        }
        look_up()
    }

    /// As [`Store::read`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, F>(&self, mut body: F) -> Result<T, StoreError>
    where
        F: FnMut(&Snapshot<'_>) -> Result<T, StoreError>,
    {
        for _ in 0..READ_ATTEMPTS {
            match self.read_once(&mut body) {
                Err(StoreError::Contended) => {}
                other => return other,
            }
        }
        // The account changes faster than we read: open the snapshot while the writer is between two groups.
        let _pause = self.pause();
        self.read_once(&mut body)
    }

    fn read_once<T>(&self, body: &mut impl FnMut(&Snapshot<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Asked before the snapshot is opened: a server that has less is an old primary or another's copy.
        let told = self.inner.published.confirmed();
        self.inner.readers.snapshot(|connection, until| {
            let last_line = crate::journal::last(connection)?;
            if last_line < told && !sql::has_defect("believe-any-server") {
                let text = format!("its journal ends at line {last_line}, and line {told} was committed");
                return Err(SqlError::Behind(text).into());
            }
            // Committed but not yet published: the writer is about to, or another node has written, whose lines the next
            // group folds before it begins.
            let other_nodes = self.inner.readers.database().is_server();
            while self.inner.published.line() < last_line {
                if other_nodes {
                    self.join_others()?;
                } else if self.is_by_hand() {
                    // Both happen in one step, so the writer ended between the two.
                    return Err(StoreError::Unavailable);
                } else {
                    std::thread::yield_now();
                }
            }
            let published = &self.inner.published;
            body(&Snapshot { connection, published, until, last_line, now: self.now(), read: Cell::new(0) })
        })
    }

    /// Waits for an empty unit: its group begins with what other nodes have committed.
    fn join_others(&self) -> Result<(), StoreError> {
        let joined = self.inner.writer.submit(Lane::Interactive, |_| (Verdict::Undo, ()));
        self.inner.writer.wait(joined).ok_or(StoreError::Unavailable)?.map_err(StoreError::from)
    }

    /// Reads the last event's number and, on a server, locks the head: whether the store could do its work this moment.
    ///
    /// # Errors
    /// Trouble: why not.
    pub async fn probe(&self) -> Result<u64, StoreError> {
        let last = self.read(|snapshot| snapshot.last_event()).await?;
        if self.inner.readers.database().is_server() {
            let joined = self.inner.writer.submit(Lane::Interactive, |_| (Verdict::Undo, ()));
            let joined = tokio::time::timeout(ANSWER_TIME, joined).await.map_err(|_| StoreError::Unavailable)?;
            joined.map_err(|_| StoreError::Unavailable)??;
        }
        Ok(last)
    }

    /// Holds the writer inside an empty unit until the guard is dropped.
    fn pause(&self) -> std::sync::mpsc::Sender<()> {
        let (resume, wait) = std::sync::mpsc::channel::<()>();
        let (ready, begun) = std::sync::mpsc::channel::<()>();
        let paused = self.inner.writer.submit(Lane::Interactive, move |_| {
            let _ = ready.send(());
            // Ends when the guard is dropped; bounded, so that a stuck reader cannot stop the bank.
            let _ = wait.recv_timeout(std::time::Duration::from_millis(50));
            (Verdict::Undo, ())
        });
        drop(paused);
        let _ = begun.recv();
        resume
    }
}

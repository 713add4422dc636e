//! What a request rests on: copies in memory that it was let in and prepared by, looked at again where it takes effect.
//!
//! Race closed here: between the moment at which a session, a key or a policy was found in memory and the unit of work lies
//! time, and on another node a commit that ends or changes it. A handle on fresh grounds notes how often its node has heard
//! of changes. Its first unit begins behind the lock of the head, where the node has heard of every commit so far: if the
//! count is the same, nothing that any node keeps has changed; if it is not, each thing that the request rests on is read
//! again in the unit, which is refused when one does not stand. Nothing was written then. Units after the first go on with
//! what was granted.

use crate::error::StoreError;
use crate::heard::{Listener, TRUST};
use crate::store::Store;
use sql::Reading;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What it means when something a request rests on does not stand any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// By what it was let in: it is not, see [`StoreError::Revoked`].
    Authority,
    /// By what it was prepared: it must be prepared again, see [`StoreError::Moved`].
    Rule,
}

type Check = Box<dyn Fn(Reading<'_>) -> Result<bool, StoreError> + Send + Sync>;

/// The grounds of one request.
pub(crate) struct Grounds {
    heard: u64,
    spent: AtomicBool,
    checks: Mutex<Vec<(Ground, Check)>>,
}

impl fmt::Debug for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grounds({})", self.heard)
    }
}

impl Grounds {
    pub(crate) fn new(heard: u64) -> Self {
        Self { heard, spent: AtomicBool::new(false), checks: Mutex::default() }
    }

    pub(crate) fn add(&self, ground: Ground, check: Check) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push((ground, check));
    }

    /// Inside the unit: whether everything stands.
    pub(crate) fn stand(&self, heard: u64, reading: Reading<'_>) -> Result<(), StoreError> {
        if heard == self.heard || self.spent.load(Ordering::SeqCst) {
            return Ok(());
        }
        for (ground, check) in &*self.checks.lock().unwrap_or_else(PoisonError::into_inner) {
            if !check(reading)? {
                return Err(match ground {
                    Ground::Authority => StoreError::Revoked,
                    Ground::Rule => StoreError::Moved,
                });
            }
        }
        Ok(())
    }

    /// A unit of the request is kept: what it began is not refused half-way.
    pub(crate) fn spend(&self) {
        self.spent.store(true, Ordering::SeqCst);
    }
}

impl Store {
    /// A handle for one request or job: what it finds in memory is not older than [`TRUST`], and its first unit of work is refused
    /// when something it says it relies on ([`Store::rely`]) does not stand there any more. Embedded it is the same handle.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fresh(&self) -> Result<Self, StoreError> {
        if self.inner.lookout.as_ref().is_some_and(|(lookout, _)| !lookout.is_fresh()) {
            let store = self.clone();
            let task = tokio::task::spawn_blocking(move || store.fresh_blocking());
            return task.await.map_err(|error| StoreError::Bug(error.to_string()))?;
        }
        Ok(self.on_grounds())
    }

    /// As [`Store::fresh`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Store::fresh`].
    pub fn fresh_blocking(&self) -> Result<Self, StoreError> {
        if let Some((lookout, _)) = &self.inner.lookout {
            lookout.look_unless(TRUST)?;
        }
        Ok(self.on_grounds())
    }

    fn on_grounds(&self) -> Self {
        let grounds = self.inner.lookout.as_ref().map(|_| Arc::new(Grounds::new(self.inner.ear.count())));
        Self { inner: Arc::clone(&self.inner), grounds }
    }

    /// Says what the first unit of a handle from [`Store::fresh`] rests on. `check` reads it again inside the unit, if other
    /// nodes have changed anything since. Nothing on another handle.
    pub fn rely(
        &self,
        ground: Ground,
        check: impl Fn(Reading<'_>) -> Result<bool, StoreError> + Send + Sync + 'static,
    ) {
        if let Some(grounds) = &self.grounds {
            grounds.add(ground, Box::new(check));
        }
    }

    /// Whether other nodes may write too.
    #[must_use]
    pub fn has_other_nodes(&self) -> bool {
        self.inner.lookout.is_some()
    }

    /// Sets who is told what other nodes have changed. Whoever listens reads anew afterwards what he read before. He is told
    /// inside the writer, so he must not hold the last handle to this store. Only the first one is told.
    pub fn listen(&self, listener: Listener) {
        self.inner.ear.listen(listener);
    }
}

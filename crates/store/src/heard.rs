//! What other nodes have changed, told to whoever keeps copies of rows in memory above the store.
//!
//! A unit that changes what other nodes may keep says so ([`crate::Uow::tell`]): its news are rows of the same commit, under the
//! number of its group. A node hears them in two places. The writer hears them when it has locked the head, before any unit
//! of its group decides: what is decided is exact. Everybody else relies on the pulse, a thread that looks at the head's row
//! every [`PULSE`] and hears what is new there; nobody trusts a look that began longer than [`TRUST`] ago, but looks himself.
//! That bound holds for a node that was paused too, since the age of a look is measured when it is used, by a clock that only
//! runs forward. If the head does not continue what was seen, everything kept is forgotten.
//!
//! Races closed here: the pulse and the writer hear one after the other (one lock, taken before the rows are read), so nobody
//! puts back what a later group changed; and the count of what was heard goes up after the copies were forgotten, so whoever
//! has noted the new count has seen nothing old. On the embedded database there are no other nodes: nothing is written, looked
//! at or counted.

use crate::calendar::TenantClock;
use crate::error::StoreError;
use crate::head::{self, Head, Mark};
use crate::tenant;
use sql::{Connection, Database, ReadLimits, Readers, Reading, SqlError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the pulse looks at the head, unless the writer has just done so.
pub const PULSE: Duration = Duration::from_millis(25);
/// The longest that what another node has committed may be unknown to a reader.
pub const TRUST: Duration = Duration::from_millis(100);

/// A look takes no longer: the writer may wait for it.
const LOOK: Duration = Duration::from_secs(1);

/// One thing that other nodes may keep a copy of and that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// What kind of thing; the numbers belong to whoever listens.
    pub kind: u8,
    /// Which one.
    pub subject: u128,
}

/// What a listener is told.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// These have changed.
    These(&'a [News]),
    /// Nobody knows what has changed: forget everything.
    Everything,
}

/// Forgets what has changed; may read, and what it reads contains the change.
pub type Listener = Box<dyn Fn(&Heard<'_>, Reading<'_>) -> Result<(), StoreError> + Send + Sync>;

/// How far a node has heard.
pub(crate) struct Place {
    mark: Option<Mark>,
    terms: u64,
}

/// The ear of one node.
pub(crate) struct Ear {
    place: Mutex<Place>,
    listener: OnceLock<Listener>,
    count: AtomicU64,
    begin: Instant,
    /// When the last look began: microseconds after `begin`, and one; 0 before the first.
    looked: AtomicU64,
    /// How many looks have failed.
    failed: AtomicU64,
}

#[expect(clippy::disallowed_methods, reason = "how old a look is is the machine's time, not the bank's")]
fn now() -> Instant {
    Instant::now()
}

impl Ear {
    pub(crate) fn new() -> Self {
        let place = Mutex::new(Place { mark: None, terms: 0 });
        Self {
            place,
            listener: OnceLock::new(),
            count: AtomicU64::new(0),
            begin: now(),
            looked: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Sets who is told. Only the first one is.
    pub(crate) fn listen(&self, listener: Listener) {
        let _ = self.listener.set(listener);
    }

    /// How often something was heard.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        // A panic of the listener leaves the place where it was: what it did not hear is told again.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked(&self, began: Instant) {
        let micros = u64::try_from(began.duration_since(self.begin).as_micros()).unwrap_or(u64::MAX - 1);
        self.looked.fetch_max(micros + 1, Ordering::SeqCst);
    }

    fn looked_within(&self, time: Duration) -> bool {
        match self.looked.load(Ordering::SeqCst) {
            0 => false,
            micros => now().duration_since(self.begin) <= Duration::from_micros(micros - 1) + time,
        }
    }

    /// The writer hears, holding the head: what it is told is all there is until its own group commits.
    /// `known` is a group of which was asked already, and which is part of the history.
    pub(crate) fn hear_locked(
        &self,
        connection: &Connection,
        head: &Head,
        known: Option<Mark>,
    ) -> Result<(), SqlError> {
        let began = now();
        self.hear(&mut self.place(), connection, (head, known))?;
        self.looked(began);
        Ok(())
    }

    /// A group of this node is committed: its own copies are forgotten by whoever asked for the change, and requests that were let
    /// in before look again.
    pub(crate) fn is_own(&self, mark: Mark, news: bool) {
        self.place().mark = Some(mark);
        if news {
            self.count.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn hear(
        &self,
        place: &mut Place,
        connection: &Connection,
        (head, known): (&Head, Option<Mark>),
    ) -> Result<(), SqlError> {
        #[cfg(feature = "seeded-defects")]
        if std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "deaf") {
            return Ok(());
        }
        let news = match place.mark {
            Some(mark) if mark == head.mark => return Ok(()),
            Some(mark) if mark.group < head.mark.group && (known == Some(mark) || head::known(connection, mark)?) => {
                if head.news > mark.group {
                    Some(head::news_after(connection, mark.group)?)
                } else {
                    Some(Vec::new())
                }
            }
            _ => None,
        };
        let heard = news.as_deref().map_or(Heard::Everything, Heard::These);
        let anything = !matches!(heard, Heard::These([]));
        if anything && let Some(listener) = self.listener.get() {
            listener(&heard, Reading::of(connection)).map_err(|error| SqlError::Lost(error.to_string()))?;
        }
        if anything {
            self.count.fetch_add(1, Ordering::SeqCst);
        }
        place.mark = Some(head.mark);
        Ok(())
    }
}

/// Looks at the head beside the writer.
pub(crate) struct Lookout {
    readers: Readers,
    ear: Arc<Ear>,
    events: Arc<watch::Sender<u64>>,
    clock: Arc<TenantClock>,
}

impl Lookout {
    /// With a connection of its own, so that it never waits for readers.
    pub(crate) fn new(
        database: Database,
        ear: Arc<Ear>,
        events: Arc<watch::Sender<u64>>,
        clock: Arc<TenantClock>,
    ) -> Self {
        let readers = Readers::new(database, ReadLimits { life: LOOK, most: 2, keep: 1, patience: LOOK });
        Self { readers, ear, events, clock }
    }

    /// Whether what this node keeps is as old as [`TRUST`] at most.
    pub(crate) fn is_fresh(&self) -> bool {
        self.ear.looked_within(TRUST)
    }

    /// Looks, unless somebody did within `age`.
    pub(crate) fn look_unless(&self, age: Duration) -> Result<(), StoreError> {
        if self.ear.looked_within(age) {
            return Ok(());
        }
        let failed = self.ear.failed.load(Ordering::SeqCst);
        // The lock first, the snapshot behind it: see the module.
        let mut place = self.ear.place();
        if self.ear.looked_within(age) {
            return Ok(());
        }
        if self.ear.failed.load(Ordering::SeqCst) != failed {
            // Who looked while this one waited got no answer: all who waited are told, not one after the other.
            return Err(StoreError::Unavailable);
        }
        let looked = self.look(&mut place);
        if looked.is_err() {
            self.ear.failed.fetch_add(1, Ordering::SeqCst);
        }
        looked
    }

    fn look(&self, place: &mut Place) -> Result<(), StoreError> {
        let began = now();
        self.readers.snapshot(|connection, _| {
            let head = head::peek(connection)?;
            self.ear.hear(place, connection, (&head, None))?;
            if head.terms != place.terms {
                let tenant = tenant::read(connection)?;
                tenant.into_iter().for_each(|tenant| self.clock.raise_offset(tenant.clock_offset));
                place.terms = head.terms;
            }
            self.clock.advance_to(head.now);
            self.events.send_if_modified(|last| head.event > std::mem::replace(last, head.event.max(*last)));
            Ok::<_, StoreError>(())
        })?;
        self.ear.looked(began);
        Ok(())
    }
}

/// The thread that looks again and again; it ends when this is dropped.
pub(crate) struct Pulse {
    _stop: mpsc::Sender<()>,
}

impl Pulse {
    pub(crate) fn start(lookout: Arc<Lookout>) -> Result<Self, SqlError> {
        let (stop, stopped) = mpsc::channel();
        let body = move || {
            let mut quiet = true;
            while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(PULSE) {
                let looked = lookout.look_unless(PULSE);
                if let (Err(error), true) = (&looked, quiet) {
                    tracing::warn!(%error, "what other nodes do is not heard; requests wait for the database");
                }
                quiet = looked.is_ok();
            }
        };
        let thread = std::thread::Builder::new().name("pulse".to_owned()).spawn(body);
        thread.map_err(|error| SqlError::Io(error.to_string()))?;
        Ok(Self { _stop: stop })
    }
}

//! When sessions were last used.
//!
//! A request only notes it in memory; the lane of jobs that keeps the books writes the notes of all sessions together, at most
//! once a minute. Nothing is decided by it: it is shown. So what a node that dies has noted may be lost, and other nodes show a
//! session's last use up to a minute late.

use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Outcome, StoreError};
use vocabulary::{Id, Timestamp, kinds};

/// Seconds between two writings.
const SECONDS: i64 = 60;
/// Sessions that are noted at most between two writings; later ones wait for the next.
const MOST: usize = 100_000;
/// Sessions that one unit of work writes.
const AT_ONCE: usize = 500;

/// See the module.
#[derive(Default)]
pub(crate) struct Seen {
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    at: HashMap<Id<kinds::Session>, Timestamp>,
    written: Option<Timestamp>,
}

impl Seen {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a session is used now.
    pub(super) fn note(&self, id: Id<kinds::Session>, now: Timestamp) {
        let mut notes = self.notes();
        if notes.at.len() < MOST || notes.at.contains_key(&id) {
            notes.at.insert(id, now);
        }
    }

    /// When it was used, if that is not written yet.
    pub(super) fn of(&self, id: Id<kinds::Session>) -> Option<Timestamp> {
        self.notes().at.get(&id).copied()
    }

    /// What is to be written now: nothing within a minute of the last time.
    fn due(&self, now: Timestamp) -> Vec<(Id<kinds::Session>, Timestamp)> {
        let mut notes = self.notes();
        // A clock that was set back must not stop the writing.
        let fresh = |written: Timestamp| written <= now && now < written.plus_seconds(SECONDS);
        if notes.at.is_empty() || notes.written.is_some_and(fresh) {
            return Vec::new();
        }
        notes.written = Some(now);
        std::mem::take(&mut notes.at).into_iter().collect()
    }
}

/// Writes when sessions were last used, if it is time. For threads that may block.
///
/// # Errors
/// Trouble; then the notes are lost.
pub(crate) fn write_seen(bank: &Bank) -> Result<(), BankError> {
    for part in bank.seen().due(bank.now()).chunks(AT_ONCE) {
        let part = part.to_vec();
        bank.store().write_blocking(move |uow| {
            for (id, at) in &part {
                records::set_seen(uow, *id, *at)?;
            }
            Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
        })?;
    }
    Ok(())
}

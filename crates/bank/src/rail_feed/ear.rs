//! Hearing the bank before a deadline decides, without waiting for a bank that is silent.
//!
//! Race closed here: a deadline and the bank's answer come at the same time. News are heard first, so that a result that is
//! there already is not called "none"; but a bank that does not answer may hold the line for minutes, and a deadline must
//! not wait that long: it is the promise that no result stays unknown. So the listening goes on in a thread of its own, a
//! deadline waits a moment for it, and while that thread is overdue the deadlines after it do not wait at all. At most one
//! such thread lives. Whoever decides afterwards reads the state in his own unit: what is heard later finds it decided.

use super::listen;
use crate::bank::Bank;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a deadline waits for the bank.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether somebody listens for a deadline.
#[derive(Default)]
pub(crate) struct Ear {
    state: Mutex<Hearing>,
    ended: Condvar,
}

#[derive(Default)]
struct Hearing {
    /// A thread listens.
    busy: bool,
    /// It has been waited for in vain.
    overdue: bool,
}

impl Ear {
    fn state(&self) -> MutexGuard<'_, Hearing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the ear down again, however the listening ended.
struct Listening(Bank);

impl Drop for Listening {
    fn drop(&mut self) {
        let ear = self.0.ear();
        *ear.state() = Hearing::default();
        ear.ended.notify_all();
    }
}

/// Hears what is to be heard now, or returns after a moment when the bank is silent.
pub(crate) fn listen_a_moment(bank: &Bank) {
    if bank.store().is_by_hand() {
        // Whoever drives the store decides how long the bank is silent; a thread of ours would decide something too.
        if let Err(error) = listen(bank) {
            tracing::warn!(%error, "what the bank says cannot be written down");
        }
        return;
    }
    let ear = bank.ear();
    let mut state = ear.state();
    if state.overdue {
        return;
    }
    if !state.busy {
        let listening = Listening(bank.clone());
        let body = move || {
            if let Err(error) = listen(&listening.0) {
                tracing::warn!(%error, "what the bank says cannot be written down");
            }
        };
        state.busy = true;
        // Without a thread to be had the body is dropped unrun, and with it the ear is put down: the lock must be free.
        drop(state);
        if let Err(error) = std::thread::Builder::new().name("listen".to_owned()).spawn(body) {
            tracing::warn!(%error, "a deadline could not hear the bank first");
        }
        state = ear.state();
    }
    let waited = ear.ended.wait_timeout_while(state, PATIENCE, |state| state.busy);
    let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
    if waited.timed_out() {
        state.overdue = true;
    }
}

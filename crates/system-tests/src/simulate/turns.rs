//! Parties and whose turn it is: each party has a thread of its own, and at most one of all threads runs.
//!
//! A party runs from the moment it is resumed until it gives its turn back (`turn`, which the store calls whenever somebody
//! waits, and the line to the bank beside calls before and after each question) or ends. The scheduler waits meanwhile. So
//! there is no race between threads: the order of all that happens is the order in which parties are resumed.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

thread_local! {
    /// How the party on this thread gives its turn back; nothing on the scheduler's own thread.
    static PARTY: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Lets others run, and returns when this party is resumed. False at once where there is no party: the scheduler itself.
pub fn turn() -> bool {
    PARTY.with_borrow(|party| party.as_ref().map(|give| give()).is_some())
}

/// A party that runs this long without giving its turn back is stuck.
const STUCK: Duration = Duration::from_secs(60);

enum Sign<T> {
    Waits,
    Ended(T),
}

/// A party.
pub struct Party<T> {
    /// What it is, for people.
    pub name: String,
    /// Nothing once it is given up.
    go: Option<Sender<()>>,
    back: Receiver<Sign<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Party<T> {
    /// A party that will do `work`; it does not run yet.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn new(name: String, work: impl FnOnce() -> T + Send + 'static) -> Result<Self, String> {
        let ((go, resumed), (sign, back)) = (channel::<()>(), channel());
        let body = move || {
            if resumed.recv().is_err() {
                return;
            }
            let waits = sign.clone();
            let give = move || {
                // When the scheduler is gone the run is over, and so is the process: nobody waits for long.
                if waits.send(Sign::Waits).is_ok() {
                    let _ = resumed.recv();
                }
            };
            PARTY.set(Some(Box::new(give)));
            let _ = sign.send(Sign::Ended(work()));
        };
        let thread = std::thread::Builder::new().name("party".to_owned()).spawn(body);
        let thread = thread.map_err(|error| format!("no thread: {error}"))?;
        Ok(Self { name, go: Some(go), back, thread: Some(thread) })
    }

    /// Lets it run until it waits (`None`) or ends with a result.
    ///
    /// # Errors
    /// When it panicked or is stuck.
    pub fn resume(&mut self) -> Result<Option<T>, String> {
        // A party that has panicked hears nothing; the answer below says so.
        let _ = self.go.as_ref().map(|go| go.send(()));
        match self.back.recv_timeout(STUCK) {
            Ok(Sign::Waits) => Ok(None),
            Ok(Sign::Ended(result)) => {
                if let Some(thread) = self.thread.take() {
                    let _ = thread.join();
                }
                Ok(Some(result))
            }
            Err(RecvTimeoutError::Disconnected) => Err(format!("{} panicked", self.name)),
            Err(RecvTimeoutError::Timeout) => {
                // Nobody can wait for its end.
                self.thread = None;
                Err(format!("{} is stuck: it holds its turn", self.name))
            }
        }
    }
}

impl<T> Drop for Party<T> {
    /// Whoever gives up a party has ended the process that it runs in: without a scheduler it goes on to its end.
    fn drop(&mut self) {
        self.go = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it has been told by its last sign.
            let _ = thread.join();
        }
    }
}

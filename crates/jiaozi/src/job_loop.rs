//! The job loop: one thread for each bank does what is due, until it is told to stop.
//!
//! It looks five times a second, since a sandbox's clock may be moved and new jobs are written at any time; when much is
//! due it does not wait at all. A job's effect is once by its unit of work, so the loop may end anywhere.

use bank::Bank;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long it sleeps when nothing was due.
const PAUSE: Duration = Duration::from_millis(200);

/// A running loop.
pub struct JobLoop {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl JobLoop {
    /// Starts the loop of a bank.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(bank: Bank) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let body = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(round(&bank)) {}
        };
        let thread = std::thread::Builder::new().name("jobs".to_owned()).spawn(body)?;
        Ok(Self { stop, thread })
    }

    /// Ends the loop after the job it is doing.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the job loop had ended by a panic");
        }
    }
}

/// One round; says how long to wait for the next.
fn round(bank: &Bank) -> Duration {
    match bank::jobs::run_due(bank) {
        Ok(0) => PAUSE,
        Ok(_) => Duration::ZERO,
        Err(error) => {
            tracing::error!(%error, "jobs cannot be read");
            PAUSE * 5
        }
    }
}

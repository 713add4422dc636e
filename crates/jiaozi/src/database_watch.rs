//! Watches the server of a database beside the work: is it there, and how far is its clock from ours?
//!
//! A skew beyond the bound is refused at a start; later it is told, in the log and as a number to alert on, and nothing ends:
//! entries keep their order by the head's moment (see the store), only the moments themselves would be too late.

use crate::system::SystemClock;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked at.
const PERIOD: Duration = Duration::from_secs(15);

/// A running watch; dropping it ends it.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts watching a database on a server.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(database: sql::Database) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let watch = move || {
            loop {
                look(&database);
                if stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("database-watch".to_owned()).spawn(watch)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watch of the database ended badly");
        }
    }
}

fn look(database: &sql::Database) {
    let found = database.clock_skew(&SystemClock);
    metrics::gauge!("jiaozi_database_up").set(f64::from(u8::from(found.is_ok())));
    match found {
        Ok(skew) => {
            #[expect(clippy::cast_precision_loss, reason = "a duration for a metric")]
            metrics::gauge!("jiaozi_database_clock_skew_seconds").set(skew as f64 / 1e6);
            if skew.abs() > sql::MOST_SKEW {
                tracing::warn!(micros = skew, "the clocks of this node and of its database differ; set both by NTP");
            }
        }
        Err(error) => tracing::warn!(%error, "the database is away"),
    }
}

//! How long a writer waits for its server, and other nodes for a writer.
//!
//! The waits closed here: an answer that never comes (a dead line, a COMMIT whose standby is gone) would keep every caller of
//! the node waiting with it; and a node that is put to sleep in the middle of a unit would keep the head locked for all
//! others. So a connection whose answer is overdue is dropped. The statement is not cancelled: a COMMIT that waits for a
//! standby goes on waiting at the server, and is asked about on another connection. And the server ends a unit whose node says
//! nothing for five seconds; what it had not committed is undone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

/// How long a writer waits for an answer: longer than for any lock.
const ANSWER: Duration = Duration::from_secs(10);

/// Told to the server: so long may a unit of this connection stand still, and so long, a little longer, is waited for the
/// lock of one that does.
pub(crate) const OTHERS: &str =
    "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '7s'; SET tcp_user_timeout = '10s'";

/// What moments are counted from.
#[expect(clippy::disallowed_methods, reason = "how long an answer takes is the machine's time, not the bank's")]
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The wait of one connection.
pub(crate) struct Patience {
    /// Since when an answer is waited for, in microseconds of the process; 0 while none is.
    since: Arc<AtomicU64>,
    /// Ends the connection.
    driving: AbortHandle,
}

impl Patience {
    pub(crate) fn new(driving: AbortHandle) -> Self {
        Self { since: Arc::default(), driving }
    }

    /// An answer is waited for from now on, if none was.
    pub(crate) fn begin(&self) {
        if self.since.load(Ordering::Relaxed) == 0 {
            let micros = u64::try_from(BEGIN.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.since.store(micros.max(1), Ordering::Relaxed);
        }
    }

    /// It came.
    pub(crate) fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// Drops the connection when an answer is overdue, for as long as it lives.
    pub(crate) async fn watch(since: Arc<AtomicU64>, driving: AbortHandle) {
        while !driving.is_finished() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let since = since.load(Ordering::Relaxed);
            if since > 0 && BEGIN.elapsed() > Duration::from_micros(since) + ANSWER {
                tracing::warn!("the database does not answer; its connection is given up");
                driving.abort();
            }
        }
    }

    /// What [`Patience::watch`] needs.
    pub(crate) fn shared(&self) -> (Arc<AtomicU64>, AbortHandle) {
        (Arc::clone(&self.since), self.driving.clone())
    }
}

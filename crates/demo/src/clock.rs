//! A clock that tells the past until it has caught up: a history is made day by day as it would have happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vocabulary::{Clock, Timestamp};

/// Stands at a moment of the past and is moved forward; once it has caught up it is the clock beneath.
pub struct HistoryClock {
    beneath: Arc<dyn Clock>,
    /// Where it stands, microseconds; 0 once it has caught up.
    stands: AtomicI64,
}

impl HistoryClock {
    /// Stands so many days before now.
    #[must_use]
    pub fn days_ago(beneath: Arc<dyn Clock>, days: u32) -> Self {
        let stands = beneath.now().plus_seconds(-86_400 * i64::from(days)).micros();
        Self { beneath, stands: AtomicI64::new(stands) }
    }

    /// Moves it forward to a moment. False when that moment has not come yet: then it has not moved.
    #[must_use]
    pub fn move_to(&self, to: Timestamp) -> bool {
        if to >= self.beneath.now() {
            return false;
        }
        self.stands.fetch_max(to.micros(), Ordering::SeqCst);
        true
    }

    /// From now on it is the clock beneath.
    pub fn catch_up(&self) {
        self.stands.store(0, Ordering::SeqCst);
    }
}

impl Clock for HistoryClock {
    fn now(&self) -> Timestamp {
        match self.stands.load(Ordering::SeqCst) {
            0 => self.beneath.now(),
            stands => Timestamp::from_micros(stands),
        }
    }
}

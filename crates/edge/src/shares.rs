//! Fair shares of what there is a bounded number of: connections, requests at once.
//!
//! While less than half is taken, anybody may take more. From then on whoever holds his share gets nothing further, so that
//! the other half is left to others. Memory is bounded by what is taken: who holds nothing is not remembered.

use crate::rate::RateKey;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;
/// Nobody's share is smaller, however little there is.
const LEAST: usize = 8;

/// Who holds how much.
pub struct Shares {
    held: [Mutex<HashMap<RateKey, usize>>; SHARDS],
    spread: RandomState,
    total: AtomicUsize,
    whole: usize,
    share: usize,
}

/// One that is taken; given back when dropped.
pub struct Held {
    of: Arc<Shares>,
    key: RateKey,
}

impl Shares {
    /// Shares of `whole`: one in `parts` of it when it is scarce.
    #[must_use]
    pub fn new(whole: usize, parts: u32) -> Arc<Self> {
        let share = (whole / usize::try_from(parts.max(1)).unwrap_or(usize::MAX)).max(LEAST);
        let held = std::array::from_fn(|_| Mutex::default());
        Arc::new(Self { held, spread: RandomState::new(), total: AtomicUsize::new(0), whole, share })
    }

    /// Takes one for `key`; nothing when it holds its share of what is scarce.
    #[must_use]
    pub fn take(self: &Arc<Self>, key: RateKey) -> Option<Held> {
        let scarce = (self.total.fetch_add(1, Ordering::Relaxed) + 1).saturating_mul(2) > self.whole;
        let mut shard = self.shard(&key);
        let count = shard.get(&key).copied().unwrap_or(0);
        if scarce && count >= self.share {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        shard.insert(key, count + 1);
        Some(Held { of: Arc::clone(self), key })
    }

    /// How many holders are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.held.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, key: &RateKey) -> MutexGuard<'_, HashMap<RateKey, usize>> {
        let place = usize::try_from(self.spread.hash_one(key) >> 60).unwrap_or(0) % SHARDS;
        self.held[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut shard = self.of.shard(&self.key);
        match shard.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                shard.remove(&self.key);
            }
        }
        drop(shard);
        self.of.total.fetch_sub(1, Ordering::Relaxed);
    }
}

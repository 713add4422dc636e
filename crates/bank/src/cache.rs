//! A bounded cache in memory of what was committed, in two generations: when the young one is full, the old one goes.
//!
//! A value read before a change must not be put back after the change was made known. So a reader takes a [`Ticket`] first,
//! and its value is kept only when nothing was forgotten since.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A bounded cache. Who changes what it holds calls [`Cache::forget`] after the commit; what other nodes change is forgotten when
/// they tell (see `known.rs`).
pub struct Cache<K, V> {
    half: usize,
    parts: Mutex<Parts<K, V>>,
}

struct Parts<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    epoch: u64,
}

/// Proof of when a reader began.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(u64);

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// An empty cache for at most `capacity` values.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let parts = Parts { young: HashMap::new(), old: HashMap::new(), epoch: 0 };
        Self { half: (capacity / 2).max(1), parts: Mutex::new(parts) }
    }

    fn parts(&self) -> MutexGuard<'_, Parts<K, V>> {
        // A panic elsewhere leaves whole values only.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, or a ticket with which to keep it once it is read.
    pub fn get(&self, key: &K) -> Result<V, Ticket> {
        let mut parts = self.parts();
        if let Some(value) = parts.young.get(key) {
            return Ok(value.clone());
        }
        let Some((key, value)) = parts.old.remove_entry(key) else { return Err(Ticket(parts.epoch)) };
        insert(&mut parts, self.half, key, value.clone());
        Ok(value)
    }

    /// Keeps a value that was read after the ticket was given, unless something was forgotten meanwhile.
    pub fn keep(&self, ticket: Ticket, key: K, value: V) {
        let mut parts = self.parts();
        if parts.epoch == ticket.0 {
            insert(&mut parts, self.half, key, value);
        }
    }

    /// Forgets a value. Call it after the change was committed and before it is answered.
    pub fn forget(&self, key: &K) {
        let mut parts = self.parts();
        parts.epoch += 1;
        parts.young.remove(key);
        parts.old.remove(key);
    }

    /// Forgets every value for which `gone` says so.
    pub fn forget_where(&self, mut gone: impl FnMut(&V) -> bool) {
        let mut parts = self.parts();
        parts.epoch += 1;
        parts.young.retain(|_, value| !gone(value));
        parts.old.retain(|_, value| !gone(value));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.forget_where(|_| true);
    }

    /// How many values it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        let parts = self.parts();
        parts.young.len() + parts.old.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn insert<K: Eq + Hash, V>(parts: &mut Parts<K, V>, half: usize, key: K, value: V) {
    if parts.young.len() >= half && !parts.young.contains_key(&key) {
        parts.old = std::mem::take(&mut parts.young);
    }
    parts.old.remove(&key);
    parts.young.insert(key, value);
}

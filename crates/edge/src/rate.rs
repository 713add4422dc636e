//! Rate limits: one number per caller or address, in bounded memory.
//!
//! The rule is the generic cell rate algorithm (ITU-T I.371, annex A): a key's next request is due at a theoretical time;
//! a request that comes earlier than the burst allows is refused. When a shard is full, keys whose time has passed are
//! dropped: they could ask freely anyway. Time is an argument.
//!
//! Each node counts for itself: behind a balancer a key gets at most as many times the rate as there are nodes. What guards
//! passwords and codes is not counted here but in rows, by all nodes together.

use crate::options::Rate;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use vocabulary::Timestamp;

const SHARDS: usize = 16;
const KEYS_PER_SHARD: usize = 8_192;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// A network address; of version 6 only the network of 64 bits, since a host has them all.
    Address(u128),
    /// A signed-in principal.
    Caller(u128),
    /// One session, API key or staff token.
    Credential(u128),
}

impl RateKey {
    /// The key of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(four) => u128::from(four.to_bits()),
            IpAddr::V6(six) => six.to_bits() >> 64 << 64 | 1,
        })
    }
}

/// Counts requests by key.
pub struct RateLimiter {
    shards: [Mutex<HashMap<RateKey, i64>>; SHARDS],
    spread: RandomState,
    /// Microseconds that one request costs.
    cost: i64,
    /// How far a key's time may lie ahead.
    ahead: i64,
}

impl RateLimiter {
    /// A limiter with this rate; a rate of nothing counts as one.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let cost = 1_000_000 / i64::from(rate.per_second.clamp(1, 1_000_000));
        let ahead = cost * i64::from(rate.burst.max(1));
        Self { shards: std::array::from_fn(|_| Mutex::default()), spread: RandomState::new(), cost, ahead }
    }

    /// Counts a request of `key` at `now`.
    ///
    /// # Errors
    /// The seconds after which the next request will be let in.
    pub fn take(&self, key: RateKey, now: Timestamp) -> Result<(), u32> {
        let now = now.micros();
        let place = usize::try_from(self.spread.hash_one(key) >> 60).unwrap_or(0) % SHARDS;
        let mut shard = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= KEYS_PER_SHARD && !shard.contains_key(&key) {
            make_room(&mut shard, now);
        }
        let due = shard.entry(key).or_insert(now);
        if *due > now + self.ahead {
            // Nobody is let in so far ahead: the machine's clock went back, and would shut everybody out until it has caught up.
            *due = now;
        }
        let next = (*due).max(now) + self.cost;
        let wait = next - now - self.ahead;
        if wait > 0 {
            return Err(u32::try_from(wait.div_euclid(1_000_000) + 1).unwrap_or(u32::MAX));
        }
        *due = next;
        Ok(())
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

fn make_room(shard: &mut HashMap<RateKey, i64>, now: i64) {
    shard.retain(|_, due| *due > now);
    if shard.len() >= KEYS_PER_SHARD {
        // All are busy: forgetting half of them is kinder than refusing strangers, and the memory stays bounded.
        let mut keep = false;
        shard.retain(|_, _| {
            keep = !keep;
            keep
        });
    }
}

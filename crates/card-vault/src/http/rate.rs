//! How often one network address may ask: the generic cell rate algorithm (ITU-T I.371, annex A) in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use vocabulary::Timestamp;

const MOST_ADDRESSES: usize = 20_000;
/// So many requests at once after a pause, in seconds' worth.
const BURST_SECONDS: i64 = 10;

/// Counts requests by address; of version 6 by the network of 64 bits.
pub(super) struct Rate {
    due: Mutex<HashMap<u128, i64>>,
    cost: i64,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        Self { due: Mutex::default(), cost: 1_000_000 / i64::from(per_second.clamp(1, 1_000_000)) }
    }

    /// Counts a request; otherwise gives the seconds after which the next is let in.
    pub(super) fn take(&self, address: IpAddr, now: Timestamp) -> Result<(), u32> {
        let key = match address.to_canonical() {
            IpAddr::V4(four) => u128::from(four.to_bits()),
            IpAddr::V6(six) => six.to_bits() >> 64 << 64 | 1,
        };
        let (now, ahead) = (now.micros(), BURST_SECONDS * 1_000_000);
        let mut all = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_ADDRESSES && !all.contains_key(&key) {
            all.retain(|_, due| *due > now);
            if all.len() >= MOST_ADDRESSES {
                // All are busy: forgetting is kinder than refusing strangers, and the memory stays bounded.
                all.clear();
            }
        }
        let due = all.entry(key).or_insert(now);
        if *due > now + ahead {
            // The machine's clock went back.
            *due = now;
        }
        let next = (*due).max(now) + self.cost;
        let wait = next - now - ahead;
        if wait > 0 {
            return Err(u32::try_from(wait.div_euclid(1_000_000) + 1).unwrap_or(u32::MAX));
        }
        *due = next;
        Ok(())
    }
}

//! Sealing under a key of the tenant, made for volume: recorded answers, and what the audit log keeps.
//!
//! Random 96-bit nonces bound a key to 2³² messages, which a busy bank reaches in days. So each start of the process draws
//! 128 random bits, derives a key of its own from the tenant's (HMAC-SHA-256 as a pseudo-random function) and counts nonces
//! under it: no nonce repeats under a key. A value is `start (16) ‖ counter (8) ‖ ciphertext ‖ tag (16)`.

use super::cipher;
use crate::cache::Cache;
use crate::error::BankError;
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::hmac;
use ports::DataKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vocabulary::{Draw, Entropy, Secret};

const START: usize = 16;
const HEADER: usize = START + 8;

/// Seals and opens recorded answers and their like.
pub struct Responses {
    /// Whose column the values stand in, for findings.
    table: &'static str,
    root: hmac::Key,
    start: [u8; START],
    current: Arc<LessSafeKey>,
    counter: AtomicU64,
    earlier: Cache<[u8; START], Arc<LessSafeKey>>,
}

impl Responses {
    pub(crate) fn new(table: &'static str, tenant: DataKey, entropy: &dyn Entropy) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, tenant.expose());
        let start = entropy.bytes();
        let current = Arc::new(derive(&root, &start));
        Self { table, root, start, current, counter: AtomicU64::new(0), earlier: Cache::new(64) }
    }

    /// Seals an answer for the record that `place` names.
    ///
    /// # Errors
    /// Never in practice: the cipher refuses only absurd lengths.
    pub fn seal(&self, place: &[u8], plain: Vec<u8>) -> Result<Vec<u8>, BankError> {
        let count = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut buffer = plain;
        let tag = self
            .current
            .seal_in_place_separate_tag(nonce(count), Aad::from(place), &mut buffer)
            .map_err(|_| BankError::Bug("an answer is too long to be sealed".to_owned()))?;
        let mut sealed = Vec::with_capacity(HEADER + buffer.len() + tag.as_ref().len());
        sealed.extend_from_slice(&self.start);
        sealed.extend_from_slice(&count);
        sealed.extend_from_slice(&buffer);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens an answer.
    ///
    /// # Errors
    /// `Unsealed` when it was damaged or belongs to another record.
    pub fn open(&self, place: &[u8], mut sealed: Vec<u8>) -> Result<Vec<u8>, BankError> {
        let damaged = || BankError::Unsealed(self.table);
        let start: [u8; START] = *sealed.first_chunk().ok_or_else(damaged)?;
        let count: [u8; 8] = *sealed[START..].first_chunk().ok_or_else(damaged)?;
        let key = self.key_of(start);
        let plain = key.open_in_place(nonce(count), Aad::from(place), &mut sealed[HEADER..]).map_err(|_| damaged())?;
        Ok(plain.to_vec())
    }

    fn key_of(&self, start: [u8; START]) -> Arc<LessSafeKey> {
        if start == self.start {
            return Arc::clone(&self.current);
        }
        match self.earlier.get(&start) {
            Ok(key) => key,
            Err(ticket) => {
                let key = Arc::new(derive(&self.root, &start));
                self.earlier.keep(ticket, start, Arc::clone(&key));
                key
            }
        }
    }
}

fn nonce(count: [u8; 8]) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&count);
    Nonce::assume_unique_for_key(bytes)
}

fn derive(root: &hmac::Key, start: &[u8; START]) -> LessSafeKey {
    let tag = hmac::sign(root, start);
    cipher(&Secret::new(std::array::from_fn(|place| tag.as_ref()[place])))
}

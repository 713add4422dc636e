//! A key vault whose key everybody knows.

use crate::sealed::cipher;
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::digest::{SHA256, digest};
use ports::{DataKey, KeyVault, VaultError};
use std::sync::atomic::{AtomicU64, Ordering};
use vocabulary::Secret;

/// A key vault with a fixed key.
#[derive(Default)]
pub struct FixedVault {
    pub(super) counter: AtomicU64,
}

impl FixedVault {
    fn key() -> DataKey {
        Secret::new([42; 32])
    }
}

impl KeyVault for FixedVault {
    fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        nonce[4..].copy_from_slice(&self.counter.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        let mut sealed = key.expose().to_vec();
        let tag = cipher(&Self::key())
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .map_err(|_| VaultError::Refused)?;
        Ok([nonce.as_slice(), &sealed, tag.as_ref()].concat())
    }

    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Refused)?;
        let mut buffer = sealed.to_vec();
        let plain = cipher(&Self::key())
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut buffer)
            .map_err(|_| VaultError::Refused)?;
        <[u8; 32]>::try_from(&*plain).map(Secret::new).map_err(|_| VaultError::Refused)
    }

    fn derive(&self, purpose: &str) -> Result<DataKey, VaultError> {
        let found = digest(&SHA256, purpose.as_bytes());
        Ok(Secret::new(std::array::from_fn(|place| found.as_ref()[place])))
    }
}

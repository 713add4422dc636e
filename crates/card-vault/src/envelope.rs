//! Sealing: each row has a data key of its own, wrapped by the key vault, and each sealed column is AES-256-GCM under it.
//!
//! NIST SP 800-38D with random 96-bit nonces: a data key seals two values in its life. Table, column, row and key version are
//! additional data, so that a value moved to another row or column does not open. It knows nothing of what is sealed.

use crate::error::Trouble;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ports::{DataKey, KeyVault};
use vocabulary::{Draw, Entropy, Secret};

/// The version of the key vault's key. There is one as long as the vault has one key.
pub(crate) const KEY_VERSION: i64 = 1;

/// A row that seals.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) table: &'static str,
    pub(crate) row: u128,
    pub(crate) version: i64,
}

impl Place {
    fn context(&self, column: &str) -> Vec<u8> {
        let (row, version) = (self.row.to_be_bytes(), self.version.to_be_bytes());
        [self.table.as_bytes(), b".", column.as_bytes(), b".", &row, &version].concat()
    }
}

/// A row's data key, and the same wrapped.
pub(crate) struct Envelope {
    key: DataKey,
    place: Place,
}

impl Envelope {
    /// A fresh one for a row, and what is stored of it.
    pub(crate) fn fresh(keys: &dyn KeyVault, entropy: &dyn Entropy, place: Place) -> Result<(Self, Vec<u8>), Trouble> {
        let key: DataKey = Secret::new(entropy.bytes());
        let wrapped = keys.wrap(&place.context("wrapped"), &key)?;
        Ok((Self { key, place }, wrapped))
    }

    /// That of a row.
    pub(crate) fn stored(keys: &dyn KeyVault, place: Place, wrapped: &[u8]) -> Result<Self, Trouble> {
        Ok(Self { key: keys.unwrap(&place.context("wrapped"), wrapped)?, place })
    }

    fn cipher(&self) -> Result<LessSafeKey, Trouble> {
        let key = UnboundKey::new(&AES_256_GCM, self.key.expose());
        key.map(LessSafeKey::new).map_err(|_| Trouble::Library("the cipher takes no key"))
    }

    /// Seals a value for a column.
    pub(crate) fn seal(&self, entropy: &dyn Entropy, column: &str, plain: &[u8]) -> Result<Vec<u8>, Trouble> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut buffer = plain.to_vec();
        let context = Aad::from(self.place.context(column));
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), context, &mut buffer)
            .map_err(|_| Trouble::Library("a value is too long to be sealed"))?;
        Ok([nonce.as_slice(), &buffer, tag.as_ref()].concat())
    }

    /// Opens a column's value.
    pub(crate) fn open(&self, column: &'static str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, Trouble> {
        let damaged = Trouble::Unsealed(column);
        let Some((nonce, sealed)) = sealed.split_first_chunk::<NONCE_LEN>() else { return Err(damaged) };
        let mut buffer = sealed.to_vec();
        let context = Aad::from(self.place.context(column));
        let opened = self.cipher()?.open_in_place(Nonce::assume_unique_for_key(*nonce), context, &mut buffer);
        let length = opened.map(|plain| plain.len()).map_err(|_| damaged)?;
        let buffer = Secret::new(buffer);
        Ok(Secret::new(buffer.expose()[..length].to_vec()))
    }
}

//! The key vault: it wraps the keys that encrypt data, and never sees the data.

use std::fmt;
use vocabulary::Secret;

/// A key of 256 bits that encrypts data.
pub type DataKey = Secret<[u8; 32]>;

/// Holds the key-encryption key. Wrapped keys are stored beside the data; without the vault they are useless.
pub trait KeyVault: Send + Sync {
    /// Encrypts a data key. `context` names what the key is for; the same context must be given to unwrap it.
    ///
    /// # Errors
    /// When the vault cannot be used.
    fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Vec<u8>, VaultError>;

    /// Decrypts a data key.
    ///
    /// # Errors
    /// `Refused` when the bytes were not wrapped by this vault for this context.
    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<DataKey, VaultError>;

    /// A key derived from the vault's own for one named purpose: always the same for the same purpose.
    ///
    /// # Errors
    /// When the vault cannot be used.
    fn derive(&self, purpose: &str) -> Result<DataKey, VaultError>;
}

/// Why the vault did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// The wrapped key is damaged, of another vault, or for another context.
    Refused,
    /// The vault cannot be reached or read.
    Unavailable(String),
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the key was not wrapped by this vault for this use"),
            Self::Unavailable(why) => write!(f, "the key vault cannot be used: {why}"),
        }
    }
}

impl std::error::Error for VaultError {}

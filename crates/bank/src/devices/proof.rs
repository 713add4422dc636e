//! Keys of devices, and what they sign.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

/// How a device signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032): a key of 32 bytes, a signature of 64.
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5): an uncompressed point of 65 bytes, a signature `r ‖ s` of 64.
    P256,
}

impl Algorithm {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::P256 => "p256",
        }
    }
}

/// A device's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// How it signs.
    pub algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl DeviceKey {
    /// A key of the form that its length says; nothing for any other.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let algorithm = match bytes {
            [4, ..] if bytes.len() == 65 => Algorithm::P256,
            _ if bytes.len() == 32 => Algorithm::Ed25519,
            _ => return None,
        };
        Some(Self { algorithm, bytes: bytes.to_vec() })
    }

    /// As it is stored.
    pub(super) fn stored(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a signature over a text is this key's. A key that is no point of its curve signs nothing.
    #[must_use]
    pub fn signed(&self, text: &str, signature: &[u8]) -> bool {
        let good = match self.algorithm {
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.bytes).verify(text.as_bytes(), signature),
            Algorithm::P256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.bytes).verify(text.as_bytes(), signature)
            }
        };
        good.is_ok()
    }
}

/// What is signed to sign in: the challenge, and the name as it is sent. Words in front, so that a signature for one purpose is
/// none for another.
#[must_use]
pub(super) fn sign_in_text(challenge: &str, name: &str) -> String {
    format!("jiaozi sign-in\n{challenge}\n{name}")
}

/// What is signed to refresh.
#[must_use]
pub(crate) fn refresh_text(token: &str) -> String {
    format!("jiaozi refresh\n{token}")
}

//! Public RSA keys as JSON Web Keys (RFC 7517; RFC 7518, section 6.3), and their thumbprints (RFC 7638).
//!
//! Only public keys: a private one never takes this form here. A key is named by its thumbprint, so two different keys never
//! share a name and nobody chooses one.

#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bits of a modulus that are taken: smaller keys are weak, larger ones cost whoever must use them.
const LEAST_BYTES: usize = 2_048 / 8;
const MOST_BYTES: usize = 4_096 / 8;

/// A public RSA key.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaKey {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({})", self.thumbprint())
    }
}

/// A text or numbers are no RSA key that is taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMalformed;

impl fmt::Display for KeyMalformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is no public RSA key of 2048 to 4096 bits")
    }
}

impl std::error::Error for KeyMalformed {}

/// A key in a set, as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedKey {
    /// `RSA`.
    pub kty: String,
    /// `enc` for encryption, `sig` for signatures.
    #[serde(rename = "use")]
    pub purpose: String,
    /// The one algorithm that the key is for.
    pub alg: String,
    /// The thumbprint.
    pub kid: String,
    /// The modulus.
    pub n: String,
    /// The exponent.
    pub e: String,
}

/// A set of keys (RFC 7517, section 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// The keys; who encrypts takes the first.
    pub keys: Vec<PublishedKey>,
}

impl RsaKey {
    /// A key of these numbers, most significant byte first.
    ///
    /// # Errors
    /// When the modulus has another size or the exponent is not an odd number of up to eight bytes above 1.
    pub fn new(n: &[u8], e: &[u8]) -> Result<Self, KeyMalformed> {
        let bare = |number: &[u8]| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            number[zeros..].to_vec()
        };
        let (n, e) = (bare(n), bare(e));
        let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        let sized = (LEAST_BYTES..=MOST_BYTES).contains(&n.len()) && (1..=8).contains(&e.len()) && e != [1];
        if sized && odd(&n) && odd(&e) { Ok(Self { n, e }) } else { Err(KeyMalformed) }
    }

    /// The modulus, most significant byte first, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.n
    }

    /// The exponent, most significant byte first, without leading zeros.
    #[must_use]
    pub fn exponent(&self) -> &[u8] {
        &self.e
    }

    /// The thumbprint: SHA-256 of the members that make the key, base64url (RFC 7638, section 3).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let [n, e] = [&self.n, &self.e].map(|number| URL_SAFE_NO_PAD.encode(number));
        let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    /// The key as it is published for one use and algorithm.
    #[must_use]
    pub fn published(&self, purpose: &str, algorithm: &str) -> PublishedKey {
        PublishedKey {
            kty: "RSA".to_owned(),
            purpose: purpose.to_owned(),
            alg: algorithm.to_owned(),
            kid: self.thumbprint(),
            n: URL_SAFE_NO_PAD.encode(&self.n),
            e: URL_SAFE_NO_PAD.encode(&self.e),
        }
    }
}

impl PublishedKey {
    /// The key itself.
    ///
    /// # Errors
    /// When it is no RSA key that is taken here.
    pub fn key(&self) -> Result<RsaKey, KeyMalformed> {
        if self.kty != "RSA" || self.n.len() > 2 * MOST_BYTES || self.e.len() > 16 {
            return Err(KeyMalformed);
        }
        let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyMalformed);
        RsaKey::new(&number(&self.n)?, &number(&self.e)?)
    }
}

//! Between a bank and its card vault: one secret that both hold, tickets that the bank gives to customers, and the questions
//! that the bank asks.
//!
//! The secret stands in a file of 32 random bytes as hexadecimal text. What is used is derived from it (HKDF-SHA-256, RFC 5869),
//! a key for each purpose: one authenticates tickets, the other is the bearer token of the bank's own questions. No card datum
//! is ever in a ticket or a question. Time is an argument.

#[cfg(test)]
mod tests;
mod ticket;
mod wire;

pub use ticket::{LIFE_SECONDS, Ticket, TicketError, TicketKey};
pub use wire::{DESCRIBE_PATH, DESTROY_PATH, Described, INTAKE_PATH, KEYS_PATH, Question};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use std::fmt;
use vocabulary::Secret;

const HEADER: &str = "jiaozi-card-vault-1";

/// The secret that bank and card vault share.
pub struct LinkSecret {
    bytes: Secret<[u8; 32]>,
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

/// A text is no shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretMalformed;

impl fmt::Display for SecretMalformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret is the word {HEADER} and 64 hexadecimal digits, as the card vault writes it")
    }
}

impl std::error::Error for SecretMalformed {}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

impl LinkSecret {
    /// A secret of these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self { bytes: Secret::new(bytes) }
    }

    /// Reads a secret's file.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, SecretMalformed> {
        let digits = text.trim_end().strip_prefix(HEADER).map(str::trim_start).ok_or(SecretMalformed)?;
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SecretMalformed);
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).map_err(|_| SecretMalformed)?;
        }
        Ok(Self::new(bytes))
    }

    /// The text of its file.
    #[must_use]
    pub fn print(&self) -> Secret<String> {
        Secret::new(format!("{HEADER}\n{}\n", hex(self.bytes.expose())))
    }

    /// What authenticates tickets.
    #[must_use]
    pub fn tickets(&self) -> TicketKey {
        TicketKey::new(&self.derive("tickets"))
    }

    /// The bearer token of the bank's questions.
    #[must_use]
    pub fn bearer(&self) -> Secret<String> {
        Secret::new(format!("jzv_{}", hex(self.derive("questions").expose())))
    }

    /// Whether a bearer token is the bank's; takes the same time whatever differs.
    #[must_use]
    pub fn is_bearer(&self, given: &str) -> bool {
        verify_slices_are_equal(self.bearer().expose().as_bytes(), given.as_bytes()).is_ok()
    }

    /// # Panics
    /// Never: the library refuses only keys longer than 255 hashes.
    fn derive(&self, purpose: &str) -> Secret<[u8; 32]> {
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, HEADER.as_bytes())
            .extract(self.bytes.expose())
            .expand(&[purpose.as_bytes()], Length)
            .and_then(|material| material.fill(&mut key))
            .expect("one hash is not too long");
        Secret::new(key)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

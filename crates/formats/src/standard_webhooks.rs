//! Signatures of the Standard Webhooks specification 1.0 (github.com/standard-webhooks/standard-webhooks), symmetric
//! form: HMAC-SHA-256 over `id.timestamp.body`, sent as `v1,` and base64.
//!
//! A message may carry several signatures, and a receiver may hold several secrets, so that secrets can be rotated
//! without a gap. Comparison takes the same time whatever differs. Time is an argument.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use vocabulary::{ErrorCode, Timestamp};

/// Header with the message's id, the same in every attempt.
pub const HEADER_ID: &str = "webhook-id";
/// Header with the time of the attempt, in seconds since 1970.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures, separated by spaces.
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// How far the time of an attempt may be from the receiver's: five minutes, as the reference libraries have it.
pub const TOLERANCE_SECONDS: i64 = 300;

const PREFIX: &str = "whsec_";
/// No sender needs more; a longer list is an attack on the receiver's time.
const MOST_SIGNATURES: usize = 16;

/// A secret that sender and receiver share. `Debug` does not show it.
pub struct SigningSecret {
    key: hmac::Key,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// A text that is not a signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretMalformed;

impl SecretMalformed {
    /// The stable code for callers.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        ErrorCode::InvalidField
    }
}

impl fmt::Display for SecretMalformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a signing secret is whsec_ and the base64 of 24 to 64 bytes")
    }
}

impl std::error::Error for SecretMalformed {}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The timestamp header is not a count of seconds.
    TimestampMalformed,
    /// The attempt is older than the tolerance: perhaps a replay.
    TooOld,
    /// The attempt is further in the future than the tolerance.
    TooNew,
    /// No signature fits any of the secrets.
    NoMatch,
}

impl VerifyError {
    /// The stable code for callers.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        ErrorCode::Unauthenticated
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimestampMalformed => "the webhook timestamp is not a count of seconds",
            Self::TooOld => "the webhook is too old",
            Self::TooNew => "the webhook comes from the future",
            Self::NoMatch => "no signature of the webhook fits",
        })
    }
}

impl std::error::Error for VerifyError {}

impl SigningSecret {
    /// A secret of these bytes, which must be random: 24 to 64 of them ("Signature scheme" in the specification).
    ///
    /// # Errors
    /// For any other count.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretMalformed> {
        if !(24..=64).contains(&bytes.len()) {
            return Err(SecretMalformed);
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, bytes) })
    }

    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// For anything else.
    pub fn parse(text: &str) -> Result<Self, SecretMalformed> {
        let encoded = text.strip_prefix(PREFIX).filter(|rest| rest.len() <= 88).ok_or(SecretMalformed)?;
        Self::from_bytes(&STANDARD.decode(encoded).map_err(|_| SecretMalformed)?)
    }

    /// The text of a secret of these bytes, to be shown to the receiver once.
    #[must_use]
    pub fn print(bytes: &[u8]) -> String {
        format!("{PREFIX}{}", STANDARD.encode(bytes))
    }

    fn tag(&self, id: &str, seconds: i64, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        context.sign()
    }
}

/// The value of the signature header: one signature per secret, current secret first.
///
/// `id` must not contain a full stop, so that nothing of it can be taken for the timestamp; ids of this bank have none.
#[must_use]
pub fn sign(secrets: &[SigningSecret], id: &str, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.micros().div_euclid(1_000_000);
    let one = |secret: &SigningSecret| format!("v1,{}", STANDARD.encode(secret.tag(id, seconds, body)));
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// The three headers as they came.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

/// Checks a message that came at `now`; believed when any `v1` signature fits any of the secrets.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify(secrets: &[SigningSecret], headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<(), VerifyError> {
    let plain = !headers.timestamp.is_empty() && headers.timestamp.bytes().all(|b| b.is_ascii_digit());
    let seconds: i64 = headers.timestamp.parse().ok().filter(|_| plain).ok_or(VerifyError::TimestampMalformed)?;
    let age = now.micros().div_euclid(1_000_000).saturating_sub(seconds);
    if age > TOLERANCE_SECONDS {
        return Err(VerifyError::TooOld);
    }
    if age < -TOLERANCE_SECONDS {
        return Err(VerifyError::TooNew);
    }
    let mut message = format!("{}.{seconds}.", headers.id).into_bytes();
    message.extend_from_slice(body);
    let candidates = headers.signature.split(' ').take(MOST_SIGNATURES);
    let signatures = candidates.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    for signature in signatures {
        if secrets.iter().any(|secret| hmac::verify(&secret.key, &message, &signature).is_ok()) {
            return Ok(());
        }
    }
    Err(VerifyError::NoMatch)
}

#[cfg(test)]
mod tests;

//! Encrypted messages: JSON Web Encryption in its compact form (RFC 7516), one profile of it.
//!
//! Key management is RSA-OAEP-256, content encryption A256GCM (RFC 7518, sections 4.3 and 5.3), and nothing else: which algorithms
//! are used is decided here and by the key, never by the message, whose header must only agree. The header is closed: `alg`,
//! `enc`, and if it likes `kid`, `typ` and `cty`; whatever else stands there (`crit`, `zip`, a key of the sender's) is refused.
//! Sizes are bounded before anything is decoded. That a key or a text does not fit is one error, and both are tried in any
//! case, so that nobody learns which it was (RFC 7516, section 11.5).
//!
//! Generating an RSA key takes its chance from the cryptographic library itself, which offers no other way.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::RecipientKey;

use crate::jwk::RsaKey;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::fmt;
use vocabulary::{Draw, Entropy, ErrorCode, Secret};

/// The key management algorithm.
pub const ALGORITHM: &str = "RSA-OAEP-256";
/// The content encryption algorithm.
pub const ENCRYPTION: &str = "A256GCM";
/// The longest message that is read, characters.
pub const MOST_CHARACTERS: usize = 8_192;
const MOST_HEADER: usize = 1_024;
const TAG_LEN: usize = 16;

/// Why a message is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JweError {
    /// Longer than [`MOST_CHARACTERS`].
    TooLong,
    /// Not five parts of base64url, or parts of sizes that no message has.
    Malformed,
    /// The header is no JSON object of the members that are allowed.
    HeaderRefused,
    /// Another key management or content encryption than the profile's.
    AlgorithmRefused,
    /// Encrypted for another key, changed on the way, or put together wrongly.
    Undecryptable,
}

impl JweError {
    /// The stable code for callers.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        ErrorCode::CardDetailsUnreadable
    }
}

impl fmt::Display for JweError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the encrypted message is too long",
            Self::Malformed => "the encrypted message is not five parts of base64url",
            Self::HeaderRefused => "the message's header may have alg, enc, kid, typ and cty and nothing else",
            Self::AlgorithmRefused => "only RSA-OAEP-256 with A256GCM is taken",
            Self::Undecryptable => "the message cannot be decrypted; encrypt it for a key that is published now",
        })
    }
}

impl std::error::Error for JweError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    enc: String,
    kid: Option<String>,
    #[serde(rename = "typ")]
    _typ: Option<String>,
    #[serde(rename = "cty")]
    _cty: Option<String>,
}

/// A message whose form and header are right; nothing of it is believed yet.
pub struct Message<'a> {
    protected: &'a str,
    kid: Option<String>,
    key: Vec<u8>,
    nonce: [u8; NONCE_LEN],
    text: Vec<u8>,
}

impl<'a> Message<'a> {
    /// Reads the compact form (RFC 7516, section 7.1).
    ///
    /// # Errors
    /// `TooLong`, `Malformed`, `HeaderRefused`, `AlgorithmRefused`, in this order.
    pub fn parse(compact: &'a str) -> Result<Self, JweError> {
        if compact.len() > MOST_CHARACTERS {
            return Err(JweError::TooLong);
        }
        let mut parts = compact.split('.');
        let mut next = || parts.next().ok_or(JweError::Malformed);
        let [protected, key, nonce, text, tag] = [next()?, next()?, next()?, next()?, next()?];
        if parts.next().is_some() || protected.len() > MOST_HEADER {
            return Err(JweError::Malformed);
        }
        let kid = header(&decode(protected)?)?;
        let nonce = decode(nonce)?.try_into().map_err(|_| JweError::Malformed)?;
        let tag: [u8; TAG_LEN] = decode(tag)?.try_into().map_err(|_| JweError::Malformed)?;
        let mut text = decode(text)?;
        text.extend_from_slice(&tag);
        Ok(Self { protected, kid, key: decode(key)?, nonce, text })
    }

    /// The name of the key that it says it was encrypted for.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Decrypts it.
    ///
    /// # Errors
    /// `Undecryptable`.
    pub fn decrypt(mut self, recipient: &RecipientKey) -> Result<Secret<Vec<u8>>, JweError> {
        // With a wrong key the text is tried all the same, under a key that opens nothing we accept.
        let (key, sound) = match recipient.unwrap(&self.key) {
            Some(key) => (key, true),
            None => (Secret::new([0; 32]), false),
        };
        let opened = open(&key, self.nonce, self.protected, &mut self.text);
        let text = Secret::new(self.text);
        match opened {
            Some(length) if sound => Ok(Secret::new(text.expose()[..length].to_vec())),
            Some(_) | None => Err(JweError::Undecryptable),
        }
    }
}

/// Decrypts text and tag in place and gives the plain text's length.
fn open(key: &Secret<[u8; 32]>, nonce: [u8; NONCE_LEN], protected: &str, text: &mut [u8]) -> Option<usize> {
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).ok()?);
    let opened = cipher.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(protected.as_bytes()), text);
    opened.ok().map(|plain| plain.len())
}

fn decode(part: &str) -> Result<Vec<u8>, JweError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JweError::Malformed)
}

fn header(bytes: &[u8]) -> Result<Option<String>, JweError> {
    let header: Header = serde_json::from_slice(bytes).map_err(|_| JweError::HeaderRefused)?;
    if header.alg != ALGORITHM || header.enc != ENCRYPTION {
        return Err(JweError::AlgorithmRefused);
    }
    Ok(header.kid)
}

/// Encrypts a text for whoever holds the private half of a key, as a client does.
///
/// # Errors
/// `Undecryptable` when the key cannot be used, `TooLong` when nobody would read the message.
pub fn encrypt(key: &RsaKey, plain: &[u8], entropy: &dyn Entropy) -> Result<String, JweError> {
    let header = serde_json::json!({"alg": ALGORITHM, "enc": ENCRYPTION, "kid": key.thumbprint()}).to_string();
    encrypt_under(&header, key, plain, entropy)
}

/// As [`encrypt`], under a header of the caller's.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_under(header: &str, key: &RsaKey, plain: &[u8], entropy: &dyn Entropy) -> Result<String, JweError> {
    let public: PublicEncryptingKey =
        PublicKeyComponents { n: key.modulus(), e: key.exponent() }.try_into().map_err(|_| JweError::Undecryptable)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| JweError::Undecryptable)?;
    let content: Secret<[u8; 32]> = Secret::new(entropy.bytes());
    let nonce: [u8; NONCE_LEN] = entropy.bytes();
    let mut wrapped = vec![0; public.ciphertext_size()];
    let wrapped = public
        .encrypt(&OAEP_SHA256_MGF1SHA256, content.expose(), &mut wrapped, None)
        .map_err(|_| JweError::Undecryptable)?;
    let protected = URL_SAFE_NO_PAD.encode(header);
    let cipher = UnboundKey::new(&AES_256_GCM, content.expose()).map_err(|_| JweError::Undecryptable)?;
    let mut text = plain.to_vec();
    let tag = LessSafeKey::new(cipher)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(protected.as_bytes()), &mut text)
        .map_err(|_| JweError::TooLong)?;
    let [wrapped, nonce, text, tag] =
        [&*wrapped, nonce.as_slice(), &text, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    let compact = format!("{protected}.{wrapped}.{nonce}.{text}.{tag}");
    if compact.len() > MOST_CHARACTERS { Err(JweError::TooLong) } else { Ok(compact) }
}

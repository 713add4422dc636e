//! The private half of an RSA key, for decrypting and for nothing else.

use super::ALGORITHM;
use crate::jwk::{KeyMalformed, PublishedKey, RsaKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey, PublicKey};
use std::fmt;
use vocabulary::Secret;

/// A private key that messages are encrypted for.
pub struct RecipientKey {
    key: OaepPrivateDecryptingKey,
    public: RsaKey,
    kid: String,
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientKey({})", self.kid)
    }
}

impl RecipientKey {
    /// A fresh key of 3072 bits (NIST SP 800-57 part 1: good beyond 2030), in PKCS #8, to be kept sealed.
    ///
    /// # Errors
    /// When the library cannot make one.
    pub fn generate() -> Result<Secret<Vec<u8>>, KeyMalformed> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(|_| KeyMalformed)?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| KeyMalformed)?;
        Ok(Secret::new(der.as_ref().to_vec()))
    }

    /// Reads PKCS #8 (RFC 5208) as [`RecipientKey::generate`] gives it.
    ///
    /// # Errors
    /// When it is no RSA key that is taken here.
    pub fn from_pkcs8(der: &Secret<Vec<u8>>) -> Result<Self, KeyMalformed> {
        let key = PrivateDecryptingKey::from_pkcs8(der.expose()).map_err(|_| KeyMalformed)?;
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&key.public_key()).map_err(|_| KeyMalformed)?;
        let public = PublicKey::from_der(spki.as_ref()).map_err(|_| KeyMalformed)?;
        let public = numbers(public.as_ref()).ok_or(KeyMalformed)??;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| KeyMalformed)?;
        let kid = public.thumbprint();
        Ok(Self { key, public, kid })
    }

    /// The key's name: its thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &RsaKey {
        &self.public
    }

    /// The public half as it is published.
    #[must_use]
    pub fn published(&self) -> PublishedKey {
        self.public.published("enc", ALGORITHM)
    }

    /// The content key of a message, if it was encrypted for this one (RFC 8017, section 7.1.2).
    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<Secret<[u8; 32]>> {
        let mut output = vec![0; self.key.min_output_size()];
        let plain = self.key.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut output, None).ok();
        let key = plain.and_then(|plain| <[u8; 32]>::try_from(&*plain).ok()).map(Secret::new);
        drop(Secret::new(output));
        key
    }
}

/// Modulus and exponent of the library's own `RSAPublicKey` (RFC 8017, appendix A.1.1): a sequence of two integers in DER.
fn numbers(der: &[u8]) -> Option<Result<RsaKey, KeyMalformed>> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let (body, _) = element(der, SEQUENCE)?;
    let (n, rest) = element(body, INTEGER)?;
    let (e, _) = element(rest, INTEGER)?;
    Some(RsaKey::new(n, e))
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk::<2>().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    (found == tag && length <= rest.len()).then(|| rest.split_at(length))
}

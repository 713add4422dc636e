//! Bearer tokens: 256 random bits behind a prefix; only their SHA-256 is stored.

use aws_lc_rs::digest::{SHA256, digest};
use vocabulary::{Draw, Entropy, Secret};

/// The digest of a token, under which its row is found.
pub(crate) type TokenHash = [u8; 32];

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A fresh token: the prefix and 52 digits.
pub(crate) fn draw(prefix: &str, entropy: &dyn Entropy) -> Secret<String> {
    // 260 of the 264 bits drawn.
    Secret::new(format!("{prefix}{}", digits(&entropy.bytes())))
}

/// 256 bits as 52 digits.
pub(crate) fn print(bits: &[u8; 32]) -> String {
    let mut bytes = [0; 33];
    bytes[..32].copy_from_slice(bits);
    digits(&bytes)
}

/// Five bits for each of 52 digits.
fn digits(bytes: &[u8; 33]) -> String {
    let digits: [u8; 52] = std::array::from_fn(|place| {
        let bit = place * 5;
        let pair = u16::from(bytes[bit / 8]) << 8 | u16::from(*bytes.get(bit / 8 + 1).unwrap_or(&0));
        DIGITS[usize::from(pair >> (11 - bit % 8) & 31)]
    });
    std::str::from_utf8(&digits).expect("the digits are ASCII").to_owned()
}

/// The digest of a token.
pub(crate) fn hash(token: &str) -> TokenHash {
    let found = digest(&SHA256, token.as_bytes());
    std::array::from_fn(|place| found.as_ref()[place])
}

/// A one-time code of six digits.
pub(crate) fn code(entropy: &dyn Entropy) -> Secret<String> {
    Secret::new(format!("{:06}", entropy.below(1_000_000)))
}

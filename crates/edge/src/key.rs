//! The Idempotency-Key header: a name the caller gives to one wish, so that a retry acts at most once.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName};
use vocabulary::ErrorCode;

/// The request header.
pub const HEADER: &str = "idempotency-key";
/// On an answer that was stored before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The longest key.
pub const LONGEST: usize = 255;

/// Reads the key of a request that must have one.
///
/// # Errors
/// `idempotency_key_missing`; `idempotency_key_invalid` when it is not 1 to 255 visible ASCII characters or stands twice.
pub fn read(headers: &HeaderMap) -> Result<String, Problem> {
    let mut all = headers.get_all(HEADER).iter();
    let Some(key) = all.next() else {
        return Err(Problem::new(ErrorCode::IdempotencyKeyMissing).at("Idempotency-Key"));
    };
    let bytes = key.as_bytes();
    let usable = (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic) && all.next().is_none();
    match std::str::from_utf8(bytes) {
        Ok(key) if usable => Ok(key.to_owned()),
        _ => Err(Problem::new(ErrorCode::IdempotencyKeyInvalid).at("Idempotency-Key")),
    }
}

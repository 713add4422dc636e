//! The session cookie of browsers.
//!
//! Its prefix `__Host-` makes browsers hold it to this host, to TLS and to every path (RFC 6265bis, section 4.1.3.2): no
//! neighbouring host can plant one. Scripts cannot read it, and no other site's page makes a browser send it. Its value is a
//! session's token as signing in drew it; a value that a client brings is only ever looked for, never adopted.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, header};
use vocabulary::{ErrorCode, Secret};

/// The cookie's name.
pub const NAME: &str = "__Host-session";
const BOUNDS: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The value of the session cookie, if there is one.
///
/// # Errors
/// `ambiguous_credentials` when there are several.
pub(crate) fn read(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim_ascii().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::new(ErrorCode::AmbiguousCredentials));
    }
    Ok(first)
}

/// The header that hands a browser its session for so many seconds. None for a text that cannot stand in a cookie.
#[must_use]
pub fn set(token: &Secret<String>, seconds: i64) -> Option<HeaderValue> {
    let mut value =
        HeaderValue::from_str(&format!("{NAME}={}; Max-Age={}; {BOUNDS}", token.expose(), seconds.max(0))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that makes a browser forget its session.
#[must_use]
pub fn clear() -> HeaderValue {
    const CLEAR: HeaderValue =
        HeaderValue::from_static("__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict");
    CLEAR
}

//! Headers that every response has.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The request's id, in every response.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Adds the headers; a handler's own policy for content and caching stays.
pub(crate) fn secure(headers: &mut HeaderMap, request: &str) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    if let Ok(request) = HeaderValue::from_str(request) {
        headers.insert(REQUEST_ID, request);
    }
}

//! Headers that every response has.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The request's id, in every response.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
/// Two years, with hosts below (RFC 6797, section 6.1).
const ONLY_ENCRYPTED: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Adds the headers; a handler's own policy for content and caching stays. Where connections are encrypted, browsers are told
/// to come by no other way.
pub(crate) fn secure(headers: &mut HeaderMap, request: &str, encrypted: bool) {
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_ENCRYPTED);
    }
    headers.insert(OPENER, SAME_ORIGIN);
    headers.insert(RESOURCE, SAME_ORIGIN);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    if let Ok(request) = HeaderValue::from_str(request) {
        headers.insert(REQUEST_ID, request);
    }
}

//! Answers: JSON, or a problem (RFC 9457) in the form that the bank's have, with the headers of caution.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use vocabulary::ErrorCode;

pub(super) type Answer = Response<Full<Bytes>>;

/// A "no" on its way out.
pub(super) struct Problem {
    pub(super) code: ErrorCode,
    pub(super) detail: String,
    pub(super) retry_after: Option<u32>,
}

impl Problem {
    pub(super) fn new(code: ErrorCode) -> Self {
        Self::because(code, code.action())
    }

    pub(super) fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        let retry_after = (code == ErrorCode::Unavailable).then_some(1);
        Self { code, detail: detail.into(), retry_after }
    }

    pub(super) fn answer(&self, request: &str) -> Answer {
        let Self { code, detail, retry_after } = self;
        let body = serde_json::json!({
            "type": format!("/docs/errors#{}", code.as_str()), "title": code.title(), "status": code.status().number(),
            "detail": detail, "code": code.as_str(), "request_id": request,
        });
        let status = StatusCode::from_u16(code.status().number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = of(status, "application/problem+json", body.to_string());
        if let Some(seconds) = retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Answer, Problem> {
    let text = serde_json::to_string(value).map_err(|_| Problem::new(ErrorCode::Internal))?;
    Ok(of(status, "application/json", text))
}

/// An answer without a body.
pub(super) fn empty() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

fn of(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// The headers that every answer has.
pub(super) fn secure(headers: &mut HeaderMap, request: &str) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(request) = HeaderValue::from_str(request) {
        headers.insert("x-request-id", request);
    }
}

/// Lets a page of a listed origin read the answer.
pub(super) fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

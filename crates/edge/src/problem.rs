//! Problems: the only form in which this bank says no over HTTP (RFC 9457).
//!
//! A handler returns a [`Problem`]; the listener completes it with the request's id and writes the body. There is no other
//! place that makes one. A problem never carries what a database or library said.

use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use bank::confirmations::ConfirmationView;
use bank::{Bank, BankError, LimitInfo, Refusal};
use money::print_minor;
use serde_json::{Value, json};
use std::borrow::Cow;
use vocabulary::ErrorCode;

/// The content type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (RFC 6901), or the name of a query parameter or header.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A "no" on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    limit: Option<LimitInfo>,
    digits: u8,
    retry_after: Option<u32>,
    replayed: bool,
    approval: Option<String>,
    confirmation: Option<ConfirmationView>,
}

impl Problem {
    /// A problem whose detail is what the caller should do.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self::because(code, code.action())
    }

    /// A problem with its own detail: a sentence that says what to do.
    #[must_use]
    pub fn because(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after = match code {
            ErrorCode::Overloaded | ErrorCode::Unavailable | ErrorCode::OutcomeUnknown | ErrorCode::ReadTooLong => {
                Some(1)
            }
            _ => None,
        };
        let (detail, errors) = (detail.into(), Vec::new());
        let (limit, digits, replayed, approval, confirmation) = (None, 2, false, None, None);
        let inner = Inner { code, detail, errors, limit, digits, retry_after, replayed, approval, confirmation };
        Self { inner: Box::new(inner) }
    }

    /// Points at a field of the body, a parameter or a header.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        let detail = self.inner.detail.clone().into_owned();
        self.inner.errors.push(FieldError { pointer: pointer.into(), detail });
        self
    }

    /// Says when the caller may try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.inner.retry_after = Some(seconds);
        self
    }

    /// Marks the problem as a stored answer.
    #[must_use]
    pub fn replayed(mut self, replayed: bool) -> Self {
        self.inner.replayed = replayed;
        self
    }

    /// The problem that a refused command is.
    #[must_use]
    pub fn refused(bank: &Bank, refusal: Refusal) -> Self {
        let mut problem = Self::because(refusal.code, refusal.detail);
        if let Some(limit) = refusal.limit {
            problem.inner.digits = bank.currencies().parse(&limit.currency).map_or(0, |unit| unit.digits());
            problem.inner.limit = Some(*limit);
        }
        if let Some(confirmation) = refusal.confirmation {
            problem.inner.digits = bank.currencies().parse(&confirmation.currency).map_or(0, |unit| unit.digits());
            problem.inner.confirmation = Some(*confirmation);
        }
        problem.inner.approval = refusal.approval.map(|id| id.to_string());
        match refusal.field {
            Some(field) => problem.at(format!("/{}", field.trim_start_matches('/').replace('.', "/"))),
            None => problem,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.inner.code
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.inner.code.status().number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body, with the request's id.
    #[must_use]
    pub fn body(&self, request: &str) -> Value {
        let Inner { code, detail, errors, limit, approval, confirmation, .. } = &*self.inner;
        let mut body = json!({
            "type": format!("/docs/errors#{}", code.as_str()),
            "title": code.title(),
            "status": self.status().as_u16(),
            "detail": detail,
            "code": code.as_str(),
            "request_id": request,
        });
        if !errors.is_empty() {
            let list = errors.iter().map(|error| json!({"pointer": error.pointer, "detail": error.detail}));
            body["errors"] = list.collect();
        }
        if let Some(approval) = approval {
            body["approval"] = json!(approval);
        }
        if let Some(confirmation) = confirmation {
            body["confirmation"] = self.confirmation(confirmation);
        }
        if let Some(limit) = limit {
            body["limit"] = self.limit(limit);
        }
        body
    }

    fn confirmation(&self, view: &ConfirmationView) -> Value {
        let amount = print_minor(i128::from(view.amount_minor), self.inner.digits);
        json!({
            "id": view.id.to_string(),
            "movement": view.movement,
            "payee": view.payee,
            "amount": {"amount": amount, "currency": view.currency},
            "reason": view.reason.name(),
            "expires_at": view.expires_at.to_string(),
        })
    }

    fn limit(&self, limit: &LimitInfo) -> Value {
        let amount = |minor: i64| json!({"amount": print_minor(i128::from(minor.max(0)), self.inner.digits), "currency": limit.currency});
        json!({
            "window": limit.window,
            "direction": limit.direction,
            "whose": limit.whose,
            "limit": amount(limit.limit_minor),
            "left": amount(limit.left_minor),
            "resets_at": limit.resets_at.map(|at| at.to_string()),
        })
    }

    /// Writes body and headers into a response that carries this problem.
    pub(crate) fn complete(&self, request: &str, response: &mut Response<axum::body::Body>) {
        let body = self.body(request).to_string();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.inner.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.inner.replayed {
            headers.insert(crate::key::REPLAYED, HeaderValue::from_static("true"));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        *response.body_mut() = body.into();
    }
}

impl From<BankError> for Problem {
    fn from(error: BankError) -> Self {
        let code = error.code();
        if code == ErrorCode::Internal {
            tracing::error!(error = crate::problem::chain(&error), "a request failed");
        }
        Self::new(code)
    }
}

/// An error and all it rests on, in one line: the only place that walks the chain.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

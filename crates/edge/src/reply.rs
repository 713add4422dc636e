//! Answers: JSON with a status, and what a wish came to.

use crate::key::REPLAYED;
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bank::{Answer, Bank, BankError};
use serde::Serialize;
use vocabulary::ErrorCode;

/// A JSON answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<T> {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: T,
    /// It was stored before.
    pub replayed: bool,
}

impl<T> Reply<T> {
    /// 200 with a body.
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body, replayed: false }
    }

    /// 201 with a body.
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, body, replayed: false }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let Ok(bytes) = serde_json::to_vec(&self.body) else {
            return Problem::new(ErrorCode::Internal).into_response();
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// What a handler returns.
pub type Handled<T> = Result<Reply<T>, Problem>;

/// The answer to a wish that makes something: 201, or the refusal.
///
/// # Errors
/// The refusal or the trouble, as a problem.
pub fn created<V, T>(bank: &Bank, answer: Result<Answer<V>, BankError>, show: impl FnOnce(V) -> T) -> Handled<T> {
    answered(bank, StatusCode::CREATED, answer, show)
}

/// The answer to a wish that changes something: 200, or the refusal.
///
/// # Errors
/// The refusal or the trouble, as a problem.
pub fn done<V, T>(bank: &Bank, answer: Result<Answer<V>, BankError>, show: impl FnOnce(V) -> T) -> Handled<T> {
    answered(bank, StatusCode::OK, answer, show)
}

fn answered<V, T>(
    bank: &Bank,
    status: StatusCode,
    answer: Result<Answer<V>, BankError>,
    show: impl FnOnce(V) -> T,
) -> Handled<T> {
    let Answer { result, replayed } = answer?;
    match result {
        Ok(view) => Ok(Reply { status, body: show(view), replayed }),
        Err(refusal) => Err(Problem::refused(bank, refusal).replayed(replayed)),
    }
}

/// What was looked for, or 404: someone else's object looks the same as none.
///
/// # Errors
/// `not_found`, or the trouble.
pub fn found<V>(view: Result<Option<V>, BankError>) -> Result<V, Problem> {
    view?.ok_or_else(|| Problem::new(ErrorCode::NotFound))
}

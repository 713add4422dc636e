//! Bodies: how a request's body is read, and the three forms in which handlers take it.
//!
//! [`Command`] is a POST that creates or moves something: key, fingerprint and body. [`Strict`] is a body alone.
//! Size and time are bounded before anything is parsed.

use crate::caller::Caller;
use crate::context::Context;
use crate::json;
use crate::key;
use crate::problem::Problem;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bank::Wish;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use vocabulary::ErrorCode;

/// A command with its idempotency key.
#[derive(Debug)]
pub struct Command<T> {
    /// The caller's key.
    pub key: String,
    /// A digest of method, path and body.
    pub fingerprint: [u8; 16],
    /// The body.
    pub body: T,
}

/// A body without a key.
#[derive(Debug)]
pub struct Strict<T>(pub T);

/// The body of a command that has nothing to say: absent, or an empty object.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The body of a command that has nothing to say, or an empty body.
#[derive(Debug)]
pub struct BareCommand {
    /// The caller's key.
    pub key: String,
    /// A digest of method and path.
    pub fingerprint: [u8; 16],
}

async fn collect(request: Request) -> Result<Bytes, Problem> {
    let context = Context::of(request.extensions())?.clone();
    let body = Limited::new(request.into_body(), context.body_bytes).collect();
    match tokio::time::timeout(context.body_time, body).await {
        Ok(Ok(collected)) => {
            let bytes = collected.to_bytes();
            if let (Caller::Staff(_), Some(origin)) = (&context.caller, context.bank.origin()) {
                origin.keep_body(&bytes);
            }
            Ok(bytes)
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::because(
            ErrorCode::BodyTooLarge,
            format!("The body is larger than {} bytes; send less.", context.body_bytes),
        )),
        Ok(Err(_)) => Err(Problem::because(ErrorCode::MalformedJson, "The body ended early; send it whole.")),
        Err(_) => Err(Problem::because(ErrorCode::MalformedJson, "The body took too long; send it at once.")),
    }
}

pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim_ascii);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.all(|part| part.is_empty() || part.replace('"', "").eq_ignore_ascii_case("charset=utf-8"));
    if json && utf8 { Ok(()) } else { Err(Problem::new(ErrorCode::UnsupportedMediaType)) }
}

/// What the fingerprint is taken of: another path or body under the same key is another wish.
fn content(request: &Request) -> Vec<u8> {
    let mut content = Vec::with_capacity(256);
    content.extend_from_slice(request.method().as_str().as_bytes());
    content.push(b' ');
    content.extend_from_slice(request.uri().path().as_bytes());
    content.push(b'\n');
    content
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_type(request.headers())?;
        Ok(Self(json::read(&collect(request).await?)?))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let key = key::read(request.headers())?;
        check_type(request.headers())?;
        let mut content = content(&request);
        let bytes = collect(request).await?;
        let body = json::read(&bytes)?;
        content.extend_from_slice(&bytes);
        Ok(Self { key, fingerprint: Wish::fingerprint_of(&content), body })
    }
}

impl<S: Send + Sync> FromRequest<S> for BareCommand {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let key = key::read(request.headers())?;
        let typed = check_type(request.headers());
        let content = content(&request);
        let bytes = collect(request).await?;
        if !bytes.is_empty() {
            typed?;
            json::read::<Nothing>(&bytes)?;
        }
        Ok(Self { key, fingerprint: Wish::fingerprint_of(&content) })
    }
}

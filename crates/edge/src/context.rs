//! What is known of a request before its handler runs: which bank, who asks, from where, under which id.

use crate::caller::Caller;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use bank::Bank;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use vocabulary::ErrorCode;

/// The context of one request; cheap to clone.
#[derive(Clone)]
pub struct Context(Arc<Known>);

/// What is known.
pub struct Known {
    /// The bank that is asked.
    pub bank: Bank,
    /// Who asks.
    pub caller: Caller,
    /// Who asks is known by a browser's cookie, and not by a token that a program sent.
    pub by_cookie: bool,
    /// A page of this very origin made the request, with the header that only its scripts can send.
    pub from_own_page: bool,
    /// The network address that asks.
    pub address: IpAddr,
    /// The request's id, printed.
    pub request: String,
    /// True once the server drains: long answers end then.
    pub draining: watch::Receiver<bool>,
    pub(crate) body_bytes: usize,
    pub(crate) body_time: Duration,
}

impl Context {
    pub(crate) fn new(known: Known) -> Self {
        Self(Arc::new(known))
    }

    pub(crate) fn of(extensions: &Extensions) -> Result<&Self, Problem> {
        // Only a router that is served without the listener lacks it: our mistake, never the caller's.
        extensions.get::<Self>().ok_or_else(|| Problem::new(ErrorCode::Internal))
    }
}

impl Deref for Context {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.extensions).cloned()
    }
}

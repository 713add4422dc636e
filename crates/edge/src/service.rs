//! One request, walked: tenant, id, rate, caller, router, problem, headers.
//!
//! Deny by default: a request for a closed path without a caller never reaches the router. What is open is a reviewed list
//! that the router's owner hands in.

use crate::caller::{self, Caller};
use crate::context::{Context, Known};
use crate::headers;
use crate::options::Options;
use crate::problem::Problem;
use crate::rate::{RateKey, RateLimiter};
use crate::tenants::Tenants;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, header};
use bank::audit::Origin;
use futures::FutureExt;
use metrics::{Counter, Histogram};
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::watch;
use tower::Service;
use vocabulary::{Clock, ErrorCode, Id, kinds};

/// Routes, and which of them need no caller.
pub struct Routes {
    /// The routes.
    pub router: Router,
    /// Says of a path whether it may be asked for without a caller.
    pub open: fn(path: &str) -> bool,
    /// Says of an open path whether it is there without a database: documents, and how the server is.
    pub still: fn(path: &str) -> bool,
}

/// Everything between the listener and the routes.
pub struct Edge {
    pub(crate) options: Options,
    tenants: Tenants,
    routes: Routes,
    /// The machine's clock: rates and durations are not the tenant's time.
    clock: Arc<dyn Clock>,
    callers: Option<RateLimiter>,
    addresses: Option<RateLimiter>,
    answered: [Counter; 5],
    seconds: Histogram,
}

impl Edge {
    /// Puts the parts together.
    #[must_use]
    pub fn new(options: Options, tenants: Tenants, routes: Routes, clock: Arc<dyn Clock>) -> Self {
        let answered = ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .map(|class| metrics::counter!("jiaozi_http_responses_total", "status" => class));
        Self {
            callers: options.caller_rate.map(RateLimiter::new),
            addresses: options.address_rate.map(RateLimiter::new),
            seconds: metrics::histogram!("jiaozi_http_request_seconds"),
            options,
            tenants,
            routes,
            clock,
            answered,
        }
    }

    /// Answers one request; it never fails and never panics.
    pub(crate) async fn answer(
        &self,
        mut router: Router,
        request: Request<Body>,
        address: IpAddr,
        draining: watch::Receiver<bool>,
    ) -> Response<Body> {
        let begun = self.clock.now();
        let host = request.uri().host().or_else(|| host_of(request.headers()));
        let bank = self.tenants.of(host).clone();
        let id = Id::<kinds::Request>::draw(begun, bank.entropy()).to_string();
        let mut response = match self.admit(&bank, (request.headers(), request.uri().path()), address).await {
            Err(problem) => axum::response::IntoResponse::into_response(problem),
            Ok((bank, caller)) => {
                let (body_bytes, body_time) = (self.options.body_bytes, self.options.body);
                let request_id = id.clone();
                let bank = bank.of(Arc::new(origin(&request, address, &id)));
                let known = Known { bank, caller, address, request: request_id, draining, body_bytes, body_time };
                let mut request = request;
                request.extensions_mut().insert(Context::new(known));
                route(&mut router, request).await
            }
        };
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            problem.complete(&id, &mut response);
        }
        headers::secure(response.headers_mut(), &id);
        self.count(&response, begun);
        response
    }

    /// The whole answer to a request that could not be read, by the status that it deserves: it names no bank, so it is the
    /// first bank's id that the request gets. Nothing for other statuses.
    pub(crate) fn unread(&self, status: u16) -> Option<Vec<u8>> {
        let code = match status {
            400 => ErrorCode::MalformedRequest,
            414 => ErrorCode::AddressTooLong,
            431 => ErrorCode::HeadTooLarge,
            _ => return None,
        };
        let begun = self.clock.now();
        let id = Id::<kinds::Request>::draw(begun, self.tenants.of(None).entropy()).to_string();
        let problem = Problem::new(code);
        let mut response = axum::response::IntoResponse::into_response(problem.clone());
        problem.complete(&id, &mut response);
        headers::secure(response.headers_mut(), &id);
        self.count(&response, begun);
        let body = problem.body(&id).to_string();
        let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
        for (name, value) in response.headers() {
            bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        let end = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        bytes.extend_from_slice(end.as_bytes());
        Some(bytes)
    }

    /// Rate limits, then the bank as it is now and the caller.
    async fn admit(
        &self,
        bank: &bank::Bank,
        (headers, path): (&HeaderMap, &str),
        address: IpAddr,
    ) -> Result<(bank::Bank, Caller), Problem> {
        let now = self.clock.now();
        let limited = |seconds| Problem::new(ErrorCode::RateLimited).retry_after(seconds);
        if let Some(limiter) = &self.addresses {
            limiter.take(RateKey::of(address), now).map_err(limited)?;
        }
        let open = (self.routes.open)(path);
        // Whoever asks how the server is does not wait for a database that is silent.
        if (self.routes.still)(path) {
            return Ok((bank.clone(), Caller::Nobody));
        }
        let bank = bank.fresh().await?;
        let caller = caller::identify(&bank, headers).await?;
        if let (Some(limiter), Some(key)) = (&self.callers, caller.rate_key()) {
            limiter.take(RateKey::Caller(key), now).map_err(limited)?;
        }
        if matches!(caller, Caller::Nobody) && !open {
            return Err(Problem::new(ErrorCode::Unauthenticated));
        }
        Ok((bank, caller))
    }

    pub(crate) fn router(&self) -> Router {
        self.routes.router.clone()
    }

    fn count(&self, response: &Response<Body>, begun: vocabulary::Timestamp) {
        let class = usize::from(response.status().as_u16() / 100).clamp(1, 5) - 1;
        self.answered[class].increment(1);
        let micros = (self.clock.now().micros() - begun.micros()).max(0);
        #[expect(clippy::cast_precision_loss, reason = "a duration for a metric")]
        self.seconds.record(micros as f64 / 1e6);
    }
}

/// Names the approval of an act of staff.
const APPROVAL: &str = "approval";
/// Says why an act of staff is done without one.
const BREAK_GLASS: &str = "break-glass";

/// What the audit log is told; the query is left out, since it may hold what somebody searched for.
fn origin(request: &Request<Body>, address: IpAddr, id: &str) -> Origin {
    let path = request.uri().path();
    let is_id = |part: &&str| part.split_once('_').is_some_and(|(_, digits)| digits.len() == 26);
    let subject = path.split('/').find(is_id).filter(|part| part.len() <= 40).map(str::to_owned);
    let mut origin = Origin::new(address, id.to_owned(), format!("{} {path}", request.method()), subject);
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    origin.approval = text(APPROVAL).and_then(|text| Id::parse(text).ok());
    origin.emergency = text(BREAK_GLASS).map(|text| text.chars().take(500).collect());
    origin
}

fn host_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

async fn route(router: &mut Router, request: Request<Body>) -> Response<Body> {
    let called = AssertUnwindSafe(async { Service::call(router, request).await }).catch_unwind().await;
    match called {
        Ok(Ok(response)) => response,
        Ok(Err(impossible)) => never(impossible),
        Err(_) => {
            tracing::error!("a handler panicked");
            axum::response::IntoResponse::into_response(Problem::new(ErrorCode::Internal))
        }
    }
}

fn never(impossible: Infallible) -> Response<Body> {
    match impossible {}
}

/// The answer for a path that is not ours.
pub async fn not_found() -> Problem {
    Problem::because(ErrorCode::NotFound, "There is nothing at this address; see /docs.")
}

/// The answer for a method that is not offered at a path.
pub async fn method_not_allowed() -> Problem {
    Problem::new(ErrorCode::MethodNotAllowed)
}

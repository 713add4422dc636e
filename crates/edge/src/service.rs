//! One request, walked: tenant, id, address, head, rates and shares, caller, router, problem, headers.
//!
//! Deny by default: a request for a closed path without a caller never reaches the router. What is open is a reviewed list
//! that the router's owner hands in.

use crate::caller::{self, Caller};
use crate::context::{Context, Known};
use crate::gate::Gate;
use crate::options::Options;
use crate::problem::Problem;
use crate::shares::Held;
use crate::tenants::Tenants;
use crate::{cookie, cross_site, head, headers};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, header};
use axum::response::IntoResponse;
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
    /// Says of a path whether who watches the server asks there: counted against no limit.
    pub probe: fn(path: &str) -> bool,
}

/// Everything between the listener and the routes.
pub struct Edge {
    pub(crate) options: Options,
    tenants: Tenants,
    routes: Routes,
    /// The machine's clock: rates and durations are not the tenant's time.
    clock: Arc<dyn Clock>,
    gate: Gate,
    encrypted: bool,
    answered: [Counter; 5],
    seconds: Histogram,
}

/// A request on its way in.
struct Asked {
    bank: bank::Bank,
    id: String,
    address: IpAddr,
    draining: watch::Receiver<bool>,
}

/// A request that was let in, and the places it holds until it is answered.
struct Admitted {
    bank: bank::Bank,
    caller: Caller,
    by_cookie: bool,
    places: (Option<Held>, Option<Held>),
}

impl Edge {
    /// Puts the parts together.
    #[must_use]
    pub fn new(options: Options, tenants: Tenants, routes: Routes, clock: Arc<dyn Clock>) -> Self {
        let answered = ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .map(|class| metrics::counter!("jiaozi_http_responses_total", "status" => class));
        let seconds = metrics::histogram!("jiaozi_http_request_seconds");
        let (gate, encrypted) = (Gate::new(&options), options.encrypted());
        Self { options, tenants, routes, clock, gate, encrypted, answered, seconds }
    }

    /// A place among the connections for an address; `Err` when it has its share. Our own proxies bring everybody's requests.
    pub(crate) fn share(&self, address: IpAddr) -> Result<Option<Held>, ()> {
        if self.options.proxies.are(address) { Ok(None) } else { self.gate.connection(address) }
    }

    /// Answers one request of a connection's address; it never fails and never panics.
    pub(crate) async fn answer(
        &self,
        router: Router,
        request: Request<Body>,
        peer: IpAddr,
        draining: watch::Receiver<bool>,
    ) -> Response<Body> {
        let begun = self.clock.now();
        let bank = self.tenants.of(head::host_of(request.headers())).clone();
        let id = Id::<kinds::Request>::draw(begun, bank.entropy()).to_string();
        let address = self.options.proxies.origin(peer, request.headers());
        let reader = self.options.origins.told(request.headers());
        let cookie = request.headers().contains_key(header::COOKIE);
        let asked = Asked { bank, id: id.clone(), address, draining };
        let answered = match self.options.origins.preflight(&request) {
            Some(answer) => head::check(&request).and(answer),
            None => self.handle(router, request, asked).await,
        };
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            problem.complete(&id, &mut response);
            if cookie && problem.code() == ErrorCode::Unauthenticated {
                // The browser could not drop it by itself: no script may touch it.
                response.headers_mut().insert(header::SET_COOKIE, cookie::clear());
            }
        }
        headers::secure(response.headers_mut(), &id, self.encrypted);
        self.options.origins.tell(reader, response.headers_mut());
        self.count(&response, begun);
        response
    }

    /// Lets a request in and routes it, or says why not.
    async fn handle(
        &self,
        mut router: Router,
        mut request: Request<Body>,
        asked: Asked,
    ) -> Result<Response<Body>, Problem> {
        head::check(&request)?;
        let Asked { bank, id, address, draining } = asked;
        let admitted = self.admit(&bank, (request.headers(), request.uri().path()), address).await?;
        let Admitted { bank, caller, by_cookie, places } = admitted;
        if by_cookie {
            cross_site::check(&request, self.encrypted)?;
        }
        let from_own_page = cross_site::from_own_page(request.headers(), self.encrypted);
        let bank = bank.of(Arc::new(origin(&request, address, &id)));
        let (body_bytes, body_time) = (self.options.body_bytes, self.options.body);
        let known =
            Known { bank, caller, by_cookie, from_own_page, address, request: id, draining, body_bytes, body_time };
        request.extensions_mut().insert(Context::new(known));
        let response = route(&mut router, request).await;
        drop(places);
        Ok(response)
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
        let mut response = IntoResponse::into_response(problem.clone());
        problem.complete(&id, &mut response);
        headers::secure(response.headers_mut(), &id, self.encrypted);
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

    /// Rate limits and shares, then the bank as it is now and the caller.
    async fn admit(
        &self,
        bank: &bank::Bank,
        (headers, path): (&HeaderMap, &str),
        address: IpAddr,
    ) -> Result<Admitted, Problem> {
        let now = self.clock.now();
        let probe = (self.routes.probe)(path);
        let by_address = if probe { None } else { self.gate.address(address, now)? };
        // Whoever asks how the server is does not wait for a database that is silent.
        if (self.routes.still)(path) {
            let caller = Caller::Nobody;
            return Ok(Admitted { bank: bank.clone(), caller, by_cookie: false, places: (by_address, None) });
        }
        let bank = bank.fresh().await?;
        let open = (self.routes.open)(path);
        let (caller, by_cookie) = caller::identify(&bank, headers, open).await?;
        let by_caller = self.gate.caller(&caller, now)?;
        if matches!(caller, Caller::Nobody) && !open {
            return Err(Problem::new(ErrorCode::Unauthenticated));
        }
        Ok(Admitted { bank, caller, by_cookie, places: (by_address, by_caller) })
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

/// Names the payer's confirmation of a movement.
const CONFIRMATION: &str = "confirmation";

/// What the audit log is told; the query is left out, since it may hold what somebody searched for.
fn origin(request: &Request<Body>, address: IpAddr, id: &str) -> Origin {
    let path = request.uri().path();
    let is_id = |part: &&str| part.split_once('_').is_some_and(|(_, digits)| digits.len() == 26);
    let subject = path.split('/').find(is_id).filter(|part| part.len() <= 40).map(str::to_owned);
    let mut origin = Origin::new(address, id.to_owned(), format!("{} {path}", request.method()), subject);
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    origin.approval = text(APPROVAL).and_then(|text| Id::parse(text).ok());
    origin.confirmation = text(CONFIRMATION).and_then(|text| Id::parse(text).ok());
    origin.emergency = text(BREAK_GLASS).map(|text| text.chars().take(500).collect());
    origin
}

async fn route(router: &mut Router, request: Request<Body>) -> Response<Body> {
    let called = AssertUnwindSafe(async { Service::call(router, request).await }).catch_unwind().await;
    match called {
        Ok(Ok(response)) => response,
        Ok(Err(impossible)) => never(impossible),
        Err(_) => {
            tracing::error!("a handler panicked");
            IntoResponse::into_response(Problem::new(ErrorCode::Internal))
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

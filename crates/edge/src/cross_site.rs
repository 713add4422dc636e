//! What other sites' pages may make a browser do here: nothing, unless their origin was named.
//!
//! Two things are kept apart. A request whose credential a browser adds by itself (the cookie) changes something only when it
//! provably comes from a page of this very origin and carries a header that no form can send. A request with a bearer token
//! was made by a program that has the token; whether a page of another origin may make it and read the answer is what CORS
//! decides (Fetch standard, section 3.2): closed by default, exact origins only, never with cookies.

use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use vocabulary::ErrorCode;

/// The header that a page sends along with what changes something.
pub const PROOF: HeaderName = HeaderName::from_static("x-csrf");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a change by cookie that does not come from our own page, as JSON.
pub(crate) fn check(request: &Request<Body>, encrypted: bool) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    let headers = request.headers();
    if !from_own_page(headers, encrypted) {
        return Err(Problem::new(ErrorCode::CrossSite));
    }
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if has_body { crate::body::check_type(headers) } else { Ok(()) }
}

/// Whether a request was made by a page of this origin, with the header that only its scripts can send.
pub(crate) fn from_own_page(headers: &HeaderMap, encrypted: bool) -> bool {
    let proven = headers.get(PROOF).is_some_and(|value| value == "1");
    let same = match headers.get(SITE) {
        Some(site) => site == "same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| is_own(origin, headers, encrypted)),
    };
    proven && same
}

/// Whether an origin is that of the host the request was sent to.
fn is_own(origin: &HeaderValue, headers: &HeaderMap, encrypted: bool) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if encrypted { "https" } else { "http" };
    let default = if encrypted { ":443" } else { ":80" };
    let Some((given, place)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return false };
    let bare = |text: &str| text.strip_suffix(default).unwrap_or(text).to_ascii_lowercase();
    !host.is_empty() && given == scheme && bare(place) == bare(host)
}

/// The origins whose pages may ask with a token and read the answer.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// These origins, each as a browser writes it: `https://shop.example`, without a path.
    ///
    /// # Errors
    /// The one that is no origin.
    pub fn new(texts: &[String]) -> Result<Self, String> {
        let good = |text: &String| {
            let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
            let is_one = place.is_some_and(|place| !place.is_empty() && place.bytes().all(plain));
            HeaderValue::from_str(text).ok().filter(|_| is_one).ok_or_else(|| text.clone())
        };
        texts.iter().map(good).collect::<Result<_, _>>().map(Self)
    }

    fn allows(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(header::ORIGIN).filter(|origin| self.0.contains(origin)).cloned()
    }

    /// The answer to a browser that asks before it sends; nothing when this is no such question.
    pub(crate) fn preflight(&self, request: &Request<Body>) -> Option<Result<Response<Body>, Problem>> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        if self.allows(headers).is_none() {
            return Some(Err(Problem::new(ErrorCode::CrossSite)));
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let told = response.headers_mut();
        told.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"));
        let may = HeaderValue::from_static("authorization, content-type, idempotency-key");
        told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, may);
        told.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Some(Ok(response))
    }

    /// What an answer says about who may read it: whose origin was named, when it was.
    pub(crate) fn told(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.allows(headers)
    }

    /// Writes that into an answer.
    pub(crate) fn tell(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let Some(origin) = origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let seen = HeaderValue::from_static("x-request-id, retry-after, idempotent-replayed");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, seen);
    }
}

//! Heads that two readers could read in two ways, and what no handler should meet.
//!
//! A proxy in front and this server must see the same request: the same host, one value where one is meant. So what is
//! ambiguous is refused rather than guessed (RFC 9112, sections 3.2 and 11.2).

use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Method, Request, Version, header};
use vocabulary::ErrorCode;

/// Headers that stand once or not at all. `Authorization` and `Idempotency-Key` are looked at where they are read.
const ONCE: &[HeaderName] =
    &[header::HOST, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ORIGIN, header::TRANSFER_ENCODING];
const LONGEST_HOST: usize = 255;
/// Names and values together, bytes. The reader below ends at twice as much, but only between two reads.
const LARGEST: usize = 32 * 1024;

/// Looks at a request before anything else does.
///
/// # Errors
/// `head_too_large`, `malformed_request`, `unsupported_media_type`, `method_not_allowed`.
pub(crate) fn check(request: &Request<Body>) -> Result<(), Problem> {
    let headers = request.headers();
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > LARGEST {
        return Err(Problem::new(ErrorCode::HeadTooLarge));
    }
    for name in ONCE {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(malformed(format!("The header {name} stands twice; send it once.")).at(name.as_str()));
        }
    }
    if request.method() == Method::CONNECT {
        return Err(Problem::new(ErrorCode::MethodNotAllowed));
    }
    check_host(request)?;
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let plain = "The body is compressed; send it as it is, without Content-Encoding.";
        return Err(Problem::because(ErrorCode::UnsupportedMediaType, plain).at("content-encoding"));
    }
    Ok(())
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::because(ErrorCode::MalformedRequest, detail)
}

/// One host, named in one way: an address with a host in it must name the same as the header.
fn check_host(request: &Request<Body>) -> Result<(), Problem> {
    let Some(host) = host_of(request.headers()) else {
        if request.version() < Version::HTTP_11 && request.uri().authority().is_none() {
            return Ok(());
        }
        return Err(malformed("The header Host is missing or no host; send it with every request.").at("host"));
    };
    match request.uri().authority() {
        Some(named) if !named.as_str().eq_ignore_ascii_case(host) => {
            Err(malformed("The address and the header Host name two hosts; name one.").at("host"))
        }
        _ => Ok(()),
    }
}

/// The header's host with its port, if it can be one.
pub(crate) fn host_of(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    ((1..=LONGEST_HOST).contains(&host.len()) && host.bytes().all(plain)).then_some(host)
}

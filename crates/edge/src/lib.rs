//! What every way in shares: listener, TLS, time-outs, tenant by host, caller, strict bodies, idempotency keys, problems,
//! rate limits, fair shares, and what other sites' pages may do.
//!
//! Deny by default: without a valid credential only the paths of a reviewed list are reached, and a handler that names no
//! caller in its signature can do nothing in anybody's name. This crate deliberately knows no route and no template.

mod blocking;
pub mod body;
pub mod caller;
pub mod context;
pub mod cookie;
mod cross_site;
mod gate;
mod head;
mod headers;
pub mod json;
pub mod key;
mod options;
pub mod params;
mod problem;
mod proxies;
mod rate;
pub mod reply;
mod server;
mod service;
mod shares;
mod stalled;
mod tenants;
mod tls;
mod unread;

pub use blocking::blocking;
pub use body::{BareCommand, Command, Strict};
pub use context::Context;
pub use cross_site::{Origins, PROOF};
pub use headers::REQUEST_ID;
pub use json::Object;
pub use options::{Options, Rate};
pub use params::{Params, PathId, PathIds, PathText};
pub use problem::{FieldError, MEDIA_TYPE, Problem};
pub use proxies::{ForwardedBy, Network, Proxies};
pub use rate::{RateKey, RateLimiter};
pub use server::serve;
pub use service::{Edge, Routes, method_not_allowed, not_found};
pub use shares::{Held, Shares};
pub use tenants::Tenants;
pub use tls::{Pair, PairError, Tls};

#[cfg(test)]
mod tests;

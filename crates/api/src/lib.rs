//! HTTP JSON: routes, their shapes, and the OpenAPI document.
//!
//! A handler is ten to twenty lines: who asks, what they ask, one call of a use case, the answer's shape. `router.rs` shows
//! every route on one screen; folders under `v1` mirror the bank's capabilities. This crate deliberately knows no SQL and
//! makes no business decision.

mod document;
mod dto;
mod router;
mod site;
mod v1;

pub use router::{Api, OPEN, is_open};
pub use site::Metrics;

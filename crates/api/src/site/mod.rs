//! What is not `/v1`: the start page, the documentation, health and metrics.

mod docs;
mod errors;
mod health;
mod outbox;
mod start;

pub use health::Metrics;

use axum::Router;
use axum::routing::get;
use serde_json::Value;

/// The routes, around the finished document.
pub(crate) fn router(document: &Value, metrics: Metrics) -> Router {
    Router::new()
        .route("/", get(start::page))
        .route("/site.css", get(start::style))
        .route("/docs/errors", get(errors::page))
        .route("/sandbox/outbox", get(outbox::page))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(move || health::metrics(metrics.clone())))
        .merge(docs::router(document))
}

/// Whether a path outside `/v1` belongs here; all of these are open.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(
        path,
        "/" | "/site.css" | "/healthz" | "/readyz" | "/metrics" | "/sandbox/outbox" | "/openapi.json" | "/docs"
    ) || path.starts_with("/docs/")
}

/// Whether who watches the server asks at this path.
pub(crate) fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

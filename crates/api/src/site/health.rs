//! Health: alive while the process answers, ready while the store answers; and metrics for Prometheus.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bank::BankError;
use edge::reply::{Handled, Reply};
use edge::{Context, Problem};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use std::time::Duration;
use vocabulary::ErrorCode;

/// What is shown at `/metrics`; nothing when no recorder was installed.
#[derive(Clone, Default)]
pub struct Metrics(pub Option<PrometheusHandle>);

/// `/healthz`
pub(super) async fn live() -> Reply<Value> {
    Reply::ok(json!({"status": "alive"}))
}

/// `/readyz`: not ready, and why, while the server is about to stop and while the store cannot do its work.
pub(super) async fn ready(context: Context) -> Handled<Value> {
    let not = |why: &'static str| Err(Problem::because(ErrorCode::Unavailable, why));
    if *context.draining.borrow() {
        return not("This server is about to stop; ask another one.");
    }
    match tokio::time::timeout(PATIENCE, async { context.bank.store().probe().await.map_err(BankError::from) }).await {
        Ok(Ok(last_event)) => Ok(Reply::ok(json!({"status": "ready", "last_event": last_event}))),
        Ok(Err(error)) if error.code() == ErrorCode::Overloaded => not("Too much work waits; ask again in a moment."),
        Ok(Err(_)) => not("The database cannot be used at the moment; this server goes on by itself when it is back."),
        Err(_) => not("The database does not answer at the moment; this server goes on by itself when it does."),
    }
}

/// Whoever asks for readiness is answered within this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// `/metrics`
pub(super) async fn metrics(metrics: Metrics) -> Response {
    let text = metrics.0.map(|handle| {
        handle.run_upkeep();
        handle.render()
    });
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text.unwrap_or_default()).into_response()
}

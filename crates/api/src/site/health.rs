//! Health: alive while the process answers, ready while the store answers; and metrics for Prometheus.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use edge::reply::{Handled, Reply};
use edge::{Context, Problem};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use vocabulary::ErrorCode;

/// What is shown at `/metrics`; nothing when no recorder was installed.
#[derive(Clone, Default)]
pub struct Metrics(pub Option<PrometheusHandle>);

/// `/healthz`
pub(super) async fn live() -> Reply<Value> {
    Reply::ok(json!({"status": "alive"}))
}

/// `/readyz`
pub(super) async fn ready(context: Context) -> Handled<Value> {
    let last = context.bank.store().read(|snapshot| snapshot.last_event()).await;
    match last {
        Ok(last_event) if !*context.draining.borrow() => {
            Ok(Reply::ok(json!({"status": "ready", "last_event": last_event})))
        }
        _ => Err(Problem::new(ErrorCode::Unavailable)),
    }
}

/// `/metrics`
pub(super) async fn metrics(metrics: Metrics) -> Response {
    let text = metrics.0.map(|handle| {
        handle.run_upkeep();
        handle.render()
    });
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text.unwrap_or_default()).into_response()
}

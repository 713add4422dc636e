//! The start page: what is running, with links. It stands in for the wallet's own pages until they exist.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use edge::Context;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// How the pages look.
const STYLE: &str = ":root{color-scheme:light dark}\
    body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    code{font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%}\
    td,th{text-align:start;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #8884}";

/// `/site.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// A page of plain HTML with its own policy for content.
pub(super) fn html(title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
        <link rel=\"stylesheet\" href=\"/site.css\">{body}</html>"
    );
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

/// `/`
pub(super) async fn page(context: Context) -> Response {
    let kind = if context.bank.is_sandbox() { "a sandbox: no real money" } else { "live" };
    let outbox = if context.bank.is_sandbox() {
        "<li><a href=\"/sandbox/outbox\">Outbox</a>: the codes and messages that people were sent"
    } else {
        ""
    };
    // As printed, a moment has microseconds, which nobody reads off a page.
    let now = context.bank.now().to_string();
    let minute = now.get(..16).unwrap_or(&now).replace('T', " ");
    let body = format!(
        "<h1>Jiaozi 交子</h1><p>A digital wallet that a bank runs itself. This bank is {kind}; its clock says {minute} UTC.</p><ul>\
        <li><a href=\"/docs\">API documentation</a> and <a href=\"/openapi.json\">OpenAPI document</a>\
        <li><a href=\"/docs/errors\">Error codes</a>{outbox}\
        <li><a href=\"/healthz\">Health</a>, <a href=\"/readyz\">readiness</a>, <a href=\"/metrics\">metrics</a></ul>"
    );
    html("Jiaozi", &body)
}

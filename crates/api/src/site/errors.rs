//! The error index as a page: every problem's `type` points into it.

use super::start::html;
use axum::response::Response;
use std::fmt::Write;
use vocabulary::ErrorCode;

/// `/docs/errors`
pub(super) async fn page() -> Response {
    let mut body = String::from(
        "<h1>Error codes</h1><p>Every refusal is a problem (RFC 9457) with a stable <code>code</code>. A refusal moves \
        nothing.</p><table><thead><tr><th>Code<th>Status<th>Meaning<th>What to do</thead><tbody>",
    );
    for code in ErrorCode::ALL {
        let (name, status) = (code.as_str(), code.status().number());
        let (title, action) = (escape(code.title()), escape(code.action()));
        // Writing to a string does not fail.
        let _ = write!(body, "<tr id=\"{name}\"><td><code>{name}</code><td>{status}<td>{title}<td>{action}");
    }
    body.push_str("</tbody></table>");
    html("Error codes", &body)
}

/// Text for HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

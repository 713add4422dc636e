//! The sandbox's outbox as a page: whoever tries the sandbox sees the codes that people were sent. A live bank has none.

use super::errors::escape;
use super::start::html;
use crate::v1::sandbox::only;
use axum::response::Response;
use bank::notices;
use edge::{Context, Problem};
use std::fmt::Write;

/// `/sandbox/outbox`
pub(super) async fn page(context: Context) -> Result<Response, Problem> {
    only(&context)?;
    let rows = notices::list(&context.bank, None, 50).await?;
    let mut body = String::from(
        "<h1>Outbox</h1><p>The last messages that this sandbox sent, newest first.</p><table><thead><tr><th>Time<th>To\
        <th>Text</thead><tbody>",
    );
    for row in rows {
        // Writing to a string does not fail.
        let _ = write!(body, "<tr><td>{}<td>{}<td>{}", row.created, escape(&row.to), escape(&row.text));
    }
    body.push_str("</tbody></table>");
    Ok(html("Outbox", &body))
}

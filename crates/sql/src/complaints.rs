//! What the server complains about, sorted by what it means for a unit.

use crate::error::SqlError;
use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Listens to a notice.
pub(crate) fn hear(notice: &DbError, unsure: &AtomicBool) {
    // That the wait for a standby was cancelled is told by a warning beside the answer "done", in the server's language and
    // under no code of its own. The commit then stands on one server alone and may be lost with it.
    if matches!(notice.parsed_severity(), Some(Severity::Warning)) {
        unsure.store(true, Ordering::SeqCst);
    }
    tracing::warn!(notice = notice.message(), "the database says");
}

/// How the driver's errors begin that are not about the exchange with the server.
const OUR_MISTAKES: [&str; 5] =
    ["error serializing parameter", "error deserializing column", "invalid column", "expected", "query returned"];

/// Sorts the server's errors by what they mean for a unit.
pub(crate) fn trouble(error: &tokio_postgres::Error) -> SqlError {
    let Some(found) = error.as_db_error() else {
        let text = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        // What is wrong before anything is sent, or with what came back whole, is our mistake. Of everything else, an answer that
        // nobody understands too, nobody knows what the server made of it.
        let ours = OUR_MISTAKES.iter().any(|beginning| text.starts_with(beginning));
        return if ours { SqlError::Other(text) } else { SqlError::Lost(text) };
    };
    let text = format!("{} ({})", found.message(), found.code().code());
    match &found.code().code()[..2] {
        _ if *found.code() == SqlState::QUERY_CANCELED => SqlError::TooLong,
        "08" | "57" => SqlError::Lost(text),
        "53" => SqlError::Full(text),
        "23" => SqlError::Constraint(text),
        "40" | "55" => SqlError::Busy,
        "58" => SqlError::Io(text),
        "XX" => SqlError::Corrupt("the server found damage"),
        _ => SqlError::Other(text),
    }
}

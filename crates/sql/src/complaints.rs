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

/// Sorts the server's errors by what they mean for a unit.
pub(crate) fn trouble(error: &tokio_postgres::Error) -> SqlError {
    let Some(found) = error.as_db_error() else {
        let broken = error.source().is_some_and(|source| source.is::<std::io::Error>());
        let text = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        return if error.is_closed() || broken { SqlError::Lost(text) } else { SqlError::Other(text) };
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

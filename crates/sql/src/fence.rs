//! Which server a node believes: one that takes writes, on no older timeline than any that this process has seen.
//!
//! After a fail-over there may be two servers that both take themselves for the primary: the new one, and the old one when it
//! comes back as it was. Quorum commit keeps the old one from acknowledging, because the standby it would need follows the
//! new one; where somebody has switched that off, nothing in the old server's own data tells that it is old. But PostgreSQL
//! counts a timeline up with every promotion. So each new connection asks for it, a server on an older timeline than one
//! seen before is refused, and connections to it that are still open count as lost: a reader would tell stale balances.
//!
//! What this does not see: a process that has only ever met the old server. There only quorum commit helps, and a
//! fail-over manager that stops the old server.

use crate::complaints::trouble;
use crate::error::SqlError;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

/// The highest timeline seen of each cluster, by its system identifier.
static HIGHEST: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);

/// Where a server stood when a connection to it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The cluster's identifier, which copies of it share.
    system: String,
    /// Which promotion its history comes from.
    timeline: u32,
}

const QUESTION: &str = "SELECT system_identifier, pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN NULL \
    ELSE pg_walfile_name(pg_current_wal_insert_lsn()) END FROM pg_control_system()";

/// Asks a server where it stands, and refuses a standby and an old primary. Nothing for a server that has no timelines.
pub(crate) async fn admit(client: &Client) -> Result<Option<Standing>, SqlError> {
    let answer = match client.simple_query(QUESTION).await {
        Ok(answer) => answer,
        Err(error) if error.code().is_some_and(has_no_timelines) => return Ok(None),
        Err(error) => return Err(trouble(&error)),
    };
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let Some(row) = row else { return Ok(None) };
    let (Some(system), Some(recovering)) = (row.get(0), row.get(1)) else { return Ok(None) };
    if recovering == "t" {
        return Err(SqlError::Lost("the server is a standby; it takes no writes until it is promoted".to_owned()));
    }
    // The name of a log file begins with its timeline, eight hexadecimal digits.
    let timeline = row.get(2).and_then(|name| name.get(..8)).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(timeline) = timeline else { return Ok(None) };
    check(Standing { system: system.to_owned(), timeline }).map(Some)
}

fn has_no_timelines(code: &SqlState) -> bool {
    [SqlState::UNDEFINED_FUNCTION, SqlState::INSUFFICIENT_PRIVILEGE, SqlState::FEATURE_NOT_SUPPORTED].contains(code)
}

fn check(standing: Standing) -> Result<Standing, SqlError> {
    let mut highest = HIGHEST.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = highest.entry(standing.system.clone()).or_insert(standing.timeline);
    if standing.timeline >= *seen || crate::has_defect("believe-any-server") {
        *seen = standing.timeline.max(*seen);
        return Ok(standing);
    }
    Err(SqlError::Behind(format!(
        "it is on timeline {}, and this node has seen timeline {seen}: an old primary has come back; stop it, and send \
        the node to the new one",
        standing.timeline
    )))
}

/// Whether another server has taken over since.
pub(crate) fn is_passed(standing: &Standing) -> bool {
    let highest = HIGHEST.lock().unwrap_or_else(PoisonError::into_inner);
    highest.get(&standing.system).is_some_and(|seen| *seen > standing.timeline)
        && !crate::has_defect("believe-any-server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_an_older_timeline_is_refused_and_its_connections_count_as_lost() {
        let at = |timeline| Standing { system: "a system of this test".to_owned(), timeline };
        let old = check(at(1)).expect("the first is believed");
        assert!(!is_passed(&old));
        let new = check(at(2)).expect("a promotion is believed");
        assert!(is_passed(&old) && !is_passed(&new));
        assert!(matches!(check(at(1)), Err(SqlError::Behind(_))));
        assert!(check(at(2)).is_ok(), "the new one still is");
        assert!(check(Standing { system: "another".to_owned(), timeline: 1 }).is_ok());
    }
}

//! The bank's jobs as staff see them.

use crate::dto::{Cursor, Listing, Moment, Page, page};
use bank::jobs;
use edge::Params;
use edge::caller::{AsStaff, Look};
use edge::reply::Handled;
use serde::Serialize;
use utoipa::ToSchema;

/// A job that waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"number": 4711, "kind": "top_up.instruct", "due_at": "2026-11-22T08:30:00Z", "attempts": 2,
    "last_error": "unavailable: something outside did not take it"}))]
pub struct Job {
    /// Its number, never given again.
    #[schema(minimum = 1)]
    pub number: u64,
    /// What is to be done.
    pub kind: String,
    /// When it is due.
    pub due_at: Moment,
    /// How often it was tried.
    #[schema(minimum = 0)]
    pub attempts: u32,
    /// Why it failed last; null when it did not.
    pub last_error: Option<String>,
}

/// List jobs
///
/// Those that wait, due or not, in the order in which they were written. What is done is no longer here.
#[utoipa::path(get, path = "/v1/staff/jobs", tag = "staff", params(Listing),
    responses((status = 200, description = "Oldest first.", body = Page<Job>)))]
pub async fn list(who: AsStaff<Look>, Params(listing): Params<Listing>) -> Handled<Page<Job>> {
    let (after, limit) = (listing.number()?, listing.rows()?);
    let rows = jobs::list(&who.bank, after, limit).await?;
    page(
        rows,
        limit,
        |row| Cursor::after_number(row.no),
        |row| Job {
            number: row.no,
            kind: row.kind,
            due_at: row.due.into(),
            attempts: row.attempts,
            last_error: row.error,
        },
    )
}

//! Pages of lists.

use super::Cursor;
use edge::reply::{Handled, Reply};
use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Give it as `cursor` to get the next page; null on the last one.
    #[schema(max_length = 64, example = json!(null))]
    pub next_cursor: Option<String>,
}

/// A page from rows that were asked for with `limit`: a full page may have a next one.
///
/// # Errors
/// Never; it is the form in which handlers answer.
pub fn page<V, T>(
    rows: Vec<V>,
    limit: u32,
    cursor: impl Fn(&V) -> Cursor,
    show: impl FnMut(V) -> T,
) -> Handled<Page<T>> {
    let full = usize::try_from(limit).is_ok_and(|limit| rows.len() >= limit);
    let next_cursor = rows.last().filter(|_| full).map(|last| cursor(last).print());
    Ok(Reply::ok(Page { data: rows.into_iter().map(show).collect(), next_cursor }))
}

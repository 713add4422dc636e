//! Use cases that block, off the threads that answer requests.

use crate::problem::Problem;
use bank::{Bank, BankError};
use vocabulary::ErrorCode;

/// Runs a use case that may block on a thread for such work.
///
/// # Errors
/// Its trouble, as a problem.
pub async fn blocking<T, F>(bank: &Bank, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Bank) -> Result<T, BankError> + Send + 'static,
{
    let bank = bank.clone();
    match tokio::task::spawn_blocking(move || work(&bank)).await {
        Ok(done) => Ok(done?),
        Err(error) => {
            tracing::error!(%error, "a use case died");
            Err(Problem::new(ErrorCode::Internal))
        }
    }
}

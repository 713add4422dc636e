//! The books as accountants see them: day close, trial balance, general-ledger export, safeguarding.
//!
//! A day closes once, after its cut-off. Closing has three steps, so that nothing large happens inside a unit: a unit seals the
//! day (no later entry books to it); the journal is read in pages from where the last close ended; a unit stores the trial
//! balance by general-ledger code and currency. Reading only what came since the last close keeps it incremental.
//!
//! Races closed here: a unit that began before the cut-off is ahead of the sealing unit in the one queue, so when the seal is
//! committed every line of the day is; an entry that comes after it books to the open day. A crash between the steps
//! leaves a sealed day that the next run closes the same way; the last unit stores once.
//!
//! Invariant: in every stored trial balance, each currency's closing balances add up to zero, as do its movements.

mod close;
mod export;
pub(crate) mod records;
mod safeguarding;
mod tally;
#[cfg(test)]
mod tests;
mod trial_balance;

pub use close::{ClosedDay, JOB_CLOSE, begin, close_day, close_due, run_close};
pub use export::{ExportFormat, export};
pub use records::MIGRATIONS;
pub(crate) use records::{by_day as closed, last as last_closed};
pub use safeguarding::{Safeguarding, safeguarding};
pub use trial_balance::{TrialBalance, TrialRow, of_closed_day, trial_balance};

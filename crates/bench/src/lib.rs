//! Figures with percentiles, machine and settings: bulk posting (`ledger`), payments in process, payments over HTTP.
//!
//! Every check of the product is on. Clocks are the machine's: a benchmark measures time, so it may read it.

mod ledger_bulk;
mod machine;
mod report;

pub use ledger_bulk::{BulkOptions, bulk};
pub use machine::{Calibration, calibrate};
pub use report::Report;

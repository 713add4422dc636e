//! Figures with percentiles, machine and settings: bulk posting (`ledger`), payments in process, payments over HTTP.
//!
//! Every check of the product is on. Clocks are the machine's: a benchmark measures time, so it may read it.

mod client;
mod ledger_bulk;
mod load;
mod machine;
mod payments;
mod population;
mod report;

pub use client::{Client, Reply};
pub use ledger_bulk::{BulkOptions, bulk};
pub use load::{Load, Pace, Shot, Target, run};
pub use machine::{Calibration, calibrate, resident_of};
pub use payments::{PaymentOptions, payments, preload};
pub use population::{Population, PopulationOptions, Session, populate, sessions};
pub use report::{Report, histogram, milliseconds};

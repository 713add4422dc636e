//! The ledger's tests: decisions as small scripts, properties against a naive model, and the case tables.

/// The runner of case tables is the executable's; here it runs on books in memory.
#[allow(missing_docs, dead_code, reason = "the runner is shared with the executable")]
#[path = "../../../jiaozi/src/case_tables/mod.rs"]
mod ledger_cases;

mod audit;
mod cases;
mod decisions;
mod legs;
mod limit_decisions;
mod memory;
mod model;
mod properties;
mod refusals;
mod script;
mod two_phase_cases;

//! The ledger's tests: decisions as small scripts, properties against a naive model, and the case tables.

#[allow(missing_docs, dead_code)]
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

//! The business of a wallet bank: customers, wallets, merchants, movements of money, and the rules they obey.
//!
//! One [`Bank`] is one tenant: its own store, keys, clock, policies. A use case is a function of its capability's module; it
//! decides inside one unit of work of the store ([`Bank::once`]), so that journal, business rows, events, jobs and the
//! answer to its idempotency key commit together.
//!
//! Invariants: a refusal moves no money; personal data stands only in sealed columns; every number that a bank may want to
//! change is a policy row. The crate deliberately knows nothing of HTTP, pages, or of how the outside is reached.

pub mod accounting;
pub mod aliases;
pub mod approvals;
pub mod audit;
mod bank;
pub mod bank_accounts;
mod cache;
pub mod cards;
pub mod cases;
mod charges;
pub mod chart;
pub mod codes;
pub mod confirmations;
mod currencies;
pub mod customers;
mod desk;
pub mod devices;
pub mod entries;
mod error;
pub mod factors;
pub mod fees;
pub mod forecast;
mod instructions;
pub mod jobs;
mod known;
pub mod merchants;
mod migrations;
pub mod notices;
pub mod orders;
pub mod passwords;
pub mod payments;
pub mod payouts;
pub mod policies;
pub mod quotes;
pub mod rail_feed;
pub mod references;
mod refusal;
pub mod registrations;
pub mod sandbox_bank;
pub mod sealed;
pub mod self_audit;
pub mod sessions;
pub mod settlement;
pub mod staff;
pub mod statements;
pub mod suspense;
mod sweep;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tokens;
pub mod topups;
pub mod transfers;
pub mod wallets;
pub mod webhooks;
mod wish;

pub use bank::{Bank, BankOpenError, BankOptions};
pub use cache::Cache;
pub use chart::{Chart, Own};
pub use currencies::Currencies;
pub use desk::Desk;
pub use error::BankError;
pub use migrations::migrations;
pub use policies::Policies;
pub use refusal::{LimitInfo, Refusal};
pub use wish::{Answer, Principal, Wish};

#[cfg(test)]
mod tests;

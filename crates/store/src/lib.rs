//! The store of one tenant: ledger tables and posting, idempotency records, outbox, jobs, clock.
//!
//! Everything in one closure of [`Store::write`] commits or nothing does: journal lines, business rows, idempotency record,
//! events, jobs. Rules are the crate `ledger`'s; this crate keeps the books they work on. It deliberately knows nothing of
//! HTTP and of what a payment is.
//!
//! Invariants: balances change only through journal lines, which carry the balances after them; nobody reads a balance from
//! `account`; event numbers follow commit order without gaps; an answer to a key is recorded in the unit it answers for.

mod accounts;
mod by_hand;
mod calendar;
mod error;
mod grounds;
mod groups;
mod head;
mod heard;
mod holds;
mod jobs;
mod journal;
mod keys;
mod leases;
pub mod moving;
mod outbox;
mod published;
mod recovery;
mod rolling;
mod rolling_index;
mod schema;
mod slices;
mod snapshot;
mod state;
mod store;
mod tenant;
mod uow;

pub use accounts::{AccountId, AccountRow, NewAccount};
pub use calendar::TenantClock;
pub use error::StoreError;
pub use grounds::Ground;
pub use heard::{Heard, Listener, News, TRUST};
pub use jobs::{Claim, Job};
pub use journal::{Header, JournalLine};
pub use keys::{Fingerprint, KeyDigest, Remembered};
pub use outbox::{Event, NewEvent};
pub use schema::MIGRATIONS;
pub use snapshot::Snapshot;
pub use sql::{BackupError, Database, Limits, Migration, ReadLimits, Step};
pub use store::{BULK_MOST, BulkResults, OpenError, Options, Store, TooMany};
pub use tenant::{Tenant, TenantSettings, holds_bank};
pub use uow::{Outcome, Uow};

#[cfg(test)]
mod tests;

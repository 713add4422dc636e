//! Units of work on the embedded database (SQLite), one choke point for SQL.
//!
//! One writer thread owns the only writing connection and commits many units at once (group commit, see [`Writer`]);
//! readers have read-only connections and see one snapshot each. The crate has no tables of its own and knows nothing of
//! money: what must be flushed with a group, and undone with a unit, is behind [`GroupState`].
//!
//! Invariants: no answer leaves before the COMMIT that carries its unit; a unit that did not say "done" or "refused" leaves
//! nothing behind; an I/O error on commit ends the process, never in an answer.

mod backup;
mod backup_seal;
mod by_hand;
mod checkpoint;
mod complaints;
mod connection;
mod error;
mod fence;
mod follow;
mod line;
mod lock;
mod log_damage;
mod migrate;
mod password;
mod postgres;
mod queue;
mod readers;
mod reading;
mod server;
mod server_clock;
mod tables;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod unit;
mod unit_error;
mod value;
mod vetting;
mod writer;

pub use backup::{BackupError, check_file, check_sums, copy_to};
pub use backup_seal::unseal;
pub use by_hand::Step;
pub use connection::{Connection, Database, Prepared};
pub use error::SqlError;
pub use follow::{CopyState, RebuildError, Rebuilt, Wish, WishError, copy_state, copy_wish, rebuild};
pub use lock::{DirectoryLock, LockError};
pub use log_damage::check_log;
pub use migrate::{Migration, MigrationError, Steps, migrate, schema_version, steps};
pub use password::Passwords;
pub use readers::{Deadline, ReadLimits, Readers};
pub use reading::Reading;
pub use server::Server;
pub use tables::{Digest, Table};
pub use unit::Unit;
pub use unit_error::UnitError;
pub use value::{Param, Row};
pub use vetting::MOST_SKEW;
pub use writer::{GroupState, Lane, Limits, Verdict, Writer};

/// Database files are called this within a data directory.
pub const FILE_NAME: &str = "bank.db";

/// Whether the executable is to misbehave in this way, so that a fault harness can show that it notices: only in a build with
/// the feature `seeded-defects`, and when `JIAOZI_DEFECT` says so.
#[must_use]
pub fn has_defect(name: &str) -> bool {
    cfg!(feature = "seeded-defects") && std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == name)
}

#[cfg(test)]
mod tests;

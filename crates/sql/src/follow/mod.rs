//! The continuous copy: a bank that runs is copied to another directory, at most a second behind.
//!
//! ```text
//! commit → log (bank.db-wal) ──tap──> pages changed since the last record ──ship──> DEST/chain-…/log-…   (records)
//!          bank.db ────────────────────────────────────────────────────────base──> DEST/chain-…/base-…  (now and then)
//! ```
//!
//! It lives in the process that serves the bank: only that process starts the log anew, so only there can it be known that no
//! frame was missed. A command writes a wish ([`Wish`]) into the data directory and a marker into the destination; the thread of
//! [`ship`] finds them, at once or at the next start.
//!
//! **No lost frame.** The [`tap`] always holds a read snapshot whose frames it has read. While such a snapshot stands in the
//! log, SQLite neither moves later frames into the file nor starts the log anew; while it stands on a log that was moved
//! wholly, the log can be started anew only if nothing was added since, which means that everything was read. The writer's own
//! way of starting it anew goes through the tap ([`tap::Tap::before_restart`]), between two groups, where the log has an end.
//!
//! **A copy is a base and records.** A record holds the last content of every page that was committed since the record before,
//! so it is one moment of the bank. A base is the database file, read while it changes. That is enough: what the file gets
//! while it is read, or has got from the log that was current when reading began, is in records too, from the first record of
//! that log on; and a restore applies those, at least until the record that was cut after the last page had been read. So no
//! snapshot is held for a base, and no log grows because of it.
//!
//! **What the destination is told.** Records are appended and flushed, and then a small file, the head of the chain, is replaced
//! (written, flushed, renamed, directory flushed) and says how far the chain goes. Everything up to the head must be there and
//! whole, or a restore refuses; what stands behind it never counts. Every record carries the sum of the one before.
//!
//! **When something ends.** After a kill of the process the log is still there; if it is the log of the head, the chain goes on
//! with all of that log's pages, many of them for the second time, which changes nothing. If it is another log, or the
//! destination was away for so long that the log had to start anew without it ([`tap::LONGEST_LOG`]), a new chain begins with a new
//! base; the old chain stays restorable up to its end. The bank never waits for the destination.

mod base;
mod chain;
mod rebuild;
mod record;
mod ship;
pub(crate) mod tap;
mod wish;

pub(crate) use base::page_sum;
pub use chain::{CopyState, copy_state};
pub use rebuild::{RebuildError, Rebuilt, rebuild};
pub(crate) use ship::Shipper;
pub use wish::{Wish, WishError, copy_wish};

/// The page size that the writer asks for; a file with another is not followed.
pub(crate) const PAGE: usize = 4_096;

/// The machine's time, microseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a moment of the copy is the machine's time, not the bank's, which may be moved"
)]
pub(crate) fn wall_clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

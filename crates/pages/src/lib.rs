//! Sums in the pages of an embedded database.
//!
//! SQLite believes whatever its file says. Here a thin layer (a "VFS", <https://sqlite.org/vfs.html>) stands between SQLite and
//! the operating system: the last eight bytes of each page of the database file are reserved, get the page's sum when the page is
//! written to the file, and are compared when it is read. A page that is not as it was written, or stands in another place, is an error for whoever
//! needs it, and never a row. Everything else (the log, whose frames have sums of their own, locks, shared memory) goes to the
//! operating system's layer as it comes.
//!
//! A new file always has sums. A file that was made without them has no room for them and is served as it is; a copy by
//! `VACUUM INTO` of it has them.
//!
//! **Power cuts.** A torn page is not damage, and nobody reads one. Pages are written to the file from the log only, whole,
//! after the log was flushed; the log starts anew only after the file was flushed. So a page that a cut has torn is still in the log, and
//! who reads takes it from there. While it runs, nobody reads a page from the file that is just being written: it is written
//! from a frame that every reader's snapshot includes, and includes readers that do not look into the log, since those
//! keep all moving away (<https://sqlite.org/wal.html>). Before a new file has its log it has a rollback journal, which writes whole pages too.
//!
//! **What is not noticed**: a page that is wholly as it was written some time before, as when a disk loses a write that it has
//! acknowledged; damage that happens in memory before the sum is made; and, once in 2⁶⁴, damage wider than eight bytes.
//!
//! It does not know what the pages hold. It is the only crate with unsafe code: SQLite calls it through C.

mod page;
mod sum;
mod vfs;

pub use page::{PAGE, is_sound, keeps_sums, put_sum};
pub use sum::sum;
pub use vfs::{has_sums, open, take_damaged};

#[cfg(test)]
mod tests;

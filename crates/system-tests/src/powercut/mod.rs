//! The power cut: what is left when the disk keeps what was flushed and anything of the rest.
//!
//! A loaded store runs under a shim that writes down, in order, every write and flush of its files, with marks for what
//! clients sent and what they were told (`loader`, `trace`). For a moment in that trace the harness builds a disk: all that
//! was flushed, and of the rest any part, torn at sectors, in any order (`disk`). The store is opened on it, the
//! independent checker reads it, and everything that had been acknowledged must be there exactly once (`verdict`).
//!
//! A flush of a file is taken to make its name durable too, as the file systems in use do.

pub mod disk;
pub mod history;
pub mod loader;
pub mod session;
pub mod trace;
pub mod verdict;

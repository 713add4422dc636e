//! One process to a data directory: an advisory lock on a file of its own, held for life.
//!
//! The lock file is not the database file: opening and closing the database by other means in this process would drop
//! the POSIX locks that SQLite holds on it.

use rustix::fs::{FlockOperation, Mode, OFlags};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The lock on a data directory; released when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock(#[expect(dead_code, reason = "held for its lock")] OwnedFd);

/// Why a data directory could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it open.
    InUse,
    /// The directory or its lock file cannot be used.
    Io(std::io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => {
                f.write_str("another process has this data directory open; stop it or use another directory")
            }
            Self::Io(error) => write!(f, "the data directory cannot be used: {error}"),
        }
    }
}

impl std::error::Error for LockError {}

impl DirectoryLock {
    /// Creates the directory when missing (mode 0700) and locks it.
    ///
    /// # Errors
    /// `InUse` when another process holds the lock.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let io = |error: rustix::io::Errno| LockError::Io(error.into());
        let new = !directory.exists();
        std::fs::create_dir_all(directory).map_err(LockError::Io)?;
        if new {
            // The files' names are synced with them; the directory's own name would go with the power.
            let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(LockError::Io)?;
        }
        rustix::fs::chmod(directory, Mode::RWXU).map_err(io)?;
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = rustix::fs::open(directory.join("lock"), flags, Mode::RUSR | Mode::WUSR).map_err(io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::InUse),
            Err(error) => Err(io(error)),
        }
    }
}

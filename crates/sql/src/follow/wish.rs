//! The wish that a bank be copied: a file in its data directory, and the marker in the destination with the same number.
//!
//! The marker tells a destination from an empty mount point, and one bank's copy from another's: without it nothing is written.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The wish's file in the data directory.
const WISH: &str = "follow";
/// The marker's file in the destination.
const MARKER: &str = "jiaozi-copy";

/// Where to copy a bank to, and how long moments are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The destination: an absolute path.
    pub to: PathBuf,
    /// The same in both files.
    pub id: String,
    /// Moments as old as this can be restored.
    pub keep: Duration,
    /// So often a new base is copied.
    pub base_every: Duration,
}

/// Why a wish cannot be written.
#[derive(Debug)]
pub enum WishError {
    /// The destination holds something that is no copy of this bank.
    Taken,
    /// The path does not end up as one line of text.
    Path,
    /// A file cannot be read or written.
    Io(io::Error),
}

impl fmt::Display for WishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("it holds other files, or the copy of another bank; name an empty directory"),
            Self::Path => f.write_str("its path must be text on one line"),
            Self::Io(error) => write!(f, "it cannot be used: {error}"),
        }
    }
}

impl std::error::Error for WishError {}

impl From<io::Error> for WishError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Wish {
    /// Reads the wish of a data directory; none when there is no such file.
    ///
    /// # Errors
    /// When the file is there and cannot be used.
    pub fn read(directory: &Path) -> io::Result<Option<Self>> {
        let text = match std::fs::read_to_string(directory.join(WISH)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let seconds = |name| of(name).and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let parts = (of("to "), of("id "), seconds("keep "), seconds("base "));
        let (Some(to), Some(id), Some(keep), Some(base_every)) = parts else {
            return Err(io::Error::other(format!("{WISH} in {} cannot be understood", directory.display())));
        };
        Ok(Some(Self { to: PathBuf::from(to), id: id.to_owned(), keep, base_every }))
    }

    /// Whether the destination is there and is this wish's.
    pub(crate) fn is_marked(&self) -> bool {
        std::fs::read_to_string(self.to.join(MARKER)).is_ok_and(|text| text.trim_end() == self.id)
    }
}

/// Writes a wish: the marker first, then the wish, so that nothing is asked for that cannot be found. The destination is made
/// when it is missing. A wish that is there already for the same destination keeps its number.
///
/// # Errors
/// See [`WishError`].
pub fn copy_wish(directory: &Path, wish: &Wish) -> Result<Wish, WishError> {
    let known = Wish::read(directory)?.filter(|known| known.to == wish.to);
    let wish = Wish { id: known.map_or_else(|| wish.id.clone(), |known| known.id), ..wish.clone() };
    let to = wish.to.to_str().filter(|to| !to.contains('\n')).ok_or(WishError::Path)?;
    std::fs::create_dir_all(&wish.to)?;
    if !wish.is_marked() {
        if std::fs::read_dir(&wish.to)?.next().is_some() {
            return Err(WishError::Taken);
        }
        put(&wish.to, MARKER, &format!("{}\n", wish.id))?;
    }
    let (keep, base) = (wish.keep.as_secs(), wish.base_every.as_secs());
    put(directory, WISH, &format!("to {to}\nid {}\nkeep {keep}\nbase {base}\n", wish.id))?;
    Ok(wish)
}

impl Wish {
    /// Takes the wish of a data directory back; what was copied stays. False when there was none.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn take_back(directory: &Path) -> io::Result<bool> {
        match std::fs::remove_file(directory.join(WISH)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            removed => removed.and_then(|()| File::open(directory)?.sync_all()).map(|()| true),
        }
    }
}

/// Replaces a file: written and flushed under another name, renamed, the directory flushed.
pub(crate) fn put(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let unfinished = directory.join(format!("{name}.unfinished"));
    let mut file = File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, directory.join(name))?;
    File::open(directory)?.sync_all()
}

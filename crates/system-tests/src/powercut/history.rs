//! What clients sent and what they were told, in the order of the trace.
//!
//! The loader appends a line to one file before each wish and after each answer; the shim records these writes among those
//! of the database, so that "acknowledged before the cut" is a place in the trace, not a guess about time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// The file's name within the data directory.
pub const FILE: &str = "history";

/// What is known of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Sent; no answer came.
    Sent,
    /// The answer was: done.
    Done,
    /// The answer was: refused.
    Refused,
}

/// Writes the history. Each mark is one write.
pub struct Marks(File);

impl Marks {
    /// Opens the history of a data directory.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(directory: &Path) -> io::Result<Self> {
        File::options().append(true).create(true).open(directory.join(FILE)).map(Self)
    }

    /// Notes what is now known of a wish.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&self, wish: u128, known: Known) -> io::Result<()> {
        let letter = match known {
            Known::Sent => 's',
            Known::Done => 'd',
            Known::Refused => 'r',
        };
        (&self.0).write_all(format!("{letter} {wish:032x}\n").as_bytes())
    }
}

/// What was known at some moment.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By the wish's id, which is also its entry's and its key's.
    pub wishes: HashMap<u128, Known>,
}

impl History {
    /// Adds what one write of [`Marks`] said.
    ///
    /// # Errors
    /// When it is no such write.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        for line in String::from_utf8_lossy(bytes).lines() {
            let wrong = || io::Error::other(format!("no mark: {line}"));
            let (letter, id) = line.split_once(' ').ok_or_else(wrong)?;
            let known = match letter {
                "s" => Known::Sent,
                "d" => Known::Done,
                "r" => Known::Refused,
                _ => return Err(wrong()),
            };
            self.wishes.insert(u128::from_str_radix(id, 16).map_err(|_| wrong())?, known);
        }
        Ok(())
    }

    /// How many wishes were answered.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.wishes.values().filter(|known| **known != Known::Sent).count()
    }
}

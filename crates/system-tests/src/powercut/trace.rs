//! Reading the shim's trace (`shim/powercut.c` says what a record is).

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;

/// A file within the directory, by its place in [`Trace::names`].
pub type File = usize;

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes (a part of [`Trace::bytes`]) were written at an offset.
    Write {
        /// To this file.
        file: File,
        /// From here on.
        at: u64,
        /// The bytes.
        data: Range<usize>,
    },
    /// The file was cut or extended to a length.
    Truncate {
        /// This file.
        file: File,
        /// Its new length.
        length: u64,
    },
    /// A flush was asked for.
    SyncBegun {
        /// Of this file.
        file: File,
        /// The flush's number.
        number: u64,
    },
    /// A flush was done.
    SyncEnded {
        /// Of this file.
        file: File,
        /// The flush's number.
        number: u64,
    },
    /// The file's name was removed.
    Unlink {
        /// This file.
        file: File,
    },
}

/// A whole trace.
pub struct Trace {
    /// The names of files within the directory; the empty name is the directory.
    pub names: Vec<String>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The raw trace, which holds the data of writes.
    pub bytes: Vec<u8>,
}

const HEAD: usize = 24;

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

impl Trace {
    /// Reads a trace file. A last record that is not whole is left out: the program was killed while writing it.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(file: &Path) -> io::Result<Self> {
        let bytes = std::fs::read(file)?;
        let (mut names, mut places) = (Vec::new(), HashMap::new());
        let (mut events, mut at) = (Vec::new(), 0);
        while bytes.len() - at >= HEAD {
            let head = &bytes[at..at + HEAD];
            let length = |from: usize, to: usize| usize::try_from(number(&head[from..to])).unwrap_or(usize::MAX);
            let (name_length, data_length) = (length(4, 8), length(16, 24));
            let rest = bytes.len() - at - HEAD;
            if name_length.saturating_add(data_length) > rest {
                break;
            }
            let name = String::from_utf8_lossy(&bytes[at + HEAD..at + HEAD + name_length]).into_owned();
            let file = *places.entry(name).or_insert_with_key(|name| {
                names.push(name.clone());
                names.len() - 1
            });
            let data = at + HEAD + name_length..at + HEAD + name_length + data_length;
            let value = number(&head[8..16]);
            at = data.end;
            events.push(match head[0] {
                1 => Event::Write { file, at: value, data },
                2 => Event::Truncate { file, length: value },
                3 => Event::SyncBegun { file, number: value },
                4 => Event::SyncEnded { file, number: value },
                5 => Event::Unlink { file },
                _ => return Err(io::Error::other("this is no trace of the power-cut shim")),
            });
        }
        Ok(Self { names, events, bytes })
    }
}

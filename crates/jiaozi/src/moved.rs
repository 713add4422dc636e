//! The word in a data directory that its bank has moved to a server: whoever opens the directory to serve it is refused.
//!
//! The file is written before the move's last step and stays. Nothing but a person removes it after that: only a person knows
//! that nobody serves the bank at the other place.

use crate::failure::Failure;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file in a data directory.
const FILE: &str = "moved";

fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Refuses a directory whose bank has moved.
pub fn refuse(directory: &Path) -> Result<(), Failure> {
    let file = file(directory);
    let Ok(place) = std::fs::read_to_string(&file) else {
        // A file that is there and cannot be read says no as well.
        return if file.exists() { Err(told(directory, "another place")) } else { Ok(()) };
    };
    Err(told(directory, place.trim()))
}

fn told(directory: &Path, place: &str) -> Failure {
    Failure::new(format!(
        "the bank in {} has moved to {place}: serve it there with --database. Only if nobody serves it there, or the move failed \
         (then there is no bank there, or one that must not be served): remove {} and go on here",
        directory.display(),
        file(directory).display()
    ))
}

/// Writes the word, so that a power cut keeps it.
pub fn write(directory: &Path, place: &str) -> std::io::Result<()> {
    let unfinished = directory.join("moved.unfinished");
    let mut written = File::create(&unfinished)?;
    written.write_all(format!("{place}\n").as_bytes())?;
    written.sync_all()?;
    std::fs::rename(unfinished, file(directory))?;
    File::open(directory)?.sync_all()
}

/// Takes the word back: it is certain that nothing was moved.
pub fn take_back(directory: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(file(directory)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::because(format!("{} cannot be removed; do it by hand", file(directory).display()), error))
        }
        _ => Ok(()),
    }
}

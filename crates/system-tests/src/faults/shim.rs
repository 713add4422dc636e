//! The library that lets a program's disk fail, and what it tells.

use crate::powercut::session;
use std::io;
use std::path::{Path, PathBuf};

const SOURCE: &str = include_str!("../../shim/faults.c");

/// Compiles the library into a directory and returns its path.
///
/// # Errors
/// When there is no C compiler or it refuses.
pub fn build(directory: &Path) -> io::Result<PathBuf> {
    session::compile(directory, "faults", SOURCE)
}

/// The environment of a program whose disk is full while a file exists.
#[must_use]
pub fn full_disk(library: &Path, directory: &Path, while_exists: &Path) -> Vec<(String, String)> {
    let pairs = [("LD_PRELOAD", library), ("FAULTS_DIR", directory), ("FAULTS_FULL", while_exists)];
    pairs.map(|(name, path)| (name.to_owned(), path.display().to_string())).to_vec()
}

/// The environment of a program whose disk takes so many milliseconds longer for each flush while a file exists.
#[must_use]
pub fn slow_disk(
    library: &Path,
    directory: &Path,
    (while_exists, milliseconds): (&Path, u64),
) -> Vec<(String, String)> {
    let pairs = [("LD_PRELOAD", library), ("FAULTS_DIR", directory), ("FAULTS_SLOW", while_exists)];
    let mut environment = pairs.map(|(name, path)| (name.to_owned(), path.display().to_string())).to_vec();
    environment.push(("FAULTS_SLOW_MS".to_owned(), milliseconds.to_string()));
    environment
}

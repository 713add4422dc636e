//! Where a bank is: its data directory, and the database file in it.

use crate::failure::Failure;
use clap::Args;
use std::path::{Path, PathBuf};

/// The data directory of a bank.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The bank's data directory
    #[arg(long, value_name = "DIR", env = "JIAOZI_DATA", default_value = "jiaozi-data")]
    pub data: PathBuf,
}

impl Place {
    /// The database file of a bank that must be there.
    pub fn database(&self) -> Result<PathBuf, Failure> {
        database_in(&self.data)
    }
}

/// The database file in a directory that must hold a bank.
pub fn database_in(directory: &Path) -> Result<PathBuf, Failure> {
    let file = directory.join(sql::FILE_NAME);
    if file.is_file() {
        return Ok(file);
    }
    Err(Failure::new(format!("there is no bank in {}; name its directory with --data DIR", directory.display())))
}

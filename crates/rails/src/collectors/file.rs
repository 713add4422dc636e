//! A file of JSON lines, one record each. It is opened anew for every batch, so that it may be rotated at any time, and flushed
//! before the bank remembers that it was told. Only its owner may read it.

use ports::{CollectorError, LogCollector, LogLine};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Appends to a file.
#[derive(Debug)]
pub struct FileCollector {
    path: PathBuf,
}

impl FileCollector {
    /// A collector that writes to this file.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn append(&self, lines: &[LogLine]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let text: String = lines.iter().flat_map(|line| [line.json.as_str(), "\n"]).collect();
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

impl LogCollector for FileCollector {
    fn name(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn take(&mut self, lines: &[LogLine]) -> Result<(), CollectorError> {
        self.append(lines).map_err(|error| CollectorError(format!("{}: {error}", self.path.display())))
    }
}

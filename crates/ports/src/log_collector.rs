//! The log collector: the bank's own system (SIEM) that keeps copies of the audit log outside the bank's reach.

use std::fmt;

/// One record on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number in the log.
    pub number: i64,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// One JSON object without line breaks.
    pub json: String,
}

/// Takes copies of the audit log.
pub trait LogCollector: Send {
    /// Its name, under which the bank remembers how far it was told.
    fn name(&self) -> String;

    /// Hands lines over, in order. It may block, and may be given lines a second time after a failure.
    ///
    /// # Errors
    /// When they may not have arrived; the bank tries again.
    fn take(&mut self, lines: &[LogLine]) -> Result<(), CollectorError>;
}

/// Lines may not have arrived.
#[derive(Debug)]
pub struct CollectorError(pub String);

impl fmt::Display for CollectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log collector did not take the audit log: {}", self.0)
    }
}

impl std::error::Error for CollectorError {}

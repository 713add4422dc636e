//! Copies of the log for the bank's own collector. Each collector has a mark: the last record that it took. It moves only after the
//! collector took the records, so a crash between sends them again and never leaves one out; the number tells them apart.

use super::find::{Entry, after_blocking};
use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use ports::{LogCollector, LogLine};
use store::Outcome;

/// How many records go at once.
const BATCH: u32 = 200;

/// Hands over what a collector has not taken yet, at most a batch; returns how many records that were. For threads that may block.
///
/// # Errors
/// `Outside` when the collector did not take them; trouble of the bank.
pub fn export_blocking(bank: &Bank, collector: &mut dyn LogCollector) -> Result<usize, BankError> {
    let name = collector.name();
    let asked = name.clone();
    let mark = bank.store().read_blocking(move |snapshot| records::mark(snapshot.reading(), &asked))?;
    let entries = after_blocking(bank, mark, BATCH)?;
    let Some(last) = entries.last().map(|entry| entry.number) else { return Ok(0) };
    let lines = entries.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    collector.take(&lines).map_err(|error| BankError::Outside(error.to_string()))?;
    bank.store().write_blocking(move |uow| {
        records::set_mark(uow, &name, last)?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(lines.len())
}

fn line(entry: &Entry) -> Result<LogLine, BankError> {
    // JSON text escapes every control character, so a record is one line whatever it holds.
    let json = serde_json::to_string(entry).map_err(|error| BankError::Bug(error.to_string()))?;
    Ok(LogLine { number: entry.number, at: entry.at.to_string(), json })
}

//! The general ledger as a file: one record for each line that moved money, in journal order.
//!
//! Written while it is read, in pages; nothing is collected. Nothing personal stands in it: accounts by id, causes by id.

use crate::accounting::records;
use crate::accounting::tally::{self, Places};
use crate::accounting::trial_balance::code_of;
use crate::bank::Bank;
use crate::entries::EntryKind;
use crate::error::BankError;
use ledger::AccountNo;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};
use store::{Snapshot, StoreError};
use vocabulary::BookingDate;

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// CSV with a header row (RFC 4180).
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// A record of the export.
#[derive(Clone, Debug, Serialize)]
struct Record {
    line: u64,
    entry: u64,
    entry_type: String,
    booking_date: String,
    value_date: String,
    at: String,
    debit_account: String,
    debit_gl: String,
    credit_account: String,
    credit_gl: String,
    amount: String,
    currency: String,
    actor: String,
    cause: String,
    policy_version: u32,
}

const COLUMNS: &str = "line,entry,entry_type,booking_date,value_date,at,debit_account,debit_gl,credit_account,credit_gl,\
    amount,currency,actor,cause,policy_version";

impl Record {
    /// No field can hold a comma, a quote or the beginning of a formula: numbers, ids, codes and dates.
    fn csv(&self) -> String {
        format!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            self.line,
            self.entry,
            self.entry_type,
            self.booking_date,
            self.value_date,
            self.at,
            self.debit_account,
            self.debit_gl,
            self.credit_account,
            self.credit_gl,
            self.amount,
            self.currency,
            self.actor,
            self.cause,
            self.policy_version
        )
    }
}

/// Writes the records of the booking days from `first` to `last`; returns how many.
///
/// # Errors
/// The outer error is the bank's trouble, the inner one the writer's: then the file is incomplete.
pub fn export(
    bank: &Bank,
    (first, last): (BookingDate, BookingDate),
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<io::Result<u64>, BankError> {
    let from = bank.store().read_blocking(|snapshot| {
        Ok(records::before(snapshot.reading(), first)?.map_or(1, |closed| closed.last_line + 1))
    })?;
    let (desk, mut places, mut ids) = (bank.desk(), Places::default(), HashMap::new());
    let mut written: io::Result<u64> = match format {
        ExportFormat::Csv => writeln!(out, "{COLUMNS}").map(|()| 0),
        ExportFormat::JsonLines => Ok(0),
    };
    tally::visit(bank, from, last, |snapshot, moved| {
        if moved.header.booking < first || written.is_err() {
            return Ok(());
        }
        let (debit_gl, currency) = places.of(snapshot, moved.line.debit)?.clone();
        let credit_gl = places.of(snapshot, moved.line.credit)?.0.clone();
        let digits = desk.currencies().by_number(currency).map_or(0, |found| found.digits());
        let id = |id: u128| if id == 0 { String::new() } else { format!("{id:032x}") };
        let header = moved.header;
        let record = Record {
            line: moved.line.seq,
            entry: moved.line.entry,
            entry_type: EntryKind::from_number(header.kind).map_or_else(String::new, |kind| kind.name().to_owned()),
            booking_date: header.booking.to_string(),
            value_date: header.value.to_string(),
            at: header.at.to_string(),
            debit_account: account_id(snapshot, &mut ids, moved.line.debit)?,
            debit_gl,
            credit_account: account_id(snapshot, &mut ids, moved.line.credit)?,
            credit_gl,
            amount: money::print_minor(i128::from(moved.line.amount), digits),
            currency: code_of(&desk, currency),
            actor: id(header.actor),
            cause: id(header.cause),
            policy_version: header.policy,
        };
        let before = written.as_ref().copied().unwrap_or(0);
        written = write_record(format, out, &record).map(|()| before + 1);
        Ok(())
    })?;
    Ok(written)
}

fn write_record(format: ExportFormat, out: &mut dyn Write, record: &Record) -> io::Result<()> {
    match format {
        ExportFormat::Csv => writeln!(out, "{}", record.csv()),
        ExportFormat::JsonLines => {
            serde_json::to_writer(&mut *out, record)?;
            writeln!(out)
        }
    }
}

fn account_id(
    snapshot: &Snapshot<'_>,
    ids: &mut HashMap<AccountNo, String>,
    no: AccountNo,
) -> Result<String, StoreError> {
    if let Some(id) = ids.get(&no) {
        return Ok(id.clone());
    }
    let id = snapshot.account(no)?.map_or_else(String::new, |row| row.id.to_string());
    ids.insert(no, id.clone());
    Ok(id)
}

//! A statement as CSV (RFC 4180) that a spreadsheet opens without running anything.
//!
//! A text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a line break) gets an
//! apostrophe in front (OWASP, "CSV Injection"); amounts are numbers and stay as they are.

use crate::statements::Statement;
use money::print_minor;
use std::fmt::Write;

const COLUMNS: &str = "booking_date,value_date,time,type,counterparty,amount,currency,balance_after,entry,cause";

/// The statement as CSV: a header row, an opening row, the records, a closing row.
#[must_use]
pub fn to_csv(statement: &Statement) -> String {
    let amount = |minor: i64| print_minor(i128::from(minor), statement.digits);
    let currency = text(&statement.currency);
    let mut out = format!("{COLUMNS}\r\n");
    let edge =
        |day: String, kind: &str, minor: i64| format!("{day},{day},,{kind},,,{currency},{},,\r\n", amount(minor));
    out.push_str(&edge(statement.from.to_string(), "opening_balance", statement.opening_minor));
    for record in &statement.records {
        let row = writeln_record(record, &currency, &amount);
        out.push_str(&row);
    }
    out.push_str(&edge(statement.to.to_string(), "closing_balance", statement.closing_minor));
    out
}

fn writeln_record(
    record: &crate::statements::StatementRecord,
    currency: &str,
    amount: &impl Fn(i64) -> String,
) -> String {
    let mut row = String::new();
    let written = write!(
        row,
        "{},{},{},{},{},{},{},{},{},{}\r\n",
        record.booking,
        record.value,
        record.at,
        text(&record.kind),
        text(&record.counterparty),
        amount(record.amount_minor),
        currency,
        amount(record.balance_after_minor),
        record.entry,
        text(&record.cause)
    );
    written.expect("writing to a string cannot fail");
    row
}

/// A text field: defused and, where needed, quoted.
pub(crate) fn text(field: &str) -> String {
    let risky =
        field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let field = if risky { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

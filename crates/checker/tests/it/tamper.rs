//! Every number of every row is changed, one at a time, and every row is taken away: the checker must see each.

use crate::bank::{opened, world};
use checker::{Difference, Options};
use rusqlite::Connection;
use std::path::Path;

/// What nothing else in the database repeats, so that no check can recompute it; with the table they stand in.
const ALONE: &[(&str, &[&str])] = &[
    (
        "journal",
        &["kind", "version", "booking", "value", "at", "actor", "channel", "cause", "policy", "reverses", "flags"],
    ),
    ("account", &["opened"]),
    ("account_slice", &[]),
    ("limit_group", &[]),
    ("group_slice", &[]),
    ("idempotency", &["at"]),
    ("event", &["at", "version"]),
    ("hold", &[]),
    ("entry_index", &[]),
    ("idempotency_index", &[]),
];

pub(crate) fn difference(directory: &Path) -> Option<Difference> {
    checker::check(directory, &Options::default(), &mut |_| {}).expect("the bank can be read").difference
}

/// Runs SQL, looks for the difference, and takes it back.
pub(crate) fn tampered(directory: &Path, sql: &str) -> Option<Difference> {
    let file = directory.join("bank.db");
    let kept = std::fs::read(&file).unwrap();
    let connection = opened(&file);
    connection.execute_batch(&format!("{sql}; PRAGMA wal_checkpoint(TRUNCATE);")).expect(sql);
    drop(connection);
    let found = difference(directory);
    std::fs::write(&file, kept).unwrap();
    found
}

fn settled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    world(directory.path(), true);
    let connection = opened(&directory.path().join("bank.db"));
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(connection);
    assert_eq!(difference(directory.path()), None);
    directory
}

fn strings(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A WHERE clause for each row of a table.
fn rows(connection: &Connection, table: &str) -> Vec<String> {
    let keys = strings(connection, &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"));
    let parts: Vec<String> = keys.iter().map(|key| format!("'{key} = ' || quote({key})")).collect();
    strings(connection, &format!("SELECT {} FROM {table}", parts.join(" || ' AND ' || ")))
}

#[test]
fn a_changed_number_is_found_in_every_row_and_column() {
    let directory = settled();
    let mut missed = Vec::new();
    for (table, alone) in ALONE {
        let connection = opened(&directory.path().join("bank.db"));
        let sql = format!("SELECT name FROM pragma_table_info('{table}') WHERE type = 'INTEGER'");
        let columns = strings(&connection, &sql);
        let rows = rows(&connection, table);
        drop(connection);
        for column in columns.iter().filter(|column| !alone.contains(&column.as_str())) {
            for row in &rows {
                // A day may be off by one by the tenant's zone; a number that is a key must not collide with its neighbour.
                let by = if column == "day" { 3 } else { 1_000_003 };
                let sql = format!("UPDATE {table} SET {column} = COALESCE({column}, 0) + {by} WHERE {row}");
                if tampered(directory.path(), &sql).is_none() {
                    missed.push(sql);
                }
            }
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn a_changed_bit_is_found_in_every_byte_of_every_slice() {
    let directory = settled();
    let mut missed = Vec::new();
    for table in ["account_slice", "group_slice"] {
        let connection = opened(&directory.path().join("bank.db"));
        let sql = format!("SELECT hex(rows) FROM {table} WHERE no = 0");
        let hex: String = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        drop(connection);
        for place in 0..hex.len() / 2 {
            let byte = u8::from_str_radix(&hex[place * 2..place * 2 + 2], 16).unwrap();
            for changed in [byte ^ 1, byte ^ 0x80] {
                let mut other = hex.clone();
                other.replace_range(place * 2..place * 2 + 2, &format!("{changed:02X}"));
                let sql = format!("UPDATE {table} SET rows = X'{other}' WHERE no = 0");
                if tampered(directory.path(), &sql).is_none() {
                    missed.push((table, place, byte, changed));
                }
            }
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn a_missing_row_is_found_in_every_table() {
    let directory = settled();
    let mut missed = Vec::new();
    for (table, _) in ALONE {
        let connection = opened(&directory.path().join("bank.db"));
        let mut rows = rows(&connection, table);
        drop(connection);
        if *table == "event" {
            // Nothing tells how many events there should be: only one that has a successor can be missed.
            rows.pop();
        }
        for row in rows {
            let sql = format!("DELETE FROM {table} WHERE {row}");
            if tampered(directory.path(), &sql).is_none() {
                missed.push(sql);
            }
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn differences_name_the_invariant_the_table_the_row_and_the_column() {
    let directory = settled();
    let cases = [
        ("UPDATE account SET closed = 1 WHERE no = 2", "form", "account_slice", "2", "class"),
        ("UPDATE limit_group SET profile = 9 WHERE no = 1", "limits", "group_slice", "1", "profile"),
        ("UPDATE account SET book = 392 WHERE no = 4", "I1", "journal", "4", "credit"),
        ("UPDATE account SET floor = 1000000 WHERE no = 3", "I6", "journal", "4", "debit"),
        ("UPDATE account SET group_own = 99 WHERE no = 3", "form", "account", "3", "group_own"),
        ("UPDATE account SET receivable = 6 WHERE no = 2", "form", "account", "2", "receivable"),
        ("UPDATE account SET class = 9 WHERE no = 2", "form", "account", "2", "class"),
        ("UPDATE hold SET captured = 299 WHERE seq = 10", "I7", "hold", "10", "captured"),
        ("UPDATE hold SET state = 2 WHERE seq = 11", "I8", "hold", "11", "state"),
        ("UPDATE journal SET hold = 9 WHERE action = 4", "I8", "journal", "16", "hold"),
        ("UPDATE journal SET reverses = 4 WHERE reverses > 0", "form", "journal", "5", "reverses"),
        ("UPDATE journal SET at = at - 10000000 WHERE seq = 3", "form", "journal", "3", "at"),
        ("UPDATE idempotency SET key = (SELECT key FROM idempotency WHERE seq = 1) WHERE seq = 2", "I4", "", "", ""),
        ("UPDATE event SET no = 50 WHERE no = 2", "I10", "event", "2", "no"),
        ("UPDATE watermark SET line = line + 5 WHERE name = 'accounts'", "form", "watermark", "0", "accounts"),
    ];
    for (sql, invariant, table, row, column) in cases {
        let found = tampered(directory.path(), sql).unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!(found.invariant, invariant, "{sql}: {found}");
        if !table.is_empty() {
            assert_eq!((found.table, found.row.as_str(), found.column), (table, row, column), "{sql}: {found}");
        }
        assert!(found.to_string().starts_with(&format!("{invariant}: table ")), "{found}");
    }
}

#[test]
fn a_damaged_page_is_found() {
    let directory = settled();
    let file = directory.path().join("bank.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let page = bytes.len() / 4096 / 2;
    bytes[page * 4096..page * 4096 + 64].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let report = checker::check(&file, &Options { pages: true }, &mut |_| {});
    assert!(report.map_or(true, |report| !report.is_clean()));
}

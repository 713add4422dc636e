//! SQL stands in few places, and each table has one writing file: who wants to know what can change a row reads one file.
//!
//! Looks at string literals outside tests. Reading is free; migrations declare, so they own nothing. A statement whose
//! table is not a literal is not seen, which is why table names are never put together at run time.

use std::collections::{BTreeMap, BTreeSet};

use crate::house::{SQL_ANYWHERE, SQL_BEGINNINGS, SQL_FILES, SQL_IN_RECORDS, TABLES_WITH_SEVERAL_WRITERS};
use crate::scan::{line_of, words};
use crate::tree::{File, Finding, Tree};

/// Finds SQL where none belongs, and tables with several writing files.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = misplaced(tree);
    findings.extend(writers(tree));
    findings
}

fn misplaced(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_test() && !may_hold_sql(file)) {
        let Some(source) = &file.source else { continue };
        let statements = source.literals().filter(|(at, _)| !source.in_test(*at));
        for (at, _) in statements.filter(|(_, text)| SQL_BEGINNINGS.iter().any(|begin| text.starts_with(begin))) {
            let message = "SQL does not belong here: put it into the capability's `records.rs`, or ask a lower floor";
            findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
        }
    }
    findings
}

fn may_hold_sql(file: &File) -> bool {
    let room = file.room().unwrap_or_default();
    let records = is_migration(file) || file.path.contains("records");
    SQL_ANYWHERE.contains(&room)
        || (SQL_IN_RECORDS.contains(&room) && records)
        || room == "xtask"
        || SQL_FILES.iter().any(|(path, _)| *path == file.path)
}

fn writers(tree: &Tree) -> Vec<Finding> {
    let statements: Vec<(&File, Vec<String>)> =
        tree.files.iter().filter_map(|file| Some((file, sql_words(file)?))).collect();
    let tables: BTreeSet<&str> = statements.iter().flat_map(|(_, words)| declared(words)).collect();
    let mut writers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, words) in statements.iter().filter(|(file, _)| !is_migration(file)) {
        for table in written(words).filter(|table| tables.contains(table)) {
            writers.entry(table).or_default().insert(&file.path);
        }
    }
    writers.into_iter().filter(|(table, files)| files.len() > 1 && !listed(table, files)).map(finding).collect()
}

fn listed(table: &str, files: &BTreeSet<&str>) -> bool {
    TABLES_WITH_SEVERAL_WRITERS
        .iter()
        .any(|(name, allowed, _)| *name == table && files.iter().all(|file| allowed.contains(file)))
}

fn finding((table, files): (&str, BTreeSet<&str>)) -> Finding {
    let all: Vec<&str> = files.into_iter().collect();
    let message = format!(
        "table `{table}` is written by {}: give it one owning file, or add a row with the reason to xtask/src/house.rs",
        all.join(" and ")
    );
    Finding::new(all[0], 0, message)
}

fn is_migration(file: &File) -> bool {
    file.path.ends_with(".sql") || file.path.contains("migration") || file.path.contains("schema")
}

/// The words of a file's SQL in lower case: its string literals outside tests, or all of an `.sql` file.
fn sql_words(file: &File) -> Option<Vec<String>> {
    let lower = |text: &str| words(text).map(|(_, word)| word.to_lowercase()).collect();
    if file.path.ends_with(".sql") {
        return Some(lower(&file.text));
    }
    let source = file.source.as_ref().filter(|_| !file.is_test() && file.room() != Some("xtask"))?;
    let outside = words(&source.strings).filter(|(at, _)| !source.in_test(*at));
    Some(outside.map(|(_, word)| word.to_lowercase()).collect())
}

fn declared(words: &[String]) -> impl Iterator<Item = &str> {
    words.windows(6).chain(std::iter::once(&words[words.len().saturating_sub(5)..])).filter_map(|window| {
        let mut window = window.iter().map(String::as_str);
        (window.next()? == "create" && window.next()? == "table").then_some(())?;
        window.find(|word| !matches!(*word, "if" | "not" | "exists"))
    })
}

fn written(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().enumerate().filter_map(|(at, word)| {
        let mut after = words[at + 1..].iter().map(String::as_str);
        match word.as_str() {
            "insert" | "replace" | "delete" => {
                let preposition = after.find(|word| !is_conflict_clause(word))?;
                matches!(preposition, "into" | "from").then(|| after.next())?
            }
            "update" => after.find(|word| !is_conflict_clause(word)),
            _ => None,
        }
    })
}

fn is_conflict_clause(word: &str) -> bool {
    matches!(word, "or" | "ignore" | "replace" | "abort" | "fail" | "rollback")
}

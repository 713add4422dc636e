//! Backup, restore, check, migrate: the files of a bank.

use crate::program::{run, text};
use std::path::Path;
use tempfile::TempDir;

/// A bank with a few thousand entries, made by the bulk benchmark.
fn bank(folder: &TempDir) -> String {
    let made = run(&["bench", "ledger", "--accounts", "50", "--transfers", "3000", "--data", text(folder.path())]);
    assert_eq!(made.code, 0, "{}", made.err);
    text(&folder.path().join("ledger")).to_owned()
}

#[test]
fn a_backup_is_checked_restored_and_checked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = bank(&folder);
    let (copy, again) = (folder.path().join("copy.db"), folder.path().join("again"));
    let made = run(&["backup", text(&copy), "--data", &data, "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(made.json()["entries"], 3000);
    assert_eq!(run(&["check", text(&copy), "--pages"]).code, 0);
    let restored = run(&["restore", text(&copy), "--data", text(&again)]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(restored.err.contains("key file"), "{}", restored.err);
    let report = run(&["check", "--data", text(&again), "--json"]).json();
    assert_eq!((report["clean"].as_bool(), report["entries"].as_u64()), (Some(true), Some(3000)));
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = bank(&folder);
    let copy = folder.path().join("copy.db");
    std::fs::write(&copy, "mine").expect("written");
    let refused = run(&["backup", text(&copy), "--data", &data]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("the destination exists"), "{}", refused.err);
    assert_eq!(std::fs::read(&copy).expect("still there"), b"mine");
    let other = folder.path().join("other.db");
    assert_eq!(run(&["backup", text(&other), "--data", &data]).code, 0);
    let refused = run(&["restore", text(&other), "--data", &data]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("holds a bank already"), "{}", refused.err);
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = bank(&folder);
    let copy = folder.path().join("copy.db");
    assert_eq!(run(&["backup", text(&copy), "--data", &data]).code, 0);
    let mut bytes = std::fs::read(&copy).expect("the copy");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 512].fill(0xA5);
    std::fs::write(&copy, bytes).expect("written");
    refuses(&copy, &folder.path().join("again"));
    std::fs::write(&copy, "no database").expect("written");
    refuses(&copy, &folder.path().join("again"));
}

fn refuses(copy: &Path, target: &Path) {
    let refused = run(&["restore", text(copy), "--data", text(target)]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(!target.join("bank.db").exists());
}

#[test]
fn migrate_lists_and_applies() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = bank(&folder);
    let listed = run(&["migrate", "--list", "--data", &data]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(listed.out.contains("   1  applied"), "{}", listed.out);
    let applied = run(&["migrate", "--data", &data, "--json"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(applied.json()["version"].as_u64() >= Some(1));
}

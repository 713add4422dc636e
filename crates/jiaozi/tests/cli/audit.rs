//! `jiaozi audit`.

use crate::program::{Run, run, text};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

fn bank() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = text(&folder.path().join("bank")).to_owned();
    let enrolled =
        run(&["staff", "enrol", "Wang Fang of Chengdu", "--role", "operations", "--sandbox", "--data", &data]);
    assert_eq!(enrolled.code, 0, "{}", enrolled.err);
    (folder, data)
}

/// The requirements that are not met.
fn wrong(audit: &Run) -> Vec<String> {
    let page = audit.json();
    let rows = page["findings"].as_array().expect("rows").iter();
    rows.filter(|row| row["wrong"] == true).map(|row| row["asvs"].as_str().expect("text").to_owned()).collect()
}

fn audit(data: &str, more: &[&str]) -> Run {
    run(&[&["audit", "--data", data, "--json"][..], more].concat())
}

#[test]
fn a_new_bank_has_nothing_to_mend() {
    let (_folder, data) = bank();
    let found = audit(&data, &[]);
    assert_eq!((found.code, wrong(&found)), (0, vec![]), "{}{}", found.out, found.err);
    let told = run(&["audit", "--data", &data]);
    assert!(told.out.ends_with("nothing is to be mended\n"), "{}", told.out);
}

#[test]
fn what_others_may_read_and_what_lies_in_clear_is_named_with_what_to_do() {
    let (folder, data) = bank();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("opened");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).expect("a folder");
    std::fs::write(logs.join("old.log"), "signed in: d2FuZy5mYW5nQGV4YW1wbGUuY29t").expect("written");
    let canaries = folder.path().join("canaries");
    std::fs::write(&canaries, "wang.fang@example.com\n").expect("written");
    let more = ["--look-in", text(&logs), "--canaries", text(&canaries)];
    let found = audit(&data, &more);
    assert_eq!((found.code, wrong(&found)), (1, vec!["v5.0.0-13.3.2".to_owned(), "v5.0.0-14.2.4".to_owned()]));
    assert!(found.out.contains("the data directory (755)") && found.out.contains("old.log (base 64)"), "{}", found.out);
    assert!(!found.out.contains("wang.fang"), "{}", found.out);
}

#[test]
fn where_there_is_no_bank_or_no_key_it_says_so() {
    let (folder, data) = bank();
    let nothing = audit(text(folder.path()), &[]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("there is no bank in"), "{}", nothing.err);
    std::fs::remove_file(Path::new(&data).join("vault.key")).expect("removed");
    let lost = audit(&data, &[]);
    assert_eq!(lost.code, 1);
    assert!(lost.err.contains("its key file"), "{}", lost.err);
    assert!(!Path::new(&data).join("vault.key").exists(), "it makes no keys");
}

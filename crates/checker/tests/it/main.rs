//! The checker against a bank that the store wrote: silent when all is right, loud when a single value is not.

mod bank;
mod moves;
mod payments;
mod tamper;

use bank::{Wallet, world};
use checker::Options;

fn check(path: &std::path::Path) -> checker::Report {
    checker::check(path, &Options { pages: true }, &mut |_| {}).expect("the bank can be read")
}

#[test]
fn a_settled_bank_is_clean_and_its_sums_are_told() {
    let directory = tempfile::tempdir().unwrap();
    world(directory.path(), true);
    let report = check(directory.path());
    assert_eq!(report.difference, None);
    assert_eq!(report.accounts, Wallet::COUNT);
    assert_eq!((report.holds, report.open_holds), (5, 1));
    assert_eq!(report.events, 4);
    assert_eq!(report.keys, 4);
    let [cny, jpy] = report.books.as_slice() else { panic!("two books: {:?}", report.books) };
    assert_eq!((cny.code.as_str(), cny.debits), ("CNY", cny.credits));
    assert_eq!((jpy.code.as_str(), jpy.debits, jpy.accounts), ("JPY", 700, 2));
}

#[test]
fn a_bank_whose_account_rows_lag_behind_the_journal_is_clean() {
    let directory = tempfile::tempdir().unwrap();
    world(directory.path(), false);
    assert_eq!(check(directory.path()).difference, None);
}

#[test]
fn a_running_bank_and_its_backup_are_clean() {
    let directory = tempfile::tempdir().unwrap();
    let store = bank::open(directory.path());
    bank::fill(&store, false);
    assert_eq!(check(directory.path()).difference, None);
    let copy = directory.path().join("copy.db");
    store.backup_blocking(&copy).unwrap();
    assert_eq!(check(&copy).difference, None);
}

#[test]
fn nothing_at_the_path_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let error = checker::check(directory.path(), &Options::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("there is no bank at"), "{error}");
}

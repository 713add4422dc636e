//! Transfers, top-ups and payouts against their entries: each moved once, none without a row.

use crate::bank::{self, Wallet};
use crate::payments::{id, of};
use crate::tamper::{difference, tampered};
use ledger::{Count, Step, UpTo};
use store::{Migration, Uow};

/// The columns that the checker reads, as the bank declares them.
const TABLES: &[Migration] = &[Migration {
    version: 20,
    name: "moves",
    sql: "CREATE TABLE transfer(id BLOB PRIMARY KEY, alias BLOB, amount INTEGER NOT NULL, fee INTEGER NOT NULL,
        tax INTEGER NOT NULL, state INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE top_up(id BLOB PRIMARY KEY, amount INTEGER NOT NULL, credited INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE payout(id BLOB PRIMARY KEY, paid INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
}];

/// A transfer that arrived (1), one that was claimed (2), one that went back (3); a top-up that came (4) and one that did
/// not (5); a payout that was paid (6) and one that was not (7).
fn moves(uow: &mut Uow<'_, '_>) {
    let (alice, bob, nostro, waiting) = (Wallet::Alice, Wallet::Bob, Wallet::Nostro, Wallet::Fees);
    let mut post = |kind: u16, cause: u128, step: Step| uow.post(&of(kind, cause, &[step])).unwrap().unwrap();
    post(30, 1, bank::step(alice, bob, 70, Count::Use));
    post(31, 2, bank::step(alice, waiting, 80, Count::Use));
    post(32, 2, bank::step(waiting, bob, 80, Count::Use));
    post(31, 3, bank::step(alice, waiting, 90, Count::Use));
    post(33, 3, bank::step(waiting, alice, 90, Count::No));
    let (debit, credit) = (nostro.no(), alice.no());
    for (cause, amount) in [(4, 100), (5, 110)] {
        let (up_to, seconds, count) = (UpTo::default(), None, Count::Use);
        post(10, cause, Step::Hold { debit, credit, amount, up_to, seconds, count });
    }
    let hold = |cause| of(10, cause, &[]).id;
    let mut end = of(10, 1_004, &[Step::Void { hold: hold(5) }]);
    end.cause = 5;
    uow.post(&end).unwrap().unwrap();
    let mut capture = of(10, 1_005, &[Step::Capture { hold: hold(4), amount: None, last: true }]);
    capture.cause = 4;
    uow.post(&capture).unwrap().unwrap();
    let mut post = |kind: u16, cause: u128, step: Step| uow.post(&of(kind, cause, &[step])).unwrap().unwrap();
    post(20, 6, bank::step(alice, waiting, 60, Count::Use));
    post(21, 6, bank::step(waiting, nostro, 60, Count::No));
    post(20, 7, bank::step(alice, waiting, 65, Count::Use));
    let rows = [
        format!("INSERT INTO transfer VALUES ({}, NULL, 70, 0, 0, 2)", id(1)),
        format!("INSERT INTO transfer VALUES ({}, x'AA', 80, 0, 0, 3)", id(2)),
        format!("INSERT INTO transfer VALUES ({}, x'AB', 90, 0, 0, 4)", id(3)),
        format!("INSERT INTO top_up VALUES ({}, 100, 100), ({}, 110, 0)", id(4), id(5)),
        format!("INSERT INTO payout VALUES ({}, 60), ({}, 0)", id(6), id(7)),
    ];
    for row in rows {
        uow.execute(&row, &[]).expect(&row);
    }
}

#[test]
fn transfers_top_ups_and_payouts_are_compared_with_their_entries() {
    let directory = tempfile::tempdir().unwrap();
    let store = bank::open_with(directory.path(), TABLES);
    bank::unit(&store, bank::accounts);
    bank::unit(&store, bank::movements);
    bank::unit(&store, moves);
    drop(store);
    let connection = bank::opened(&directory.path().join("bank.db"));
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    assert_eq!(difference(directory.path()), None);
    let cases = [
        ("DELETE FROM transfer WHERE state = 2", "I12", "transfer"),
        ("UPDATE transfer SET amount = 69 WHERE state = 2", "I2", "transfer"),
        ("UPDATE transfer SET state = 1 WHERE state = 3", "I12", "transfer"),
        ("UPDATE transfer SET state = 5 WHERE state = 3", "I12", "transfer"),
        ("UPDATE transfer SET state = 1 WHERE state = 4", "I12", "transfer"),
        ("UPDATE transfer SET alias = NULL WHERE state = 4", "I2", "transfer"),
        ("UPDATE top_up SET credited = 0", "I12", "top_up"),
        ("UPDATE top_up SET credited = 110 WHERE amount = 110", "I2", "top_up"),
        ("DELETE FROM top_up WHERE amount = 110", "I12", "top_up"),
        ("UPDATE payout SET paid = 0", "I12", "payout"),
        ("UPDATE payout SET paid = 65", "I2", "payout"),
        ("DELETE FROM payout WHERE paid = 0", "I12", "payout"),
        ("INSERT INTO payout VALUES (x'00000000000000000000000000000099', 0)", "I2", "payout"),
    ];
    for (sql, invariant, table) in cases {
        let found = tampered(directory.path(), sql).unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!((found.invariant, found.table), (invariant, table), "{sql}: {found}");
    }
}

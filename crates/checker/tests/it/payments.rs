//! Payments against their entries: rows without effects, effects without rows, sums that are too large.

use crate::bank::{self, Wallet};
use crate::tamper::{difference, tampered};
use ledger::{Count, Entry, Step, UpTo};
use store::{Migration, Uow};

/// The columns that the checker reads, as the bank declares them.
const TABLES: &[Migration] = &[Migration {
    version: 30,
    name: "payments",
    sql: "CREATE TABLE payment (id BLOB PRIMARY KEY NOT NULL, state INTEGER NOT NULL, method INTEGER NOT NULL,
        from_account INTEGER NOT NULL, to_account INTEGER NOT NULL, currency INTEGER NOT NULL, amount INTEGER NOT NULL,
        captured INTEGER NOT NULL, refunded INTEGER NOT NULL, waiting INTEGER NOT NULL, disputed INTEGER NOT NULL,
        charged_back INTEGER NOT NULL, refunds INTEGER NOT NULL, fee INTEGER NOT NULL, tax INTEGER NOT NULL,
        fee_back INTEGER NOT NULL, tax_back INTEGER NOT NULL, terms INTEGER NOT NULL, entry INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE payment_hold (payment BLOB PRIMARY KEY NOT NULL, entry BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE payment_capture (id BLOB PRIMARY KEY NOT NULL, payment BLOB NOT NULL, amount INTEGER NOT NULL,
        fee INTEGER NOT NULL, tax INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE refund (id BLOB PRIMARY KEY NOT NULL, payment BLOB NOT NULL, amount INTEGER NOT NULL,
        fee INTEGER NOT NULL, tax INTEGER NOT NULL, state INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE dispute (id BLOB PRIMARY KEY NOT NULL, payment BLOB NOT NULL, amount INTEGER NOT NULL,
        state INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
}];

pub(crate) fn of(kind: u16, cause: u128, steps: &[Step]) -> Entry {
    Entry { kind, cause, ..bank::entry(cause + 1_000 * u128::from(kind), steps) }
}

pub(crate) fn id(number: u8) -> String {
    format!("x'{:032x}'", number)
}

/// Payment 1 at once with a refund of 400 and a dispute; payment 2 by a hold, captured in part; payment 3 voided.
fn payments(uow: &mut Uow<'_, '_>) {
    let mut post = |entry: Entry| uow.post(&entry).unwrap().unwrap().entry;
    let (alice, bob, fees) = (Wallet::Alice, Wallet::Bob, Wallet::Fees);
    let paid = [bank::step(alice, bob, 1_000, Count::Use), bank::step(bob, fees, 10, Count::No)];
    let first = post(of(40, 1, &paid));
    let back = [bank::step(fees, bob, 4, Count::No), bank::step(bob, alice, 400, Count::No)];
    post(of(45, 51, &back));
    let (debit, credit, count) = (alice.no(), bob.no(), Count::Use);
    let hold = Step::Hold { debit, credit, amount: 600, up_to: UpTo::default(), seconds: Some(60), count };
    let (second, third) = (of(41, 2, &[hold]), of(41, 3, &[hold]));
    let (second_hold, third_hold) = (second.id, third.id);
    let (second, third) = (post(second), post(third));
    post(of(42, 2, &[Step::Capture { hold: second_hold, amount: Some(500), last: true }]));
    post(of(43, 3, &[Step::Void { hold: third_hold }]));
    let rows = [
        format!(
            "INSERT INTO payment VALUES ({}, 9, 1, 2, 3, 156, 1000, 1000, 400, 0, 600, 0, 1, 10, 0, 4, 0, 2, {first})",
            id(1)
        ),
        format!(
            "INSERT INTO payment VALUES ({}, 7, 2, 2, 3, 156, 600, 500, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, {second})",
            id(2)
        ),
        format!(
            "INSERT INTO payment VALUES ({}, 11, 2, 2, 3, 156, 600, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, {third})",
            id(3)
        ),
        format!(
            "INSERT INTO payment_hold VALUES ({}, x'{second_hold:032x}'), ({}, x'{third_hold:032x}')",
            id(2),
            id(3)
        ),
        format!("INSERT INTO payment_capture VALUES ({}, {}, 500, 0, 0)", id(31), id(2)),
        format!("INSERT INTO refund VALUES ({}, {}, 400, 4, 0, 2)", id(51), id(1)),
        format!("INSERT INTO dispute VALUES ({}, {}, 600, 1)", id(61), id(1)),
    ];
    for row in rows {
        uow.execute(&row, &[]).expect(&row);
    }
}

#[test]
fn payments_are_compared_with_their_entries_holds_captures_and_refunds() {
    let directory = tempfile::tempdir().unwrap();
    let store = bank::open_with(directory.path(), TABLES);
    bank::unit(&store, bank::accounts);
    bank::unit(&store, bank::movements);
    bank::unit(&store, payments);
    store.settle_blocking().unwrap();
    drop(store);
    let connection = bank::opened(&directory.path().join("bank.db"));
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    assert_eq!(difference(directory.path()), None);
    let cases = [
        (
            "DELETE FROM payment WHERE captured = 1000; DELETE FROM refund; DELETE FROM dispute",
            "I12",
            "payment",
            "cause",
        ),
        ("UPDATE payment SET amount = 1001, captured = 1001 WHERE method = 1", "I2", "payment", "amount"),
        ("UPDATE payment SET from_account = 3 WHERE method = 1", "I2", "payment", "from_account"),
        ("UPDATE payment SET currency = 392 WHERE method = 1", "I2", "payment", "currency"),
        ("UPDATE payment SET entry = entry + 1 WHERE method = 1", "I2", "payment", "entry"),
        ("UPDATE payment SET state = 8 WHERE method = 1", "I8", "payment", "state"),
        ("UPDATE payment SET state = 5 WHERE state = 11", "I8", "payment", "state"),
        (
            "UPDATE payment SET disputed = 601 WHERE method = 1",
            "I7",
            "payment",
            "refunded + waiting + disputed + charged_back",
        ),
        ("UPDATE payment SET disputed = 0 WHERE method = 1", "I7", "payment", "disputed"),
        ("UPDATE dispute SET state = 3", "I7", "payment", "disputed"),
        (
            "UPDATE dispute SET state = 3; UPDATE payment SET disputed = 0 WHERE method = 1",
            "I7",
            "payment",
            "charged_back",
        ),
        ("UPDATE payment SET refunded = 399 WHERE method = 1", "I7", "payment", "refunded"),
        ("UPDATE payment SET fee_back = 11 WHERE method = 1", "I7", "payment", "fee_back"),
        ("UPDATE payment SET captured = 499 WHERE state = 7", "I7", "payment", "captured"),
        ("UPDATE refund SET amount = 300", "I2", "refund", "amount"),
        ("UPDATE refund SET state = 3", "I12", "refund", "cause"),
        ("UPDATE payment_capture SET amount = 1", "I2", "payment_capture", "amount"),
        (
            "DELETE FROM payment_hold WHERE payment = x'00000000000000000000000000000003'",
            "I12",
            "payment_hold",
            "cause",
        ),
        ("INSERT INTO dispute VALUES (x'00000000000000000000000000000077', x'00', 5, 1)", "I7", "dispute", "count"),
    ];
    for (sql, invariant, table, column) in cases {
        let found = tampered(directory.path(), sql).unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!((found.invariant, found.table, found.column), (invariant, table, column), "{sql}: {found}");
    }
}

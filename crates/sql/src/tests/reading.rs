//! Snapshots are bounded in time and number, and nothing is written through a reader.

use super::*;
use std::sync::mpsc;

fn readers(directory: &Path, limits: ReadLimits) -> Readers {
    drop(connection(directory));
    Readers::new(Database::File(directory.join(FILE_NAME)), limits)
}

/// Runs until it is stopped.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[test]
fn a_query_that_outlives_its_snapshot_is_interrupted_and_the_next_one_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = ReadLimits { life: Duration::from_millis(50), most: 1, ..ReadLimits::default() };
    let readers = readers(directory.path(), limits);
    let found = readers.snapshot(|connection, until| Reading::until(connection, until).number(ENDLESS, &[]));
    assert!(matches!(found, Err(SqlError::TooLong)), "{found:?}");
    let found = readers.snapshot(|connection, _| connection.number(ENDLESS, &[]));
    assert!(matches!(found, Err(SqlError::TooLong)), "also past the reader: {found:?}");
    let found = readers.snapshot(|connection, _| connection.number("SELECT 7", &[]));
    assert!(matches!(found, Ok(7)), "{found:?}");
}

#[test]
fn many_small_queries_end_with_their_snapshot_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = ReadLimits { life: Duration::from_millis(50), ..ReadLimits::default() };
    let readers = readers(directory.path(), limits);
    let found: Result<(), SqlError> = readers.snapshot(|connection, until| {
        loop {
            Reading::until(connection, until).number("SELECT 1", &[])?;
        }
    });
    assert!(matches!(found, Err(SqlError::TooLong)), "{found:?}");
}

#[test]
fn a_reader_beyond_the_most_waits_no_longer_than_allowed_and_then_a_free_one_serves() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = ReadLimits { most: 2, keep: 1, patience: Duration::from_millis(20), ..ReadLimits::default() };
    let readers = readers(directory.path(), limits);
    let one = |connection: &Connection| connection.number("SELECT 1", &[]);
    std::thread::scope(|scope| {
        let (ready, begun) = mpsc::channel();
        let mut resume = Vec::new();
        for _ in 0..2 {
            let (go, wait) = mpsc::channel::<()>();
            resume.push(go);
            let (ready, readers) = (ready.clone(), &readers);
            scope.spawn(move || {
                readers.snapshot(|connection, _| {
                    ready.send(()).expect("the test waits");
                    let _ = wait.recv();
                    one(connection)
                })
            });
        }
        begun.recv().expect("the first reads");
        begun.recv().expect("the second reads");
        let third = readers.snapshot(|connection, _| one(connection));
        assert!(matches!(third, Err(SqlError::NoReader)), "{third:?}");
        drop(resume);
    });
    for _ in 0..5 {
        assert!(matches!(readers.snapshot(|connection, _| one(connection)), Ok(1)), "all were given back");
    }
}

#[test]
fn a_waiting_reader_is_served_by_the_connection_that_becomes_free() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = ReadLimits { most: 1, patience: Duration::from_secs(60), ..ReadLimits::default() };
    let readers = readers(directory.path(), limits);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let read = || readers.snapshot(|connection, _| connection.number("SELECT 1", &[]));
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(read)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(answers.iter().all(|answer| matches!(answer, Ok(1))), "{answers:?}");
}

#[test]
fn a_reader_that_panics_or_fails_to_open_gives_its_place_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = ReadLimits { most: 1, patience: Duration::from_millis(1), ..ReadLimits::default() };
    let absent = Readers::new(Database::File(directory.path().join("absent.db")), limits);
    for _ in 0..3 {
        let found = absent.snapshot(|connection, _| connection.number("SELECT 1", &[]));
        assert!(matches!(found, Err(SqlError::Io(_))), "{found:?}");
    }
    let readers = readers(directory.path(), limits);
    for _ in 0..3 {
        let body = || readers.snapshot(|_, _| -> Result<(), SqlError> { panic!("a reader's mistake") });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err());
    }
    assert!(matches!(readers.snapshot(|connection, _| connection.number("SELECT 1", &[])), Ok(1)));
}

#[test]
fn nothing_is_written_through_a_reader() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, _) = start(directory.path(), Limits::default());
    assert!(insert(&writer, 1, Verdict::Keep).is_ok());
    let refused = writer.submit(Lane::Interactive, |unit: &mut Unit<'_, Numbers>| {
        let reading = Reading::of(unit.reading());
        let tries = [
            "INSERT INTO row(n) VALUES (2) RETURNING n",
            "WITH two(n) AS (SELECT 2) INSERT INTO row(n) SELECT n FROM two RETURNING n",
            "WITH one(n) AS (SELECT 1) DELETE FROM row WHERE n IN (SELECT n FROM one) RETURNING n",
            "UPDATE row SET text = 'other' RETURNING n",
            "DELETE FROM row",
            "ROLLBACK",
            "PRAGMA user_version = 3",
            "ATTACH ':memory:' AS other",
        ];
        let refused = tries.map(|sql| matches!(reading.query(sql, &[], |row| row.int(0)), Err(SqlError::Other(_))));
        (Verdict::Keep, (refused, reading.number("SELECT count(*) FROM row WHERE n = 1 AND text = 'x'", &[])))
    });
    let (refused, left) = refused.blocking_recv().expect("answers").expect("the group stands");
    assert_eq!((refused, left.expect("reads")), ([true; 8], 1));
    assert_eq!(count(directory.path(), "row"), 1);
}

#[test]
fn bulk_chunks_wait_in_small_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, _) = start(directory.path(), Limits::default());
    let (resume, wait) = mpsc::channel::<()>();
    let (ready, begun) = mpsc::channel::<()>();
    let blocker = writer.submit(Lane::Interactive, move |_| {
        ready.send(()).expect("the test waits");
        (Verdict::Keep, wait.recv().is_err())
    });
    begun.recv().expect("the writer is busy");
    let most = crate::queue::BULK_WAITING;
    let mut chunks: Vec<_> = (0..=most).map(|_| writer.submit(Lane::Bulk, |_| (Verdict::Keep, ()))).collect();
    let last = chunks.pop().expect("the one too many").blocking_recv().expect("answered");
    assert!(matches!(last, Err(UnitError::Overloaded)), "{last:?}");
    drop(resume);
    assert!(matches!(blocker.blocking_recv(), Ok(Ok(true))));
    assert!(chunks.into_iter().all(|answer| matches!(answer.blocking_recv(), Ok(Ok(())))));
}

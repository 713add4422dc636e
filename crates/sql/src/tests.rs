//! Group commit, migrations, locks and backups.

mod reading;
#[cfg(feature = "testing")]
mod servers;

use super::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A state that counts what happened to it and keeps numbers to be flushed.
#[derive(Default)]
struct Numbers {
    waiting: Vec<i64>,
    groups: Arc<AtomicUsize>,
    reloads: Arc<AtomicUsize>,
}

impl GroupState for Numbers {
    type Hint = ();

    fn begin(&mut self, _: &Connection) -> Result<(), SqlError> {
        self.groups.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn expect(&mut self, _: &Connection, _: &[()]) -> Result<(), SqlError> {
        Ok(())
    }

    fn wrote(&mut self) {}

    fn was_committed(&mut self, _: &Connection) -> Result<bool, SqlError> {
        Ok(false)
    }

    fn mark(&mut self) -> usize {
        self.waiting.len()
    }

    fn undo_to(&mut self, mark: usize) {
        self.waiting.truncate(mark);
    }

    fn weight(&self) -> usize {
        self.waiting.len()
    }

    fn flush(&mut self, connection: &Connection) -> Result<(), SqlError> {
        for number in &self.waiting {
            connection.execute("INSERT INTO flushed(n) VALUES (?1)", params![*number])?;
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.waiting.clear();
    }

    fn reload(&mut self, _: &Connection) -> Result<(), SqlError> {
        self.reloads.fetch_add(1, Ordering::SeqCst);
        self.waiting.clear();
        Ok(())
    }
}

const TABLES: &[Migration] = &[Migration {
    version: 1,
    name: "tables",
    sql: "CREATE TABLE flushed(n INTEGER NOT NULL) STRICT; CREATE TABLE row(n INTEGER PRIMARY KEY, text TEXT) STRICT;",
}];

fn connection(directory: &Path) -> Connection {
    let connection = Connection::open_writer(&directory.join(FILE_NAME), 1024).expect("opens");
    migrate(&connection, TABLES).expect("migrates");
    connection
}

fn start(directory: &Path, limits: Limits) -> (Writer<Numbers>, Arc<AtomicUsize>) {
    let state = Numbers::default();
    let reloads = Arc::clone(&state.reloads);
    let writer = Writer::start(&Database::File(directory.join(FILE_NAME)), connection(directory), state, limits)
        .expect("starts");
    (writer, reloads)
}

fn insert(writer: &Writer<Numbers>, number: i64, verdict: Verdict) -> Result<Result<usize, SqlError>, UnitError> {
    let body = move |unit: &mut Unit<'_, Numbers>| {
        unit.state.waiting.push(number);
        (verdict, unit.execute("INSERT INTO row(n, text) VALUES (?1, 'x')", params![number]))
    };
    writer.submit(Lane::Interactive, body).blocking_recv().expect("the writer answers")
}

fn count(directory: &Path, table: &str) -> i64 {
    let reader = Connection::open_reader(&directory.join(FILE_NAME)).expect("opens");
    reader.number(&format!("SELECT count(*) FROM {table}"), &[]).expect("reads")
}

#[test]
fn a_unit_is_kept_whole_or_undone_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, _) = start(directory.path(), Limits { rehearse: true, ..Limits::default() });
    for number in 0..10 {
        let verdict = if number % 2 == 0 { Verdict::Keep } else { Verdict::Undo };
        assert!(matches!(insert(&writer, number, verdict), Ok(Ok(1))));
    }
    assert_eq!((count(directory.path(), "row"), count(directory.path(), "flushed")), (5, 5));
}

#[test]
fn a_full_disk_fails_the_group_and_the_next_one_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, reloads) = start(directory.path(), Limits::default());
    let fill = |pages: i64| {
        let body = move |unit: &mut Unit<'_, Numbers>| {
            let pages = unit.reading().number(&format!("PRAGMA max_page_count = {pages}"), &[]);
            let wide = "x".repeat(1 << 16);
            let filled = (0..20).try_for_each(|n| {
                unit.execute("INSERT INTO row(n, text) VALUES (?1, ?2)", params![1000 + n, &wide]).map(drop)
            });
            unit.state.waiting.push(1);
            (Verdict::Keep, (pages, filled))
        };
        writer.submit(Lane::Interactive, body).blocking_recv().expect("the writer answers")
    };
    match fill(12) {
        Ok((_, Err(SqlError::Full(_)))) | Err(UnitError::NotCommitted) => {}
        other => panic!("the disk was not full: {other:?}"),
    }
    let before = count(directory.path(), "row");
    assert!(matches!(fill(1_000_000), Ok((Ok(_), Ok(())))), "there is room again");
    assert_eq!(count(directory.path(), "row") - before, 20);
    assert!(reloads.load(Ordering::SeqCst) <= 1);
}

#[test]
fn a_full_queue_and_a_long_wait_are_definite_refusals() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits { queue: 2, patience: Duration::ZERO, ..Limits::default() };
    let (writer, _) = start(directory.path(), limits);
    let (resume, wait) = std::sync::mpsc::channel::<()>();
    let (ready, begun) = std::sync::mpsc::channel::<()>();
    // Bulk work is patient: the blocker itself never expires.
    let blocker = writer.submit(Lane::Bulk, move |_| {
        ready.send(()).expect("the test waits");
        (Verdict::Keep, wait.recv().is_err())
    });
    begun.recv().expect("the writer is busy");
    let queued: Vec<_> = (0..3).map(|_| writer.submit(Lane::Interactive, |_| (Verdict::Keep, ()))).collect();
    assert_eq!(writer.waiting(), 2);
    drop(resume);
    assert!(matches!(blocker.blocking_recv(), Ok(Ok(true))));
    let answers: Vec<_> = queued.into_iter().map(|answer| answer.blocking_recv().expect("answered")).collect();
    assert!(matches!(answers[2], Err(UnitError::Overloaded)));
    assert!(matches!(answers[0], Err(UnitError::Expired)) && matches!(answers[1], Err(UnitError::Expired)));
}

#[test]
fn who_waited_too_long_is_told_so_and_who_came_later_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits { patience: Duration::from_millis(200), ..Limits::default() };
    let (writer, _) = start(directory.path(), limits);
    let (resume, wait) = std::sync::mpsc::channel::<()>();
    let (ready, begun) = std::sync::mpsc::channel::<()>();
    // Bulk work is patient: the blocker itself never expires.
    let blocker = writer.submit(Lane::Bulk, move |_| {
        ready.send(()).expect("the test waits");
        (Verdict::Keep, wait.recv().is_err())
    });
    begun.recv().expect("the writer is busy");
    let early = writer.submit(Lane::Interactive, |_| (Verdict::Keep, ()));
    std::thread::sleep(Duration::from_millis(300));
    let late = writer.submit(Lane::Interactive, |_| (Verdict::Keep, ()));
    drop(resume);
    assert!(matches!(blocker.blocking_recv(), Ok(Ok(true))));
    assert!(matches!(early.blocking_recv(), Ok(Err(UnitError::Expired))), "a definite no: it was not started");
    assert!(matches!(late.blocking_recv(), Ok(Ok(()))));
}

#[test]
fn a_stopped_writer_has_drained_its_queue() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, _) = start(directory.path(), Limits::default());
    let answers: Vec<_> = (0..100)
        .map(|n| {
            writer.submit(Lane::Interactive, move |unit: &mut Unit<'_, Numbers>| {
                (Verdict::Keep, unit.execute("INSERT INTO row(n) VALUES (?1)", params![n]).is_ok())
            })
        })
        .collect();
    drop(writer);
    assert!(answers.into_iter().all(|answer| matches!(answer.blocking_recv(), Ok(Ok(true)))));
    assert_eq!(count(directory.path(), "row"), 100);
}

#[test]
fn migrations_apply_once_in_order_and_a_failing_one_keeps_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let connection = connection(directory.path());
    assert_eq!(migrate(&connection, TABLES).expect("nothing to do"), 0);
    let broken = Migration { version: 2, name: "broken", sql: "CREATE TABLE half(n INTEGER); SELECT nonsense;" };
    let list = [TABLES[0], broken];
    assert!(matches!(migrate(&connection, &list), Err(MigrationError::Failed(2, _))));
    assert_eq!(connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'half'", &[]).expect("reads"), 0);
    assert_eq!(schema_version(&connection).expect("reads"), 1);
    assert!(matches!(migrate(&connection, &[]), Err(MigrationError::Newer { found: 1, known: 0 })));
    let disordered = [Migration { version: 3, ..TABLES[0] }, Migration { version: 2, ..TABLES[0] }];
    assert!(matches!(migrate(&connection, &disordered), Err(MigrationError::Disordered(2))));
}

#[test]
fn a_directory_has_one_holder() {
    let directory = tempfile::tempdir().expect("a directory");
    let held = DirectoryLock::take(directory.path()).expect("free");
    assert!(matches!(DirectoryLock::take(directory.path()), Err(LockError::InUse)));
    drop(held);
    assert!(DirectoryLock::take(directory.path()).is_ok());
}

#[test]
fn a_damaged_backup_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    {
        let connection = connection(directory.path());
        for n in 0..2000 {
            connection.execute("INSERT INTO row(n, text) VALUES (?1, 'some text')", params![n]).expect("writes");
        }
    }
    let copy = directory.path().join("copy.db");
    let source = Connection::open_copier(&directory.path().join(FILE_NAME)).expect("opens");
    copy_to(&source, &copy).expect("copies");
    check_file(&copy).expect("sound");
    let mut bytes = std::fs::read(&copy).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 600].fill(0xA5);
    std::fs::write(&copy, bytes).expect("writes");
    assert!(check_file(&copy).is_err());
}

#[test]
fn a_unit_that_passes_over_a_failed_statement_is_not_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, _) = start(directory.path(), Limits::default());
    assert!(insert(&writer, 1, Verdict::Keep).is_ok());
    let body = |unit: &mut Unit<'_, Numbers>| {
        let kept = unit.execute("INSERT INTO row(n) VALUES (2)", &[]);
        unit.state.waiting.push(2);
        let failed = unit.execute("INSERT INTO row(n) VALUES (1)", &[]);
        (Verdict::Keep, (kept.is_ok(), failed.is_err()))
    };
    let answer = writer.submit(Lane::Interactive, body).blocking_recv().expect("the writer answers");
    assert!(matches!(answer, Err(UnitError::NotCommitted)), "{answer:?}");
    assert_eq!((count(directory.path(), "row"), count(directory.path(), "flushed")), (1, 1));
}

#[test]
fn nothing_runs_after_the_database_ended_the_groups_transaction() {
    let directory = tempfile::tempdir().expect("a directory");
    let (writer, reloads) = start(directory.path(), Limits::default());
    let body = |unit: &mut Unit<'_, Numbers>| {
        // As a full disk may do under any statement.
        unit.reading().execute("ROLLBACK", &[]).expect("ends the transaction");
        (Verdict::Keep, unit.execute("INSERT INTO row(n) VALUES (1)", &[]).is_err())
    };
    let answer = writer.submit(Lane::Interactive, body).blocking_recv().expect("the writer answers");
    assert!(matches!(answer, Err(UnitError::NotCommitted)), "{answer:?}");
    assert_eq!((count(directory.path(), "row"), reloads.load(Ordering::SeqCst)), (0, 1));
}

#[test]
fn a_reader_in_the_way_does_not_stop_the_writer_from_going_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let writer = connection(directory.path());
    writer.execute("INSERT INTO row(n) VALUES (1)", &[]).expect("writes");
    let reader = Connection::open_reader(&directory.path().join(FILE_NAME)).expect("opens");
    reader.execute("BEGIN", &[]).expect("begins");
    assert_eq!(reader.number("SELECT count(*) FROM row", &[]).expect("reads"), 1);
    writer.execute("INSERT INTO row(n) VALUES (2)", &[]).expect("writes");
    let (sender, truncated) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        assert!(!crate::checkpoint::restart(&writer, true).expect("tries"));
        let _ = sender.send(());
    });
    let waited = truncated.recv_timeout(Duration::from_secs(2));
    reader.execute("ROLLBACK", &[]).expect("ends");
    thread.join().expect("no panic");
    assert!(waited.is_ok(), "it waited for the reader");
}

#[test]
fn a_later_migration_of_an_earlier_range_is_applied_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let connection = connection(directory.path());
    let ten = Migration { version: 10, name: "ten", sql: "CREATE TABLE ten(n INTEGER) STRICT" };
    let two = Migration { version: 2, name: "two", sql: "CREATE TABLE two(n INTEGER) STRICT" };
    assert_eq!(migrate(&connection, &[TABLES[0], ten]).expect("applies"), 1);
    assert_eq!(migrate(&connection, &[TABLES[0], two, ten]).expect("applies"), 1);
    assert_eq!(connection.number("SELECT count(*) FROM two", &[]).expect("is there"), 0);
}

#[test]
fn a_backup_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    drop(connection(directory.path()));
    let copy = directory.path().join("copy.db");
    let source = Connection::open_copier(&directory.path().join(FILE_NAME)).expect("opens");
    copy_to(&source, &copy).expect("copies");
    check_file(&copy).expect("sound");
    assert_eq!(std::fs::metadata(&copy).expect("is there").permissions().mode() & 0o777, 0o600);
    assert!(matches!(copy_to(&source, &copy), Err(BackupError::Exists)));
}

#[test]
fn a_step_that_programs_of_before_cannot_work_with_must_say_so() {
    let declared = |name, sql| Migration { version: 1, name, sql }.is_declared();
    for fine in [
        "CREATE TABLE t(n INTEGER NOT NULL); CREATE UNIQUE INDEX t_n ON t(n)",
        "ALTER TABLE t ADD COLUMN m TEXT; CREATE INDEX t_m ON t(m)",
        "ALTER TABLE t ADD COLUMN m INTEGER NOT NULL DEFAULT 0",
    ] {
        assert!(declared("more", fine), "{fine}");
    }
    for taking in [
        "DROP TABLE t",
        "CREATE TABLE new(n INTEGER); DROP TABLE t; ALTER TABLE new RENAME TO t",
        "alter table t drop column m",
        "ALTER TABLE t ADD COLUMN m INTEGER NOT NULL",
        "CREATE UNIQUE INDEX t_n ON t(n)",
    ] {
        assert!(!declared("less", taking), "{taking}");
        assert!(declared("contract: less", taking), "{taking}");
    }
}

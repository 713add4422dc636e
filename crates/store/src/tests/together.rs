//! Units that share a group: rows that wait for others to go out with them, and a bad one among good ones.

use super::*;
use std::sync::mpsc;

/// Runs `bodies` in one group: all wait behind a unit that holds the writer until they stand in the queue.
fn in_one_group<F>(store: &Store, bodies: Vec<F>) -> Vec<Result<Outcome<(), ()>, StoreError>>
where
    F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<(), ()>, StoreError> + Send + 'static,
{
    let (ready, begun) = mpsc::channel::<()>();
    let (go_on, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            store.write_blocking(move |_| {
                let _ = ready.send(());
                let _ = wait.recv_timeout(std::time::Duration::from_secs(30));
                Ok(Outcome::<(), ()>::Done(()))
            })
        });
        begun.recv().expect("the writer is held");
        let count = bodies.len();
        let workers: Vec<_> = bodies.into_iter().map(|body| scope.spawn(move || store.write_blocking(body))).collect();
        while store.waiting() < count {
            std::thread::yield_now();
        }
        drop(go_on);
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    })
}

fn plain(directory: &Path) -> Store {
    let limits = crate::Limits { patience: std::time::Duration::from_secs(60), ..Default::default() };
    Store::open(options(directory, &noon(), limits)).expect("the store opens")
}

const MARK: &str = "INSERT INTO watermark(name, line) VALUES (?1, ?2)";

#[test]
fn a_row_that_cannot_be_written_fails_its_own_unit_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = plain(directory.path());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 100));
    // Each pays one and marks a name; the third takes the first one's, which on a server shows when all go out together.
    let bodies = ["a", "b", "a", "c"].into_iter().zip(10_u128..).map(|(name, id)| {
        let paid = entry(id, vec![step(2, 3, 1)]);
        move |uow: &mut Uow<'_, '_>| {
            assert!(uow.post(&paid)?.is_ok(), "there is enough");
            uow.put(MARK, sql::params![name, 0])?;
            Ok(Outcome::Done(()))
        }
    });
    let answers = in_one_group(&store, bodies.collect());
    let kept = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(kept, 3, "{answers:?}");
    assert!(answers[1].is_ok() && answers[3].is_ok(), "{answers:?}");
    assert_eq!(posted(&store, 3), 3, "the failed unit's money was not moved");
    assert!(post(&store, 50, 2, 3, 97), "and the store goes on");
    drop(store);
    assert_eq!(posted(&plain(directory.path()), 3), 100, "as it was kept");
}

#[test]
fn rows_of_an_undone_attempt_go_nowhere_and_those_before_it_stay() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = plain(directory.path());
    done(store.write_blocking(|uow| {
        uow.put(MARK, sql::params!["before", 1])?;
        let undone = uow.attempt(|uow| {
            uow.put(MARK, sql::params!["undone in line", 1])?;
            Ok::<Result<(), ()>, StoreError>(Err(()))
        })?;
        let sent = uow.attempt(|uow| {
            uow.put(MARK, sql::params!["undone after it went out", 1])?;
            let seen = uow.reading().number("SELECT count(*) FROM watermark WHERE name LIKE 'undone%'", &[])?;
            assert_eq!(seen, 1, "a unit sees what stands in line");
            Ok::<Result<(), ()>, StoreError>(Err(()))
        })?;
        let kept = uow.attempt(|uow| {
            uow.put(MARK, sql::params!["kept", 1])?;
            Ok::<Result<(), ()>, StoreError>(Ok(()))
        })?;
        assert_eq!((undone, sent, kept), (Err(()), Err(()), Ok(())));
        Ok(Outcome::Done(()))
    }));
    let names = |snapshot: &Snapshot<'_>| {
        let sql = "SELECT name FROM watermark WHERE name IN ('before', 'kept') OR name LIKE 'undone%' ORDER BY name";
        Ok(snapshot.reading().query(sql, &[], |row| row.text(0))?)
    };
    assert_eq!(store.read_blocking(names).expect("reads"), ["before", "kept"]);
}

#[test]
fn keys_that_were_looked_up_for_many_units_act_once_each() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = plain(directory.path());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 100));
    let key = |number: u8| [number; 16];
    for round in 0..2_u128 {
        std::thread::scope(|scope| {
            for (number, id) in (0..40_u8).zip(100 + round * 100..) {
                let (store, key) = (&store, key(number % 20));
                let paid = entry(id, vec![step(2, 3, 1)]);
                scope.spawn(move || {
                    let answer = store.write_recalling_blocking(&[key], move |uow| {
                        if uow.recall(&key)?.is_none() {
                            assert!(uow.post(&paid)?.is_ok(), "there is enough");
                            uow.remember(key, [1; 16], vec![number]);
                        }
                        Ok(Outcome::<(), ()>::Done(()))
                    });
                    done(answer);
                });
            }
        });
        assert_eq!(posted(&store, 3), 20, "once for each key, and never again");
    }
}

#[test]
fn groups_of_every_size_are_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = plain(directory.path());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 1_000));
    let mut id = 1_000;
    for size in [1, 2, 15, 16, 17, 32, 33] {
        let bodies = (0..size).map(|_| {
            id += 1;
            let paid = entry(id, vec![step(2, 3, 1)]);
            move |uow: &mut Uow<'_, '_>| {
                assert!(uow.post(&paid)?.is_ok(), "there is enough");
                Ok(Outcome::Done(()))
            }
        });
        let answers = in_one_group(&store, bodies.collect());
        assert!(answers.iter().all(Result::is_ok), "{size}: {answers:?}");
    }
    assert_eq!(posted(&store, 3), 116);
}

//! What a unit of work promises while the store is up.

use super::*;
use crate::NewEvent;
use sql::SqlError;

fn event(subject: u128) -> NewEvent {
    NewEvent { kind: "test.happened", version: 1, owner: Some(9), subject, body: "{}".to_owned() }
}

#[test]
fn trouble_leaves_nothing_behind_and_events_stay_gap_free() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 100, 1, 2, 500));
    for round in 0..20_u128 {
        let fails = round % 3 == 0;
        let result = store.write_blocking(move |uow| {
            uow.emit(event(round));
            uow.remember([u8::try_from(round).unwrap_or(0); 16], [1; 16], vec![1]);
            assert!(uow.post(&entry(200 + round, vec![step(2, 3, 1)]))?.is_ok());
            uow.schedule(uow.now(), "nothing", round)?;
            if fails { Err(StoreError::Unavailable) } else { Ok(Outcome::<(), ()>::Done(())) }
        });
        assert_eq!(result.is_err(), fails);
    }
    assert_eq!(posted(&store, 3), 13, "seven of twenty failed");
    let (events, jobs) = store
        .read_blocking(|snapshot| Ok((snapshot.events_after(0, None, 100)?, snapshot.due_jobs(&["nothing"], 100)?)))
        .expect("reads");
    assert_eq!(events.iter().map(|event| event.no).collect::<Vec<_>>(), (1..=13).collect::<Vec<_>>());
    assert_eq!(jobs.len(), 13);
    let recalled =
        store.write_blocking(|uow| Ok(Outcome::<_, ()>::Done((uow.recall(&[0; 16])?, uow.recall(&[1; 16])?))));
    let Ok(Outcome::Done((undone, kept))) = recalled else { panic!("trouble") };
    assert!(undone.is_none() && kept.is_some());
}

#[test]
fn a_refusal_keeps_what_must_be_remembered_and_moves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    let refused = store.write_blocking(|uow| {
        let no = uow.post(&entry(1, vec![step(2, 3, 1)]))?.expect_err("nothing is there");
        uow.remember([5; 16], [5; 16], b"no".to_vec());
        Ok(Outcome::<(), _>::Refused(no.code()))
    });
    assert_eq!(refused.ok(), Some(Outcome::Refused(vocabulary::ErrorCode::InsufficientFunds)));
    let recalled = done(store.write_blocking(|uow| Ok(Outcome::Done(uow.recall(&[5; 16])?))));
    assert_eq!(recalled.map(|found| found.response), Some(b"no".to_vec()));
    assert_eq!((posted(&store, 2), posted(&store, 3)), (0, 0));
}

#[test]
fn a_panic_undoes_its_own_unit_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 10));
    let panicked = store.write_blocking(|uow| -> Result<Outcome<(), ()>, StoreError> {
        assert!(uow.post(&entry(2, vec![step(2, 3, 10)]))?.is_ok());
        uow.schedule(uow.now(), "nothing", 1)?;
        panic!("on purpose");
    });
    assert!(matches!(panicked, Err(StoreError::Bug(_))));
    assert_eq!((posted(&store, 2), posted(&store, 3)), (10, 0));
    assert!(post(&store, 3, 2, 3, 4), "the writer goes on");
    assert_eq!(posted(&store, 3), 4);
}

#[test]
fn an_entry_id_posts_once_and_other_content_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 10));
    assert!(post(&store, 1, 1, 2, 10), "the same again is fine");
    assert!(!post(&store, 1, 1, 2, 11), "other content is not");
    assert_eq!(posted(&store, 2), 10);
}

#[test]
fn a_second_process_is_refused_with_a_clear_message() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let store = open(directory.path(), &clock);
    let Err(error) = Store::open(options(directory.path(), &clock, crate::Limits::default())) else {
        panic!("two at once")
    };
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("another process has this data directory open"), "{source}");
    drop(store);
    assert!(Store::open(options(directory.path(), &clock, crate::Limits::default())).is_ok());
}

#[test]
fn two_hundred_debits_in_parallel_never_take_more_than_there_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 50));
    let taken: usize = std::thread::scope(|scope| {
        let store = &store;
        let threads: Vec<_> =
            (0..200_u128).map(|i| scope.spawn(move || usize::from(post(store, 1000 + i, 2, 3, 1)))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!((taken, posted(&store, 2), posted(&store, 3)), (50, 0, 50));
}

#[test]
fn a_reader_sees_one_moment_while_money_moves() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 1000));
    let stopped = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, stop) = (&store, &stopped);
        scope.spawn(move || {
            for i in 0..300_u128 {
                let (debit, credit) = if i % 2 == 0 { (2, 3) } else { (3, 2) };
                assert!(post(store, 5000 + i, debit, credit, 700));
            }
            stop.store(true, Ordering::SeqCst);
        });
        while !stop.load(Ordering::SeqCst) {
            let sum = store
                .read_blocking(|snapshot| {
                    Ok(snapshot.balance(AccountNo(2))?.posted + snapshot.balance(AccountNo(3))?.posted)
                })
                .expect("reads");
            assert_eq!(sum, 1000);
        }
    });
}

#[test]
fn a_job_ends_in_the_unit_that_does_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let store = open(directory.path(), &clock);
    done(store.write_blocking(|uow| {
        uow.schedule(uow.now().plus_seconds(60), "ring", 1)?;
        uow.schedule(uow.now().plus_seconds(60), "ring", 2)?;
        uow.cancel_jobs("ring", 2)?;
        Ok(Outcome::Done(()))
    }));
    let due = |store: &Store| store.read_blocking(|snapshot| snapshot.due_jobs(&["ring"], 10)).expect("reads");
    assert!(due(&store).is_empty());
    clock.0.fetch_add(61_000_000, Ordering::SeqCst);
    let jobs = due(&store);
    assert_eq!(jobs.iter().map(|job| job.subject).collect::<Vec<_>>(), [1]);
    let no = jobs[0].claim;
    for first in [true, false] {
        assert_eq!(done(store.write_blocking(move |uow| Ok(Outcome::Done(uow.finish_job(no)?)))), first);
    }
}

#[test]
fn a_broken_rule_of_the_schema_is_our_mistake_not_a_refusal() {
    assert!(matches!(StoreError::from(SqlError::Constraint("x".to_owned())), StoreError::Bug(_)));
    assert!(matches!(StoreError::from(SqlError::Io("x".to_owned())), StoreError::Unavailable));
}

#[test]
fn a_refusal_that_moved_money_is_our_mistake_and_is_undone() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 10));
    let result = store.write_blocking(|uow| {
        assert!(uow.post(&entry(2, vec![step(2, 3, 10)]))?.is_ok());
        let no = uow.post(&entry(3, vec![step(2, 3, 10)]))?.expect_err("nothing is left");
        Ok(Outcome::<(), _>::Refused(no.code()))
    });
    assert!(matches!(result, Err(StoreError::Bug(_))), "{result:?}");
    assert_eq!((posted(&store, 2), posted(&store, 3)), (10, 0));
}

#[test]
fn an_attempt_that_says_no_leaves_no_rows_either() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    let opened = done(store.write_blocking(|uow| {
        let no: Result<(), ()> = uow.attempt(|uow| {
            uow.open_account(&account(50, Class::Liability, Floor::At(0), GroupNo::NONE))?;
            uow.schedule(uow.now(), "ring", 1)?;
            Ok(Err(()))
        })?;
        assert!(no.is_err());
        let kept: Result<_, ()> = uow
            .attempt(|uow| Ok(Ok(uow.open_account(&account(51, Class::Liability, Floor::At(0), GroupNo::NONE))?)))?;
        Ok(Outcome::Done(kept))
    }));
    assert_eq!(opened, Ok(Some(AccountNo(4))));
    assert!(store.read_blocking(|snapshot| snapshot.due_jobs(&["ring"], 10)).expect("reads").is_empty());
    assert!(post(&store, 1, 1, 4, 10));
}

#[test]
fn a_job_that_comes_late_does_not_end_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    let ring = |subject: u128| {
        done(store.write_blocking(move |uow| {
            uow.schedule(uow.now(), "ring", subject)?;
            Ok(Outcome::Done(()))
        }));
        store.read_blocking(|snapshot| snapshot.due_jobs(&["ring"], 10)).expect("reads").remove(0).claim
    };
    let first = ring(1);
    assert!(done(store.write_blocking(move |uow| Ok(Outcome::Done(uow.finish_job(first)?)))));
    let second = ring(2);
    assert!(!done(store.write_blocking(move |uow| Ok(Outcome::Done(uow.finish_job(first)?)))));
    assert!(done(store.write_blocking(move |uow| Ok(Outcome::Done(uow.finish_job(second)?)))));
}

#[test]
fn a_read_that_takes_too_long_or_finds_no_reader_is_trouble_of_its_own_and_stops_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let life = std::time::Duration::from_millis(40);
    let reads = crate::ReadLimits { life, most: 1, patience: std::time::Duration::ZERO, ..Default::default() };
    let store =
        Store::open(Options { reads, ..options(directory.path(), &noon(), Default::default()) }).expect("opens");
    people(&store, 2);
    let long = store.read_blocking(|snapshot| {
        loop {
            snapshot.accounts_after(AccountNo(0), 10)?;
        }
        #[expect(unreachable_code, reason = "it says what the loop would return")]
        Ok(())
    });
    assert!(matches!(long, Err(StoreError::TooLong)), "{long:?}");
    let beside = store.read_blocking(|_| {
        let second = store.read_blocking(|snapshot| Ok(snapshot.last_line()));
        let looked_up = store.look_up(|reading| Ok(reading.number("SELECT count(*) FROM account", &[])?));
        Ok((second, looked_up))
    });
    let (second, looked_up) = beside.expect("reads");
    assert!(matches!(second, Err(StoreError::Overloaded)), "{second:?}");
    assert!(matches!(looked_up, Ok(3)), "a look-up does not wait behind snapshots: {looked_up:?}");
    assert!(post(&store, 1, 1, 2, 10), "the writer is not concerned");
}

#[test]
fn a_unit_that_passes_over_trouble_while_posting_is_not_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 10));
    done(store.write_blocking(|uow| {
        // A group that does not exist: the books of account 4 are damaged.
        let broken = account(4, Class::Liability, Floor::At(0), GroupNo(99));
        Ok(Outcome::Done(uow.open_account(&broken)?))
    }));
    let result = store.write_blocking(|uow| {
        let first = uow.post(&entry(2, vec![step(2, 3, 10)]))?.is_ok();
        let trouble = uow.post(&entry(3, vec![step(1, 4, 10)])).is_err();
        Ok(Outcome::<_, ()>::Done((first, trouble)))
    });
    assert!(matches!(result, Err(StoreError::Unavailable)), "{result:?}");
    assert_eq!((posted(&store, 2), posted(&store, 3)), (10, 0));
}

#[test]
fn due_jobs_are_those_of_the_kinds_asked_for_the_longest_due_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    done(store.write_blocking(|uow| {
        for (before, kind, subject) in
            [(1, "knock", 1), (3, "ring", 2), (2, "knock", 3), (9, "call", 4), (-1, "ring", 5)]
        {
            uow.schedule(uow.now().plus_seconds(-before), kind, subject)?;
        }
        Ok(Outcome::Done(()))
    }));
    let due = |kinds: &'static [&'static str], limit| {
        let jobs = store.read_blocking(|snapshot| snapshot.due_jobs(kinds, limit)).expect("reads");
        jobs.iter().map(|job| job.subject).collect::<Vec<_>>()
    };
    assert_eq!(due(&["ring", "knock"], 10), [2, 3, 1]);
    assert_eq!((due(&["knock", "ring"], 2), due(&["call"], 2), due(&[], 2)), (vec![2, 3], vec![4], vec![]));
    assert_eq!(store.read_blocking(|snapshot| snapshot.job_kinds()).expect("reads"), ["call", "knock", "ring"]);
}

#[test]
fn a_past_balance_costs_no_more_for_an_account_that_moves_all_the_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let store = open(directory.path(), &clock);
    people(&store, 4);
    // As drawn ids are; ids that differ in their last digits alone would all be looked up under one hash.
    let spread = |id: u128| id.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    // 2 moves with every line, 3 with every tenth, 4 once before and once at the very end, 5 never.
    let mut balances = Vec::new();
    for minute in 0..40_u128 {
        let entries = (0..100_u128).map(|i| {
            let to = if i % 10 == 0 { 3 } else { 1 };
            entry(spread(minute * 100 + i + 1), vec![if to == 3 { step(2, 3, 1) } else { step(1, 2, 1) }])
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.rotate_left(1);
        if minute == 1 || minute == 39 {
            entries.push(entry(spread(90_000 + minute), vec![step(1, 4, 7)]));
        }
        balances.push([2, 3, 4, 5].map(|no| posted(&store, no)));
        done(store.write_blocking(move |uow| {
            for entry in &entries {
                uow.post(entry)?.expect("posts");
            }
            Ok(Outcome::Done(()))
        }));
        clock.0.fetch_add(60_000_000, Ordering::SeqCst);
    }
    let begin = noon().0.load(Ordering::SeqCst);
    for (minute, expected) in balances.iter().enumerate() {
        let at = Timestamp::from_micros(begin + i64::try_from(minute).expect("small") * 60_000_000);
        for (no, balance) in [2, 3, 4, 5].into_iter().zip(expected) {
            let read = |snapshot: &Snapshot<'_>| {
                let found = snapshot.balance_before(AccountNo(no), at)?.posted;
                Ok((found, snapshot.lines_read()))
            };
            let (found, lines) = store.read_blocking(read).expect("reads");
            assert_eq!(found, *balance, "account {no} before minute {minute}");
            assert!(lines < 150, "account {no} before minute {minute}: {lines} lines of 4,002");
        }
    }
}

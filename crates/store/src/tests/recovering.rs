//! What survives: restarts without an orderly stop, backups, the calendar's turn, a failed group.

use super::*;
use ledger::{Account, LimitSet, Window};

#[test]
fn dirty_balances_limits_and_keys_are_folded_from_the_journal_on_start() {
    if on_server() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let limits = LimitSet { out: [None, Some(1000), None, None], ..LimitSet::default() };
    {
        let store = open(directory.path(), &clock);
        people(&store, 0);
        done(store.write_blocking(move |uow| {
            uow.set_profile(3, &limits)?;
            let group = uow.open_group(3, Some(2))?;
            uow.open_account(&account(2, Class::Liability, Floor::At(0), group))?;
            for id in 3..300 {
                uow.open_account(&account(id, Class::Liability, Floor::At(0), GroupNo::NONE))?;
            }
            uow.remember([7; 16], [8; 16], vec![9]);
            Ok(Outcome::Done(()))
        }));
        assert!(post(&store, 1, 1, 2, 5000));
        assert!(post(&store, 2, 2, 3, 600));
    }
    let file = directory.path().join(sql::FILE_NAME);
    let raw = sql::Connection::open_reader(&file).expect("opens");
    let stored = |no| crate::slices::read_one::<Account>(&raw, no).expect("reads").expect("is there");
    assert_eq!(stored(2).debits_posted, 0, "the table lags: the test would prove nothing otherwise");
    drop(raw);
    let store = open(directory.path(), &clock);
    assert_eq!((posted(&store, 2), posted(&store, 3)), (4400, 600));
    assert!(post(&store, 2, 2, 3, 600), "the id is still known: the same again posts nothing");
    assert_eq!(posted(&store, 3), 600);
    let refused = store.write_blocking(|uow| match uow.post(&entry(3, vec![step(2, 3, 500)]))? {
        Ok(_) => Ok(Outcome::Done(())),
        Err(refusal) => Ok(Outcome::Refused(refusal)),
    });
    match refused {
        Ok(Outcome::Refused(ledger::Refusal::Limit(reached))) => {
            assert_eq!((reached.window, reached.limit, reached.left), (Window::Day, 1000, 400));
            assert_eq!(reached.resets_at.map(|at| at.to_string()), Some("2026-11-22T16:00:00Z".to_owned()));
        }
        other => panic!("{other:?}"),
    }
    assert!(done(store.write_blocking(|uow| Ok(Outcome::Done(uow.recall(&[7; 16])?)))).is_some());
    clock.0.fetch_add(5 * 3_600_000_000, Ordering::SeqCst);
    assert!(post(&store, 4, 2, 3, 500), "a new day in Shanghai");
}

#[test]
fn changed_terms_survive_a_crash_though_no_journal_line_tells_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    {
        let store = open(directory.path(), &clock);
        people(&store, 2);
        assert!(post(&store, 1, 1, 2, 50));
        done(store.write_blocking(|uow| {
            let mut account = uow.account(ledger::AccountNo(2))?.expect("open");
            (account.floor, account.freeze.debit) = (Floor::At(-20), true);
            uow.change_account(&account)?;
            let group = uow.open_group(3, None)?;
            uow.set_group_profile(group, 4)?;
            uow.set_profile(4, &LimitSet { balance: Some(9), ..LimitSet::default() })?;
            Ok(Outcome::Done(()))
        }));
    }
    let store = open(directory.path(), &clock);
    let (account, (_, limits)) = done(store.write_blocking(|uow| {
        Ok(Outcome::Done((uow.account(ledger::AccountNo(2))?.expect("open"), uow.group(GroupNo(1))?)))
    }));
    assert_eq!((account.floor, account.freeze.debit, account.credits_posted), (Floor::At(-20), true, 50));
    assert_eq!(limits.balance, Some(9));
}

#[test]
fn an_orderly_stop_leaves_nothing_to_fold() {
    if on_server() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    {
        let store = open(directory.path(), &clock);
        people(&store, 100);
        for i in 0..100 {
            assert!(post(&store, 500 + u128::from(i), 1, 2 + i, 7));
        }
        store.settle_blocking().expect("settles");
    }
    let raw = sql::Connection::open_reader(&directory.path().join(sql::FILE_NAME)).expect("opens");
    let stored = |no| crate::slices::read_one::<Account>(&raw, no).expect("reads").expect("is there");
    let exact: i64 = (1..=101).map(|no| stored(no).credits_posted).sum();
    let by_view = raw.number("SELECT sum(posted) FROM balance WHERE no > 1", &[]).expect("reads");
    assert_eq!((exact, by_view), (700, 700));
    drop(raw);
    let store = open(directory.path(), &clock);
    assert!(post(&store, 500, 1, 2, 7), "the index knows the id");
    assert_eq!(posted(&store, 2), 7);
}

#[test]
fn a_backup_of_a_running_store_opens_as_a_store_of_its_own() {
    if on_server() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let other = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let store = open(directory.path(), &clock);
    people(&store, 2);
    assert!(post(&store, 1, 1, 2, 10));
    let copy = other.path().join(sql::FILE_NAME);
    store.backup_blocking(&copy).expect("copies");
    assert!(store.backup_blocking(&copy).is_err(), "nothing is overwritten");
    assert!(post(&store, 2, 1, 2, 10));
    let restored = open(other.path(), &clock);
    assert_eq!((posted(&store, 2), posted(&restored, 2)), (20, 10));
}

fn bulk(runtime: &tokio::runtime::Runtime, store: &Store, entries: Vec<Entry>) -> crate::BulkResults {
    match runtime.block_on(store.bulk(entries)).expect("no trouble") {
        Outcome::Done(results) => results,
        Outcome::Refused(too_many) => panic!("{too_many}"),
    }
}

#[test]
fn a_bulk_call_of_too_many_transfers_is_refused_and_posts_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let chunk = |entries: usize, steps: usize| -> Vec<Entry> {
        (1..=entries as u128).map(|id| entry(id, vec![step(1, 2, 1); steps])).collect()
    };
    for entries in [chunk(crate::BULK_MOST + 1, 1), chunk(crate::BULK_MOST / 2 + 1, 2)] {
        let Outcome::Refused(no) = runtime.block_on(store.bulk(entries)).expect("no trouble") else { panic!("posted") };
        assert_eq!((no.asked > crate::BULK_MOST, no.code().as_str()), (true, "too_many_at_once"));
    }
    assert_eq!((posted(&store, 2), store.waiting()), (0, 0));
    assert_eq!(bulk(&runtime, &store, chunk(crate::BULK_MOST, 1)).len(), crate::BULK_MOST);
    assert_eq!(posted(&store, 2), 10_000);
}

#[test]
fn bulk_posts_each_entry_by_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), &noon());
    people(&store, 2);
    let entries: Vec<Entry> = (0..1000_u128)
        .map(
            |i| if i % 10 == 0 { entry(i + 1, vec![step(3, 2, 1_000_000)]) } else { entry(i + 1, vec![step(1, 3, 2)]) },
        )
        .collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let results = bulk(&runtime, &store, entries);
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 100);
    assert_eq!(posted(&store, 3), 1800);
}

#[test]
fn a_sandbox_clock_moves_forward_and_stays_moved() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let later = clock.now().plus_seconds(86_400);
    {
        let store = open(directory.path(), &clock);
        assert!(runtime.block_on(store.move_clock(later)).expect("moves"));
        assert!(!runtime.block_on(store.move_clock(clock.now())).expect("answers"), "never back");
        assert_eq!(store.now(), later);
    }
    assert_eq!(open(directory.path(), &clock).now(), later);
}

#[test]
fn many_groups_keep_tables_and_memory_equal() {
    // A server looks each id up with a question of its own.
    let rounds = if on_server() { 2_u128 } else { 40 };
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    {
        let store = open(directory.path(), &clock);
        people(&store, 500);
        for round in 0..rounds {
            let entries = (0..4000_u128).map(|i| {
                let id = (round * 4000 + i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                entry(id, vec![step(1, 2 + u64::try_from(i % 500).unwrap_or(0), 1)])
            });
            let results = bulk(&runtime, &store, entries.collect());
            assert!(results.iter().all(Result::is_ok));
        }
    }
    let store = open(directory.path(), &clock);
    for no in [2, 250, 501] {
        assert_eq!(posted(&store, no), i64::try_from(rounds * 8).expect("few"));
    }
    let id = 4000_u128.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    assert!(!post(&store, id, 1, 2, 99), "an id of the first round is still known");
}

#[test]
fn a_machine_that_comes_back_with_a_slower_clock_does_not_give_a_day_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let limits = LimitSet { out: [None, Some(1000), None, None], ..LimitSet::default() };
    {
        let store = open(directory.path(), &clock);
        people(&store, 0);
        done(store.write_blocking(move |uow| {
            uow.set_profile(3, &limits)?;
            let group = uow.open_group(3, Some(2))?;
            uow.open_account(&account(2, Class::Liability, Floor::At(0), group))?;
            uow.open_account(&account(3, Class::Liability, Floor::At(0), GroupNo::NONE))?;
            Ok(Outcome::Done(()))
        }));
        assert!(post(&store, 1, 1, 2, 5000) && post(&store, 2, 2, 3, 1000));
    }
    clock.0.fetch_sub(24 * 3_600_000_000, Ordering::SeqCst);
    let store = open(directory.path(), &clock);
    assert!(!post(&store, 3, 2, 3, 1), "the day before the last is no new day");
}

#[test]
fn of_two_moves_of_the_clock_at_once_the_farther_one_stands() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (near, far) = (clock.now().plus_seconds(60), clock.now().plus_seconds(86_400));
    {
        let store = open(directory.path(), &clock);
        runtime.block_on(async {
            // Both have looked at the clock before either moves it.
            let (far, near) = tokio::join!(store.move_clock(far), store.move_clock(near));
            assert!(far.is_ok() && near.is_ok());
        });
        assert_eq!(store.now(), far);
    }
    assert_eq!(open(directory.path(), &clock).now(), far);
}

#[test]
fn an_owner_finds_its_events_in_order_before_and_after_the_watermark() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let event = |owner: u128, no: u128| crate::NewEvent {
        kind: "test.happened",
        version: 1,
        owner: Some(owner),
        subject: no,
        body: "{}".to_owned(),
    };
    let seen = |store: &Store, after: u64| {
        let read = |snapshot: &Snapshot<'_>| snapshot.events_after(after, Some(3), 10_000);
        store.read_blocking(read).expect("reads").iter().map(|event| event.no).collect::<Vec<_>>()
    };
    let expected = |from: u64| (1..=30_000_u64).filter(|no| no % 7 == 3 && *no > from).collect::<Vec<_>>();
    {
        let store = open(directory.path(), &clock);
        for part in 0..30_u128 {
            done(store.write_blocking(move |uow| {
                (1..=1000).for_each(|no| uow.emit(event((part * 1000 + no) % 7, part * 1000 + no)));
                Ok(Outcome::Done(()))
            }));
        }
        assert_eq!(seen(&store, 0), expected(0));
        assert_eq!(seen(&store, 29_000), expected(29_000));
    }
    let store = open(directory.path(), &clock);
    assert_eq!(seen(&store, 0), expected(0), "also after a restart");
    store.settle_blocking().expect("settles");
    assert_eq!(seen(&store, 12_345), expected(12_345), "also when everything is indexed");
}

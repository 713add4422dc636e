//! Several nodes on one database, which needs a server: what one commits the other knows before it decides anything.

use super::*;
use ledger::LimitSet;

/// Two nodes of one bank, each with a directory of its own.
struct Pair {
    stores: [Store; 2],
    shared: tempfile::TempDir,
    _folders: [tempfile::TempDir; 2],
}

/// Nothing when the tests run embedded.
fn nodes() -> Option<Pair> {
    let shared = tempfile::tempdir().expect("a directory");
    let server = sql::testing::server_of(shared.path())?;
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let clock = noon();
    let stores = [0, 1].map(|node: usize| {
        let limits = crate::Limits { patience: std::time::Duration::from_secs(60), ..Default::default() };
        let options = options(folders[node].path(), &clock, limits);
        Store::open(Options { server: Some(server.clone()), ..options }).expect("the node opens")
    });
    Some(Pair { stores, shared, _folders: folders })
}

#[test]
fn what_one_node_commits_the_other_knows_before_it_decides() {
    let Some(Pair { stores: [one, two], .. }) = &nodes() else { return };
    people(one, 2);
    assert!(post(two, 1, 1, 2, 100), "the other knows the accounts");
    assert_eq!((posted(one, 2), posted(two, 2)), (100, 100), "readers see both");
    for id in 2..12 {
        let (node, other) = if id % 2 == 0 { (one, two) } else { (two, one) };
        assert!(post(node, id, 2, 3, 10));
        assert!(post(other, id, 2, 3, 10), "the same id again, on the other node: nothing is posted twice");
    }
    assert!(!post(one, 99, 2, 3, 1), "it is all gone, by both");
    assert_eq!((posted(one, 2), posted(two, 3)), (0, 100));
}

#[test]
fn terms_that_one_node_changes_bind_the_other_at_once() {
    let Some(Pair { stores: [one, two], .. }) = &nodes() else { return };
    people(one, 2);
    assert!(post(two, 1, 1, 2, 100));
    done(one.write_blocking(|uow| {
        let mut account = uow.account(AccountNo(2))?.expect("open");
        account.freeze.debit = true;
        uow.change_account(&account)?;
        Ok(Outcome::Done(()))
    }));
    assert!(!post(two, 2, 2, 3, 1), "frozen by the other node");
    done(two.write_blocking(|uow| {
        let limits = LimitSet { out: [Some(5), None, None, None], ..LimitSet::default() };
        uow.set_profile(3, &limits)?;
        let group = uow.open_group(3, Some(2))?;
        uow.open_account(&account(4, Class::Liability, Floor::At(0), group))?;
        Ok(Outcome::Done(()))
    }));
    assert!(post(one, 3, 1, 4, 100), "opened by the other node");
    assert!(!post(one, 4, 4, 3, 6), "and limited by it");
    assert!(post(one, 5, 4, 3, 5));
    assert_eq!((posted(one, 4), posted(two, 4)), (95, 95));
}

#[test]
fn many_writers_on_two_nodes_spend_no_coin_twice_and_number_without_gaps() {
    let Some(Pair { stores, .. }) = &nodes() else { return };
    people(&stores[0], 3);
    assert!(post(&stores[0], 1, 1, 2, 150));
    let paid = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..20_u128)
            .map(|worker| {
                let store = stores[usize::from(worker % 2 == 0)].clone();
                scope.spawn(move || {
                    (0..10_u128)
                        .filter(|turn| {
                            let posted = entry(1_000 + worker * 100 + turn, vec![step(2, 3, 1)]);
                            let key = [u8::try_from(worker).expect("small"); 16];
                            done(store.write_blocking(move |uow: &mut Uow<'_, '_>| {
                                uow.emit(crate::NewEvent {
                                    kind: "test.paid",
                                    version: 1,
                                    owner: None,
                                    subject: 1,
                                    body: "{}".to_owned(),
                                });
                                if uow.recall(&key)?.is_none() {
                                    uow.remember(key, [1; 16], vec![1]);
                                }
                                Ok(Outcome::Done(uow.post(&posted)?.is_ok()))
                            }))
                        })
                        .count()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum::<usize>()
    });
    assert_eq!(paid, 150);
    for store in stores {
        assert_eq!((posted(store, 2), posted(store, 3)), (0, 150));
        let events = store.read_blocking(|snapshot| snapshot.events_after(0, None, 1_000)).expect("reads");
        let numbers: Vec<u64> = events.iter().map(|event| event.no).collect();
        assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
        let lines = store.read_blocking(|snapshot| snapshot.lines_from(1, 1_000)).expect("reads");
        let numbers: Vec<u64> = lines.iter().map(|row| row.line.seq).collect();
        assert_eq!(numbers, (1..=151).collect::<Vec<_>>());
    }
}

#[test]
fn a_node_whose_connection_is_cut_says_what_became_of_its_units_and_goes_on() {
    let Some(Pair { stores: [one, two], shared, .. }) = &nodes() else { return };
    people(one, 2);
    assert!(post(one, 1, 1, 2, 10_000));
    let server = sql::testing::server_of(shared.path()).expect("as before");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (yes, no) = std::thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let connection = server.open_writer(0).expect("opens");
                let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                    AND application_name = current_schema() AND backend_xid IS NOT NULL";
                let _ = connection.number(cut, &[]);
                std::thread::sleep(std::time::Duration::from_millis(40));
            }
        });
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for id in 2..200_u128 {
            let posted = entry(id, vec![step(2, 3, 1)]);
            let node = if id % 2 == 0 { one } else { two };
            match node
                .write_blocking(move |uow: &mut Uow<'_, '_>| Ok(Outcome::<_, ()>::Done(uow.post(&posted)?.is_ok())))
            {
                Ok(Outcome::Done(true)) => yes.push(id),
                Ok(_) => panic!("there is enough"),
                Err(StoreError::Unavailable) => no.push(id),
                Err(error) => panic!("{error}"),
            }
        }
        stop.store(true, Ordering::SeqCst);
        cutter.join().expect("no panic");
        (yes, no)
    });
    let count = i64::try_from(yes.len()).expect("few");
    assert_eq!((posted(one, 3), posted(two, 3)), (count, count), "{} were refused", no.len());
    assert!(post(one, no.first().copied().unwrap_or(9_999), 2, 3, 1), "what was refused can be done again");
}

#[test]
fn what_keeps_nothing_does_not_move_the_head() {
    let Some(Pair { stores: [one, two], shared, .. }) = &nodes() else { return };
    people(one, 2);
    assert!(post(one, 1, 1, 2, 100));
    let server = sql::testing::server_of(shared.path()).expect("as before").open_writer(0).expect("opens");
    let groups = || server.number("SELECT grp FROM head", &[]).expect("a head");
    let before = groups();
    let wish = entry(2, vec![step(2, 3, 40)]);
    let tried = move |uow: &mut crate::Uow<'_, '_>| {
        uow.attempt(|uow| {
            let posted = uow.post(&wish)?.is_ok();
            uow.schedule(uow.now(), "never", 1)?;
            Ok(Err::<(), bool>(posted))
        })
    };
    let dry = tried.clone();
    let shown = one.write_blocking(move |uow| Ok(Outcome::<_, ()>::Done(dry(uow)?)));
    assert!(matches!(shown, Ok(Outcome::Done(Err(true)))), "a dry run: {shown:?}");
    let undone = one.write_blocking::<(), (), _>(move |uow| {
        uow.schedule(uow.now(), "never", 1)?;
        Err(StoreError::Bug("undone".to_owned()))
    });
    assert!(undone.is_err());
    assert_eq!(groups(), before, "no other node has anything to take in");
    let kept = one.write_blocking(move |uow| {
        uow.schedule(uow.now(), "never", 1)?;
        Ok(Outcome::<_, ()>::Done(tried(uow)?))
    });
    assert!(matches!(kept, Ok(Outcome::Done(Err(true)))), "what stood before the dry run is kept: {kept:?}");
    assert_eq!(groups(), before + 1);
    assert!(post(two, 3, 2, 3, 1));
    assert_eq!((groups(), posted(one, 2), posted(two, 2)), (before + 2, 99, 99));
}

#[test]
fn a_commit_that_the_server_does_not_vouch_for_is_unknown_and_acts_once() {
    let Some(Pair { stores: [one, two], shared, .. }) = &nodes() else { return };
    people(one, 2);
    assert!(post(one, 1, 1, 2, 100));
    let server = sql::testing::server_of(shared.path()).expect("as before").open_writer(0).expect("opens");
    // As when the wait for a standby is cancelled: the commit is done, and a warning comes with the answer.
    let warn = "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'no standby'; \
        RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER warns AFTER UPDATE ON head DEFERRABLE INITIALLY DEFERRED \
        FOR EACH ROW EXECUTE FUNCTION warn()";
    server.execute_batch(warn).expect("a trigger");
    let posted_one = entry(2, vec![step(2, 3, 40)]);
    let answer = one.write_blocking(move |uow| Ok(Outcome::<_, ()>::Done(uow.post(&posted_one)?.is_ok())));
    assert!(matches!(answer, Err(StoreError::Unknown)), "{answer:?}");
    server.execute_batch("DROP TRIGGER warns ON head").expect("dropped");
    assert!(post(one, 2, 2, 3, 40), "asked again under its id");
    assert!(post(two, 2, 2, 3, 40));
    assert_eq!((posted(one, 2), posted(two, 3)), (60, 40), "it acted once");
}

#[test]
fn a_server_without_what_this_node_was_told_is_committed_is_refused_until_the_node_starts_anew() {
    let Some(Pair { stores: [one, two], shared, .. }) = &nodes() else { return };
    people(one, 2);
    let server = sql::testing::server_of(shared.path()).expect("as before").open_writer(0).expect("opens");
    server.execute_batch("CREATE TABLE earlier AS SELECT * FROM head").expect("kept");
    assert!(post(one, 1, 1, 2, 100));
    // As on an old primary that came back: its history ends before that group.
    let back = "DELETE FROM journal WHERE seq > (SELECT line FROM earlier); DELETE FROM entry_index; \
        DELETE FROM group_mark WHERE no > (SELECT grp FROM earlier); DELETE FROM account_slice WHERE version > (SELECT grp FROM earlier); \
        UPDATE head SET (grp, token, terms, line, key, event, now) = (SELECT grp, token, terms, line, key, event, now FROM earlier)";
    server.execute_batch(back).expect("as it was");
    let again = entry(2, vec![step(1, 2, 5)]);
    let write = |node: &Store| {
        let again = again.clone();
        node.write_blocking(move |uow| Ok(Outcome::<_, ()>::Done(uow.post(&again)?.is_ok())))
    };
    for _ in 0..2 {
        assert!(matches!(write(one), Err(StoreError::Unavailable)), "it had been told of more");
        let read = one.read_blocking(|snapshot| snapshot.lines_from(1, 10));
        assert!(matches!(read, Err(StoreError::Unavailable)), "and reads nothing there either");
    }
    assert!(matches!(write(two), Ok(Outcome::Done(true))), "a node that was told nothing cannot know");
}

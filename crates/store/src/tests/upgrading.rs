//! A rolling upgrade, which needs a server: an older node pays on while a newer one starts on the same database.

use super::*;
use crate::OpenError;
use sql::{Database, Migration};
use std::sync::atomic::AtomicBool;

/// What a next version may bring: room for more, which programs of before do not notice.
const EXPAND: Migration = Migration {
    version: 9,
    name: "notes of accounts",
    sql: "ALTER TABLE account ADD COLUMN note TEXT; CREATE TABLE note(no INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT; \
        CREATE INDEX note_text ON note(text); ALTER TABLE job ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;",
};
/// And the one after it: what no program before it can work with.
const CONTRACT: Migration = Migration {
    version: 9_001,
    name: "contract: accounts without a product",
    sql: "ALTER TABLE account DROP COLUMN product;",
};

fn node(folder: &Path, server: &Database, more: &[Migration]) -> Result<Store, OpenError> {
    let limits = crate::Limits { patience: std::time::Duration::from_secs(60), ..Default::default() };
    let options = options(folder, &noon(), limits);
    let migrations = [crate::MIGRATIONS, more].concat();
    Store::open(Options { server: Some(server.clone()), migrations, ..options })
}

#[test]
fn an_older_node_pays_on_while_a_newer_one_starts() {
    let (shared, old, new) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let (shared, old, new) = (shared.expect("a directory"), old.expect("a directory"), new.expect("a directory"));
    let Some(server) = sql::testing::server_of(shared.path()) else { return };
    let older = node(old.path(), &server, &[]).expect("opens");
    people(&older, 2);
    assert!(post(&older, 1, 1, 2, 10_000));
    let (stop, mut paid) = (AtomicBool::new(false), 0);
    let newer = std::thread::scope(|scope| {
        let paying = scope.spawn(|| {
            let mut paid = 0_u32;
            while !stop.load(Ordering::SeqCst) || paid < 20 {
                assert!(post(&older, 1_000 + u128::from(paid), 2, 3, 1), "the older node is not disturbed");
                paid += 1;
            }
            paid
        });
        let newer = node(new.path(), &server, &[EXPAND]).expect("the newer node starts beside it");
        assert!(post(&newer, 2, 2, 3, 1));
        stop.store(true, Ordering::SeqCst);
        paid = paying.join().expect("every payment was made");
        newer
    });
    assert!(post(&older, 3, 2, 3, 1), "also afterwards");
    done(older.write_blocking(|uow| {
        uow.open_account(&account(4, Class::Liability, Floor::At(0), GroupNo::NONE))?;
        Ok(Outcome::Done(()))
    }));
    assert!(post(&newer, 4, 2, 4, 5), "opened by the older node");
    let sum = i64::from(paid) + 2;
    assert_eq!((posted(&older, 3), posted(&newer, 3)), (sum, sum));
    assert_eq!((posted(&older, 4), posted(&newer, 4)), (5, 5));

    drop(older);
    drop(node(old.path(), &server, &[]).expect("an older node starts again on the expanded schema"));
    drop(newer);
    drop(node(new.path(), &server, &[EXPAND, CONTRACT]).map(drop));
    let refused = node(old.path(), &server, &[]).map(drop).expect_err("it cannot work with what is left");
    assert!(matches!(refused, OpenError::Migration(sql::MigrationError::Newer { found: 9_001, .. })), "{refused:?}");
}

#[test]
fn nodes_that_start_together_apply_each_step_once() {
    let shared = tempfile::tempdir().expect("a directory");
    let Some(server) = sql::testing::server_of(shared.path()) else { return };
    let folders = [(); 4].map(|()| tempfile::tempdir().expect("a directory"));
    let stores: Vec<Store> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            folders.iter().map(|folder| scope.spawn(|| node(folder.path(), &server, &[EXPAND]))).collect();
        starts.into_iter().map(|start| start.join().expect("no panic").expect("it opens")).collect()
    });
    people(&stores[0], 2);
    for (place, store) in stores.iter().enumerate() {
        assert!(post(store, 10 + place as u128, 1, 2, 1));
    }
    assert!(stores.iter().all(|store| posted(store, 2) == 4));
}

//! The store's promises: whole or nothing, once for each key, events without gaps, nothing lost between groups, one process.

mod nodes;
mod promises;
mod recovering;
mod repeated;
mod together;
mod upgrading;

use crate::{NewAccount, Options, Outcome, Snapshot, Store, StoreError, TenantSettings, Uow};
use ledger::{AccountNo, BookNo, Class, Count, Entry, Floor, GroupNo, Step, UpTo};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vocabulary::{BookingDate, Clock, Id, Timestamp, ValueDate};

/// A clock that tests move.
pub(crate) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn noon() -> Arc<Hand> {
    let noon = Timestamp::parse("2026-11-22T12:00:00Z").expect("a time");
    Arc::new(Hand(AtomicI64::new(noon.micros())))
}

/// Whether the tests run on a server: what they look for in files is then elsewhere.
pub(crate) fn on_server() -> bool {
    sql::testing::server_of(Path::new("any")).is_some()
}

/// Opens a store whose closures all run twice, the first run undone.
pub(crate) fn open(directory: &Path, clock: &Arc<Hand>) -> Store {
    let limits = crate::Limits { rehearse: true, patience: std::time::Duration::from_secs(60), ..Default::default() };
    Store::open(options(directory, clock, limits)).expect("the store opens")
}

pub(crate) fn options(directory: &Path, clock: &Arc<Hand>, limits: crate::Limits) -> Options {
    Options {
        directory: directory.to_path_buf(),
        server: sql::testing::server_of(directory),
        migrations: crate::MIGRATIONS.to_vec(),
        clock: Arc::<Hand>::clone(clock),
        tenant: TenantSettings { id: 7, zone: "Asia/Shanghai".to_owned(), sandbox: true },
        limits,
        reads: crate::ReadLimits::default(),
        cache_kib: 4096,
    }
}

pub(crate) const BOOK: BookNo = BookNo::of(0, 156);

pub(crate) fn account(id: u128, class: Class, floor: Floor, group: GroupNo) -> NewAccount {
    NewAccount {
        id: Id::from_u128(id),
        book: BOOK,
        class,
        gl_code: "2010".to_owned(),
        product: "wallet".to_owned(),
        owner: Some(id),
        floor,
        groups: [group, GroupNo::NONE],
        receivable: AccountNo(0),
    }
}

pub(crate) fn done<T>(result: Result<Outcome<T, ()>, StoreError>) -> T {
    match result {
        Ok(Outcome::Done(value)) => value,
        Ok(Outcome::Refused(())) => panic!("refused"),
        Err(error) => panic!("{error}"),
    }
}

/// A bank (account 1, no floor) and customers 2, 3, … with floor 0.
pub(crate) fn people(store: &Store, count: u64) {
    let opened = store.write_blocking(move |uow| {
        uow.open_account(&account(1, Class::Asset, Floor::None, GroupNo::NONE))?;
        for id in 2..2 + count {
            uow.open_account(&account(u128::from(id), Class::Liability, Floor::At(0), GroupNo::NONE))?;
        }
        Ok(Outcome::Done(()))
    });
    done(opened);
}

pub(crate) fn entry(id: u128, steps: Vec<Step>) -> Entry {
    Entry {
        id,
        fresh: false,
        kind: 1,
        version: 1,
        booking: BookingDate::from_days(20_000),
        value: ValueDate::from_days(20_000),
        actor: 0,
        channel: 1,
        cause: 0,
        policy: 1,
        reverses: 0,
        forced: false,
        steps,
    }
}

pub(crate) fn step(debit: u64, credit: u64, amount: i64) -> Step {
    let (debit, credit) = (AccountNo(debit), AccountNo(credit));
    Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::Use }
}

/// Posts one step as entry `id`; true when posted.
pub(crate) fn post(store: &Store, id: u128, debit: u64, credit: u64, amount: i64) -> bool {
    let posted = entry(id, vec![step(debit, credit, amount)]);
    done(store.write_blocking(move |uow: &mut Uow<'_, '_>| Ok(Outcome::Done(uow.post(&posted)?.is_ok()))))
}

pub(crate) fn posted(store: &Store, no: u64) -> i64 {
    let read = |snapshot: &Snapshot<'_>| Ok(snapshot.balance(AccountNo(no))?.posted);
    store.read_blocking(read).expect("the balance reads")
}

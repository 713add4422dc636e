//! A small bank with something of everything: moves, holds in every state, forced and reversing entries, limits, events.

use ledger::{AccountNo, BookNo, Class, Count, Entry, Floor, GroupNo, LimitSet, Posted, Step, UpTo};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Limits, NewAccount, NewEvent, Options, Outcome, Store, TenantSettings, Uow};
use vocabulary::{BookingDate, Clock, Id, Timestamp, ValueDate};

/// The accounts by number.
#[derive(Clone, Copy)]
pub(crate) enum Wallet {
    Nostro = 1,
    Alice,
    Bob,
    Fees,
    Receivable,
    NostroYen,
    AliceYen,
}

impl Wallet {
    pub(crate) const COUNT: u64 = 7;

    pub(crate) fn no(self) -> AccountNo {
        AccountNo(self as u64)
    }
}

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        // Noon on 2026-11-22 and a little later with every look.
        Timestamp::from_micros(1_795_348_800_000_000 + self.0.fetch_add(1_000, Ordering::SeqCst))
    }
}

/// The file itself, to be changed past the store; its pages get their sums.
pub(crate) fn opened(file: &Path) -> rusqlite::Connection {
    pages::open(file, rusqlite::OpenFlags::default()).expect("a database")
}

pub(crate) fn open(directory: &Path) -> Store {
    open_with(directory, &[])
}

/// Opens a bank with further tables.
pub(crate) fn open_with(directory: &Path, more: &[store::Migration]) -> Store {
    Store::open(Options {
        directory: directory.to_path_buf(),
        server: None,
        migrations: [store::MIGRATIONS, more].concat(),
        clock: Arc::new(Hands(AtomicI64::new(0))),
        tenant: TenantSettings { id: 7, zone: "UTC".to_owned(), sandbox: true },
        limits: Limits::default(),
        reads: store::ReadLimits::default(),
        cache_kib: 1024,
    })
    .expect("the store opens")
}

/// Makes a bank in the directory and closes it.
pub(crate) fn world(directory: &Path, settled: bool) {
    fill(&open(directory), settled);
}

pub(crate) fn fill(store: &Store, settled: bool) {
    unit(store, accounts);
    if !settled {
        store.settle_blocking().unwrap();
    }
    unit(store, movements);
    unit(store, holds);
    later(store);
    unit(store, endings);
    for key in 1..=4_u8 {
        unit(store, move |uow| {
            uow.remember([key; 16], [9; 16], vec![key]);
            uow.emit(NewEvent { kind: "it.was", version: 1, owner: None, subject: 5, body: "{}".to_owned() });
        });
    }
    if settled {
        store.settle_blocking().unwrap();
    }
}

pub(crate) fn unit(store: &Store, mut body: impl FnMut(&mut Uow<'_, '_>) + Send + 'static) {
    let done = store.write_blocking(move |uow| {
        body(uow);
        Ok(Outcome::<(), ()>::Done(()))
    });
    done.expect("the unit is kept");
}

pub(crate) fn accounts(uow: &mut Uow<'_, '_>) {
    let limits = LimitSet { out: [None, Some(1_000_000), None, None], ..LimitSet::default() };
    uow.set_profile(1, &limits).unwrap();
    let mut groups = Vec::new();
    for _ in 0..3 {
        groups.push(uow.open_group(1, Some(77)).unwrap());
    }
    let (cny, jpy) = (BookNo::of(0, 156), BookNo::of(0, 392));
    let rows = [
        (Wallet::Nostro, cny, Class::Asset, [GroupNo::NONE; 2]),
        (Wallet::Alice, cny, Class::Liability, [groups[0], groups[2]]),
        (Wallet::Bob, cny, Class::Liability, [groups[1], GroupNo::NONE]),
        (Wallet::Fees, cny, Class::Income, [GroupNo::NONE; 2]),
        (Wallet::Receivable, cny, Class::Asset, [GroupNo::NONE; 2]),
        (Wallet::NostroYen, jpy, Class::Asset, [GroupNo::NONE; 2]),
        (Wallet::AliceYen, jpy, Class::Liability, [groups[2], GroupNo::NONE]),
    ];
    for (wallet, book, class, groups) in rows {
        let new = NewAccount {
            id: Id::from_u128(1000 + wallet as u128),
            book,
            class,
            gl_code: "2010".to_owned(),
            product: "wallet".to_owned(),
            owner: Some(77),
            floor: if class == Class::Liability { Floor::At(0) } else { Floor::None },
            groups,
            receivable: if matches!(wallet, Wallet::Alice) { Wallet::Receivable.no() } else { AccountNo(0) },
        };
        assert_eq!(uow.open_account(&new).unwrap(), Some(wallet.no()));
    }
}

pub(crate) fn movements(uow: &mut Uow<'_, '_>) {
    post(uow, 1, &[step(Wallet::Nostro, Wallet::Alice, 10_000, Count::No)]);
    post(uow, 2, &[step(Wallet::NostroYen, Wallet::AliceYen, 700, Count::Use)]);
    let paid = [step(Wallet::Alice, Wallet::Bob, 2_500, Count::Use), step(Wallet::Bob, Wallet::Fees, 25, Count::No)];
    let paid = post(uow, 3, &paid);
    let day = uow.moment().day;
    let mut back = entry(4, &[step(Wallet::Bob, Wallet::Alice, 500, Count::GiveBack { day })]);
    back.reverses = paid.entry;
    uow.post(&back).unwrap().unwrap();
    // A returned top-up of which 3,000 are spent.
    let mut forced = entry(5, &[step(Wallet::Alice, Wallet::Nostro, 11_000, Count::No)]);
    forced.forced = true;
    uow.post(&forced).unwrap().unwrap();
    post(uow, 6, &[step(Wallet::Nostro, Wallet::Alice, 5_000, Count::No)]);
    // The ledger says no, and nothing is written.
    let refused = entry(7, &[step(Wallet::Bob, Wallet::Alice, 1_000_000, Count::Use)]);
    assert!(uow.post(&refused).unwrap().is_err());
}

fn holds(uow: &mut Uow<'_, '_>) {
    for (id, seconds) in [(11, Some(60)), (12, None), (13, Some(1)), (14, Some(3_600)), (15, None)] {
        let (debit, credit, count) = (Wallet::Alice.no(), Wallet::Bob.no(), Count::Use);
        let hold = Step::Hold { debit, credit, amount: 300, up_to: UpTo::default(), seconds, count };
        post(uow, id, &[hold]);
    }
}

fn later(store: &Store) {
    let (sender, receiver) = std::sync::mpsc::channel();
    unit(store, move |uow| sender.send(uow.now()).unwrap());
    let now = receiver.recv().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(store.move_clock(now.plus_seconds(2))).unwrap());
}

fn endings(uow: &mut Uow<'_, '_>) {
    post(uow, 21, &[Step::Capture { hold: 11, amount: Some(100), last: false }]);
    post(uow, 22, &[Step::Capture { hold: 11, amount: Some(150), last: true }]);
    post(uow, 23, &[Step::Void { hold: 12 }]);
    post(uow, 24, &[Step::Expire { hold: 13 }]);
    post(uow, 25, &[Step::Capture { hold: 14, amount: None, last: true }]);
}

pub(crate) fn step(debit: Wallet, credit: Wallet, amount: i64, count: Count) -> Step {
    Step::Post { debit: debit.no(), credit: credit.no(), amount, up_to: UpTo::default(), count }
}

pub(crate) fn entry(id: u128, steps: &[Step]) -> Entry {
    Entry {
        id: id << 64 | id,
        fresh: false,
        kind: 1,
        version: 1,
        booking: BookingDate::from_days(20_779),
        value: ValueDate::from_days(20_779),
        actor: 77,
        channel: 1,
        cause: 99,
        policy: 1,
        reverses: 0,
        forced: false,
        steps: steps.iter().map(named).collect(),
    }
}

/// Holds are named by the ids of the entries that placed them.
fn named(step: &Step) -> Step {
    let long = |id: u128| id << 64 | id;
    match *step {
        Step::Capture { hold, amount, last } => Step::Capture { hold: long(hold), amount, last },
        Step::Void { hold } => Step::Void { hold: long(hold) },
        Step::Expire { hold } => Step::Expire { hold: long(hold) },
        other => other,
    }
}

fn post(uow: &mut Uow<'_, '_>, id: u128, steps: &[Step]) -> Posted {
    uow.post(&entry(id, steps)).expect("storage works").expect("the ledger says yes")
}

//! The load: clients that move, hold, capture, void and are refused, each wish with its idempotency record and event in one
//! unit of work, noted in the history before it is sent and after it is answered.

use crate::chance::Chance;
use crate::clock::MachineClock;
use crate::powercut::history::{Known, Marks};
use ledger::{AccountNo, BookNo, Class, Count, Entry, Floor, GroupNo, Step, UpTo};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Limits, NewAccount, NewEvent, OpenError, Options, Outcome, Store, StoreError, TenantSettings, Uow};
use vocabulary::{BookingDate, Id, ValueDate};

/// Account 1 is the bank's; the next ones are wallets.
const WALLETS: u64 = 200;
/// What each wallet begins with, minor units.
const FUNDS: i64 = 1_000_000;
/// Ids of entries below this one are the harness's own.
pub const FIRST_WISH: u128 = 1 << 64;

/// How long and how hard to load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Decides what is wished for.
    pub seed: u64,
    /// Clients at once.
    pub clients: u32,
    /// How long at most.
    pub time: Duration,
    /// How many wishes each client has at most.
    pub wishes: u64,
}

/// Opens the store of a data directory.
///
/// # Errors
/// As [`Store::open`].
pub fn open(directory: &Path) -> Result<Store, OpenError> {
    Store::open(Options {
        directory: directory.to_path_buf(),
        server: None,
        migrations: store::MIGRATIONS.to_vec(),
        clock: Arc::new(MachineClock),
        tenant: TenantSettings { id: 1, zone: "Asia/Shanghai".to_owned(), sandbox: false },
        limits: Limits::default(),
        reads: store::ReadLimits::default(),
        cache_kib: 16 * 1024,
    })
}

/// Makes a bank whose wallets are funded.
///
/// # Errors
/// When the store fails.
pub fn prepare(directory: &Path) -> io::Result<()> {
    let store = open(directory).map_err(io::Error::other)?;
    let done = store.write_blocking(|uow| {
        for no in 1..=WALLETS + 1 {
            let bank = no == 1;
            let group = if bank { GroupNo::NONE } else { uow.open_group(1, None)? };
            let opened = uow.open_account(&NewAccount {
                id: Id::from_u128(u128::from(no)),
                book: BookNo::of(0, 156),
                class: if bank { Class::Asset } else { Class::Liability },
                gl_code: if bank { "1010" } else { "2010" }.to_owned(),
                product: "harness".to_owned(),
                owner: None,
                floor: if bank { Floor::None } else { Floor::At(0) },
                groups: [group, GroupNo::NONE],
                receivable: AccountNo(0),
            })?;
            if let Some(wallet) = opened.filter(|_| !bank) {
                let fund = entry(u128::from(wallet.0), vec![post(AccountNo(1), wallet, FUNDS)]);
                if uow.post(&fund)?.is_err() {
                    return Err(StoreError::Bug("a wallet was not funded".to_owned()));
                }
            }
        }
        Ok(Outcome::<(), ()>::Done(()))
    });
    done.map(drop).map_err(io::Error::other)
}

/// Loads the bank until the time is over.
///
/// # Errors
/// When the store cannot be opened or the history not be written.
pub fn run(directory: &Path, load: &Load) -> io::Result<()> {
    let store = open(directory).map_err(io::Error::other)?;
    run_on(&store, &Marks::open(directory)?, load)
}

/// Loads an open bank until the time is over or every client has had its wishes.
///
/// # Errors
/// When the history cannot be written.
pub fn run_on(store: &Store, marks: &Marks, load: &Load) -> io::Result<()> {
    let end = now() + load.time;
    std::thread::scope(|scope| {
        let client = |no: u32| {
            let chance = Chance::new(load.seed).branch(u64::from(no));
            scope.spawn(move || Client { store, marks, no, chance, holds: Vec::new() }.run(end, load.wishes))
        };
        let clients: Vec<_> = (1..=load.clients).map(client).collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| io::Error::other("a client panicked"))?)
    })
}

/// Shows that a recovered bank still works: moves one unit.
///
/// # Errors
/// When it does not.
pub fn one_more(store: &Store) -> Result<(), String> {
    let done = store.write_blocking(|uow| {
        let wish = entry(FIRST_WISH - 1, vec![post(AccountNo(1), AccountNo(2), 1)]);
        Ok(match uow.post(&wish)? {
            Ok(_) => Outcome::Done(()),
            Err(refusal) => Outcome::Refused(refusal),
        })
    });
    match done {
        Ok(Outcome::Done(())) => Ok(()),
        other => Err(format!("the recovered bank does not move money: {other:?}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to load is the machine's time, not the bank's")]
fn now() -> Instant {
    Instant::now()
}

fn entry(id: u128, steps: Vec<Step>) -> Entry {
    Entry {
        id,
        fresh: false,
        kind: 1,
        version: 1,
        booking: BookingDate::from_days(20_779),
        value: ValueDate::from_days(20_779),
        actor: 0,
        channel: 1,
        cause: id,
        policy: 1,
        reverses: 0,
        forced: false,
        steps,
    }
}

fn post(debit: AccountNo, credit: AccountNo, amount: i64) -> Step {
    Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::Use }
}

struct Client<'a> {
    store: &'a Store,
    marks: &'a Marks,
    no: u32,
    chance: Chance,
    /// Holds that were placed and, as far as known, not ended.
    holds: Vec<u128>,
}

impl Client<'_> {
    fn run(mut self, end: Instant, wishes: u64) -> io::Result<()> {
        let mut number = 0_u128;
        while now() < end && number < u128::from(wishes) {
            number += 1;
            let id = number << 64 | u128::from(self.no);
            let steps = self.draw();
            let holds = matches!(steps.as_slice(), [Step::Hold { .. }]);
            self.marks.note(id, Known::Sent)?;
            match self.wish(entry(id, steps)) {
                Ok(Outcome::Done(())) => {
                    self.marks.note(id, Known::Done)?;
                    if holds {
                        self.holds.push(id);
                    }
                }
                Ok(Outcome::Refused(())) => self.marks.note(id, Known::Refused)?,
                // No answer: the wish stays "sent".
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Entry, event, answer and job in one unit, as the bank does it.
    fn wish(&self, entry: Entry) -> Result<Outcome<(), ()>, StoreError> {
        self.store.write_blocking(move |uow: &mut Uow<'_, '_>| {
            let (id, key) = (entry.id, entry.id.to_be_bytes());
            if uow.recall(&key)?.is_some() {
                return Err(StoreError::Bug("a new key was answered before".to_owned()));
            }
            if uow.post(&entry)?.is_err() {
                uow.remember(key, key, b"refused".to_vec());
                return Ok(Outcome::Refused(()));
            }
            uow.remember(key, key, b"done".to_vec());
            uow.schedule(uow.now().plus_seconds(3_600), "harness", id)?;
            let body = format!("{{\"wish\":\"{id:032x}\"}}");
            uow.emit(NewEvent { kind: "harness.done", version: 1, owner: None, subject: id, body });
            Ok(Outcome::Done(()))
        })
    }

    fn draw(&mut self) -> Vec<Step> {
        let debit = AccountNo(2 + self.chance.below(WALLETS));
        let credit = AccountNo(2 + (debit.0 - 1 + self.chance.below(WALLETS - 2)) % WALLETS);
        let amount = 1 + i64::try_from(self.chance.below(500)).unwrap_or(0);
        match self.chance.below(100) {
            0..55 => vec![post(debit, credit, amount)],
            55..65 => vec![post(debit, credit, amount), post(credit, AccountNo(1), 1)],
            65..75 => vec![post(debit, credit, FUNDS * 1_000)],
            75..87 => {
                let seconds = self.chance.percent(50).then_some(600);
                vec![Step::Hold { debit, credit, amount, up_to: UpTo::default(), seconds, count: Count::Use }]
            }
            _ if self.holds.is_empty() => vec![post(debit, credit, amount)],
            _ => {
                let place = self.chance.place(self.holds.len());
                let hold = self.holds.swap_remove(place);
                match self.chance.below(3) {
                    0 => vec![Step::Void { hold }],
                    1 => vec![Step::Capture { hold, amount: None, last: true }],
                    _ => vec![Step::Capture { hold, amount: Some(1), last: self.chance.percent(50) }],
                }
            }
        }
    }
}

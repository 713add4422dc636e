//! `jiaozi ledger-cases`: case tables on the real store, each on an empty bank in a folder of its own.

use crate::case_tables::{self, CaseBank, NewAccount, Trouble};
use crate::failure::{Ended, Failure};
use crate::output;
use ledger::{
    Account, AccountNo, ChainRefusal, Class, Count, Entry, Floor, GroupNo, HoldState, Posted, Step, StoredEntry, UpTo,
};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Outcome, Store, StoreError, TenantSettings, Uow};
use tempfile::TempDir;
use vocabulary::{BookingDate, Clock, Id, Timestamp, ValueDate};

/// Run ledger case tables on the real engine
///
/// A table lists events (accounts and transfers, in batches, with linked chains) with the result that each must have, and
/// look-ups. Every table runs on an empty bank in a temporary folder. Events with a flag that the ledger does not offer
/// are skipped, counted and named.
#[derive(clap::Args)]
#[command(after_help = "Example:
  jiaozi ledger-cases ../shared/data/ledger/two_phase_and_linked_cases.json

Exit code 1 when any event came out differently.")]
pub struct Args {
    /// A file of case tables (JSON)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let cannot = || format!("{} cannot be run", args.file.display());
    let mut bank = StoreBank::new().map_err(|error| Failure::because(cannot(), error))?;
    let report = case_tables::run(&args.file, &mut bank).map_err(|error| Failure::because(cannot(), error))?;
    if args.json {
        output::json(&json!({
            "passed": report.passed, "failed": report.failures.len(), "skipped": report.skipped,
            "failures": report.failures, "tables_passed": report.tables.0, "tables": report.tables.1,
        }));
    } else {
        output::line(&report.to_string());
    }
    Ok(Ended::fine_if(report.failures.is_empty()))
}

/// A clock that stands still until a table moves it.
struct TableClock(AtomicI64);

impl Clock for TableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Where a table's clock starts: 2026-11-22T08:00:00Z.
const START: i64 = 1_795_334_400_000_000;
/// Entries of our own, which set balances and expire holds, have ids from here on.
const OWN_IDS: u128 = u128::MAX - (1 << 64);

/// The real store as an engine for case tables.
struct StoreBank {
    folder: TempDir,
    banks: u32,
    store: Store,
    clock: Arc<TableClock>,
    own_entries: u128,
    holds: Vec<u128>,
}

impl StoreBank {
    fn new() -> Result<Self, Trouble> {
        let folder = tempfile::tempdir()?;
        let clock = Arc::new(TableClock(AtomicI64::new(START)));
        let store = open(&folder, 0, &clock)?;
        Ok(Self { folder, banks: 0, store, clock, own_entries: 0, holds: Vec::new() })
    }

    fn own_id(&mut self) -> u128 {
        self.own_entries += 1;
        OWN_IDS + self.own_entries
    }

    fn write<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Uow<'_, '_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Trouble> {
        match self.store.write_blocking(move |uow| body(uow).map(Outcome::<T, T>::Done))? {
            Outcome::Done(value) | Outcome::Refused(value) => Ok(value),
        }
    }
}

fn open(folder: &TempDir, number: u32, clock: &Arc<TableClock>) -> Result<Store, store::OpenError> {
    Store::open(store::Options {
        directory: folder.path().join(number.to_string()),
        server: None,
        migrations: store::MIGRATIONS.to_vec(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        tenant: TenantSettings { id: u128::from(number), zone: "UTC".to_owned(), sandbox: true },
        limits: store::Limits::default(),
        reads: store::ReadLimits::default(),
        cache_kib: 1024,
    })
}

fn new_account(new: NewAccount) -> store::NewAccount {
    store::NewAccount {
        id: Id::from_u128(new.id),
        book: new.book,
        class: new.class,
        gl_code: "2010".to_owned(),
        product: "case".to_owned(),
        owner: None,
        floor: new.floor,
        groups: [GroupNo::NONE; 2],
        receivable: AccountNo::default(),
    }
}

fn entry(id: u128, step: Step) -> Entry {
    Entry {
        id,
        fresh: true,
        kind: 1,
        version: 1,
        booking: BookingDate::from_days(0),
        value: ValueDate::from_days(0),
        actor: 0,
        channel: 0,
        cause: 0,
        policy: 0,
        reverses: 0,
        forced: true,
        steps: vec![step],
    }
}

/// The four counters as movements and holds against an account of its own for each, since counters only change by lines.
fn set_counters(uow: &mut Uow<'_, '_>, account: &Account, counters: [i64; 4], ids: u128) -> Result<(), StoreError> {
    // A floor binds what comes after the set-up, not the set-up.
    uow.change_account(&Account { floor: Floor::None, ..*account })?;
    for (at, amount) in (0_u128..).zip(counters).filter(|(_, amount)| *amount != 0) {
        let other = NewAccount { id: ids + at, book: account.book, class: Class::Equity, floor: Floor::None };
        let Some(other) = uow.open_account(&new_account(other))? else {
            return Err(StoreError::Bug("an id of our own is taken".to_owned()));
        };
        let (debit, credit) = if at < 2 { (account.no, other) } else { (other, account.no) };
        let (up_to, count) = (UpTo::default(), Count::No);
        let step = if at % 2 == 0 {
            Step::Hold { debit, credit, amount, up_to, seconds: None, count }
        } else {
            Step::Post { debit, credit, amount, up_to, count }
        };
        if let Err(refusal) = uow.post(&entry(ids + at, step))? {
            return Err(StoreError::Bug(format!("a balance cannot be set: {refusal}")));
        }
    }
    uow.change_account(account)
}

impl CaseBank for StoreBank {
    fn clear(&mut self) -> Result<(), Trouble> {
        self.banks += 1;
        self.clock = Arc::new(TableClock(AtomicI64::new(START)));
        self.store = open(&self.folder, self.banks, &self.clock)?;
        self.holds.clear();
        Ok(())
    }

    fn open_account(&mut self, new: NewAccount) -> Result<(), Trouble> {
        let opened = self.write(move |uow| uow.open_account(&new_account(new)))?;
        opened.map(drop).ok_or_else(|| "an account with this id is open already".into())
    }

    fn set_balances(&mut self, id: u128, counters: [i64; 4]) -> Result<(), Trouble> {
        let account = self.account(id)?.ok_or("a set-up names an account that is not open")?;
        let ids = self.own_id();
        self.own_entries += 4;
        self.write(move |uow| set_counters(uow, &account, counters, ids))
    }

    fn account(&mut self, id: u128) -> Result<Option<Account>, Trouble> {
        let row = self.write(move |uow| uow.account_by_id(Id::from_u128(id)))?;
        Ok(row.map(|row| row.account))
    }

    fn post_chain(&mut self, entries: &[Entry], keep: bool) -> Result<Result<Vec<Posted>, ChainRefusal>, Trouble> {
        let chain = entries.to_vec();
        let answer = self.write(move |uow| {
            let tried = uow.attempt(|uow| {
                let answer = uow.post_chain(&chain)?;
                Ok(if keep && answer.is_ok() { Ok(answer) } else { Err(answer) })
            })?;
            Ok(tried.unwrap_or_else(|undone| undone))
        })?;
        if keep && answer.is_ok() {
            let placed =
                entries.iter().filter(|entry| entry.steps.iter().any(|step| matches!(step, Step::Hold { .. })));
            self.holds.extend(placed.map(|entry| entry.id));
        }
        Ok(answer)
    }

    fn entry(&mut self, id: u128) -> Result<Option<StoredEntry>, Trouble> {
        let found = self.store.read_blocking(move |snapshot| {
            let mut first = None;
            snapshot.each_line(1, |row| {
                if row.header.is_some_and(|header| header.id == id) {
                    first = Some(row.line.seq);
                }
            })?;
            first.map(|first| snapshot.entry_lines(first)).transpose()
        })?;
        // Only the lines are looked at; what was asked for stands in the table.
        let placeholder = entry(id, Step::Void { hold: 0 });
        Ok(found.map(|rows| StoredEntry { entry: placeholder, lines: rows.iter().map(|row| row.line).collect() }))
    }

    fn remember_failed(&mut self, id: u128) -> Result<(), Trouble> {
        self.write(move |uow| {
            let key = id.to_be_bytes();
            if uow.recall(&key)?.is_none() {
                uow.remember(key, key, b"failed".to_vec());
            }
            Ok(())
        })
    }

    fn has_failed(&mut self, id: u128) -> Result<bool, Trouble> {
        self.write(move |uow| Ok(uow.recall(&id.to_be_bytes())?.is_some()))
    }

    fn now(&mut self) -> Timestamp {
        self.clock.now()
    }

    fn move_clock(&mut self, to: Timestamp) -> Result<(), Trouble> {
        self.clock.0.store(to.micros(), Ordering::SeqCst);
        for hold in self.holds.clone() {
            let id = self.own_id();
            self.write(move |uow| {
                if uow.hold(hold)?.is_some_and(|hold| hold.state == HoldState::Open) {
                    let expire = Entry { forced: false, ..entry(id, Step::Expire { hold }) };
                    if let Err(refusal) = uow.post(&expire)?
                        && refusal != ledger::Refusal::HoldNotOver
                    {
                        return Err(StoreError::Bug(format!("a hold cannot expire: {refusal}")));
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

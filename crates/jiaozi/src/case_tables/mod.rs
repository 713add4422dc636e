//! Runs case tables of a ledger (`create_accounts`, `create_transfers`, look-ups, with the expected result of each event) on a
//! real engine, and reports what came out differently.
//!
//! The tables speak of accounts and transfers by id, in batches, with linked chains. Here a transfer becomes an entry of one
//! step, a chain of transfers a chain of entries, and the engine's refusal becomes the table's name for it. What concerns
//! only the form of the tables' events (reserved ids, flags that exclude each other) is checked here, in their order; what
//! concerns money is the engine's answer. Amounts above the signed 64-bit range stand for its maximum.
//!
//! An event with a flag that the engine does not offer is skipped, with its chain and with whatever depends on its effect;
//! skips are counted by the flag's name. This module deliberately knows nothing of how the engine stores its books.

mod accounts;
mod event;
mod names;
mod transfers;

use event::{AccountEvent, Step, TransferEvent};
use ledger::{Account, BookNo, ChainRefusal, Class, Entry, Floor, Posted, StoredEntry};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use vocabulary::Timestamp;

/// Failure of the engine underneath, never an answer of it.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// What an account is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The id by which the outside knows it.
    pub id: u128,
    /// Its book: the table's ledger number.
    pub book: BookNo,
    /// Its class.
    pub class: Class,
    /// Its floor.
    pub floor: Floor,
}

/// An engine on which case tables can run.
pub trait CaseBank {
    /// Starts again with empty books and a clock at the present.
    ///
    /// # Errors
    /// When the engine fails.
    fn clear(&mut self) -> Result<(), Trouble>;

    /// Opens an account whose id is not known yet.
    ///
    /// # Errors
    /// When the engine fails.
    fn open_account(&mut self, account: NewAccount) -> Result<(), Trouble>;

    /// Sets an account's counters outside all rules: debits pending, debits posted, credits pending, credits posted.
    ///
    /// # Errors
    /// When the engine fails.
    fn set_balances(&mut self, id: u128, counters: [i64; 4]) -> Result<(), Trouble>;

    /// The account of this id.
    ///
    /// # Errors
    /// When the engine fails.
    fn account(&mut self, id: u128) -> Result<Option<Account>, Trouble>;

    /// Posts a chain, all or nothing; unless `keep`, undoes it afterwards, so that only its answer remains.
    ///
    /// # Errors
    /// When the engine fails; the inner error is its refusal.
    fn post_chain(&mut self, entries: &[Entry], keep: bool) -> Result<Result<Vec<Posted>, ChainRefusal>, Trouble>;

    /// The entry of this id.
    ///
    /// # Errors
    /// When the engine fails.
    fn entry(&mut self, id: u128) -> Result<Option<StoredEntry>, Trouble>;

    /// Remembers that an id failed for a transient reason, so that it never succeeds later.
    ///
    /// # Errors
    /// When the engine fails.
    fn remember_failed(&mut self, id: u128) -> Result<(), Trouble>;

    /// Whether the id failed so.
    ///
    /// # Errors
    /// When the engine fails.
    fn has_failed(&mut self, id: u128) -> Result<bool, Trouble>;

    /// The engine's present moment.
    fn now(&mut self) -> Timestamp;

    /// Moves the clock forward and ends the holds whose time is over.
    ///
    /// # Errors
    /// When the engine fails.
    fn move_clock(&mut self, to: Timestamp) -> Result<(), Trouble>;
}

/// Why a file could not be run at all.
#[derive(Debug)]
pub enum CaseError {
    /// The file cannot be read.
    Read(std::io::Error),
    /// The file is not a case table; says where.
    Form(String),
    /// The engine failed.
    Engine(Trouble),
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("the case file cannot be read; check its path"),
            Self::Form(what) => write!(f, "the file is not a case table: {what}"),
            Self::Engine(_) => f.write_str("the engine failed while running the cases"),
        }
    }
}

impl std::error::Error for CaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(source) => Some(source),
            Self::Form(_) => None,
            Self::Engine(source) => Some(source.as_ref()),
        }
    }
}

impl From<Trouble> for CaseError {
    fn from(trouble: Trouble) -> Self {
        Self::Engine(trouble)
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events and look-ups that came out as expected.
    pub passed: usize,
    /// Those that did not, each with table, step and both results.
    pub failures: Vec<String>,
    /// Events and look-ups that were skipped, by the flag or operation that is not offered.
    pub skipped: BTreeMap<String, usize>,
    /// Tables in which nothing failed, of how many.
    pub tables: (usize, usize),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        writeln!(f, "{} passed, {} failed", self.passed, self.failures.len())?;
        if !self.skipped.is_empty() {
            let names: Vec<String> = self.skipped.iter().map(|(name, count)| format!("{name}: {count}")).collect();
            writeln!(f, "{} skipped ({})", self.skipped.values().sum::<usize>(), names.join(", "))?;
        }
        write!(f, "{} of {} tables", self.tables.0, self.tables.1)
    }
}

/// Runs every table of a file, each on an empty bank.
///
/// # Errors
/// When the file cannot be read or is no case table, or the engine fails.
pub fn run(path: &Path, bank: &mut dyn CaseBank) -> Result<Report, CaseError> {
    let text = std::fs::read_to_string(path).map_err(CaseError::Read)?;
    run_text(&text, bank)
}

/// Runs every table of a file's text.
///
/// # Errors
/// As [`run`].
pub fn run_text(text: &str, bank: &mut dyn CaseBank) -> Result<Report, CaseError> {
    let tables = event::parse(text).map_err(CaseError::Form)?;
    let mut report = Report::default();
    for table in &tables {
        bank.clear()?;
        let failed_before = report.failures.len();
        let mut run = Run::new(&mut *bank, &mut report, &table.name);
        for (number, step) in table.steps.iter().enumerate() {
            run.step(number, step)?;
        }
        report.tables.0 += usize::from(report.failures.len() == failed_before);
        report.tables.1 += 1;
    }
    Ok(report)
}

/// One table being run.
struct Run<'a> {
    bank: &'a mut dyn CaseBank,
    report: &'a mut Report,
    table: &'a str,
    /// Accounts that were created, as they were asked for.
    accounts: HashMap<u128, AccountEvent>,
    /// Transfers that were created, as they were asked for, with what they inherited.
    transfers: HashMap<u128, TransferEvent>,
    /// Accounts and transfers whose state differs from the table's because an event was skipped: by which flag.
    spoiled_accounts: HashMap<u128, String>,
    spoiled_transfers: HashMap<u128, String>,
    account_batch: Vec<(usize, AccountEvent)>,
    transfer_batch: Vec<(usize, TransferEvent)>,
}

impl<'a> Run<'a> {
    fn new(bank: &'a mut dyn CaseBank, report: &'a mut Report, table: &'a str) -> Self {
        Self {
            bank,
            report,
            table,
            accounts: HashMap::new(),
            transfers: HashMap::new(),
            spoiled_accounts: HashMap::new(),
            spoiled_transfers: HashMap::new(),
            account_batch: Vec::new(),
            transfer_batch: Vec::new(),
        }
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<(), CaseError> {
        match step {
            Step::Account(event) => self.account_batch.push((number, event.clone())),
            Step::Transfer(event) => self.transfer_batch.push((number, event.clone())),
            Step::Commit => {
                let accounts = std::mem::take(&mut self.account_batch);
                self.create_accounts(&accounts)?;
                let transfers = std::mem::take(&mut self.transfer_batch);
                self.create_transfers(&transfers)?;
            }
            Step::Setup { id, counters } => self.bank.set_balances(*id, *counters)?,
            Step::Tick(tick) => {
                let to = tick.from(self.bank.now());
                self.bank.move_clock(to)?;
            }
            Step::LookupAccount { id, counters } => self.lookup_account(number, *id, *counters)?,
            Step::LookupTransfer { id, want } => self.lookup_transfer(number, *id, want)?,
            Step::NotOffered(name) => self.skip(name),
        }
        Ok(())
    }

    fn lookup_account(&mut self, number: usize, id: u128, want: Option<[i64; 4]>) -> Result<(), CaseError> {
        if let Some(name) = self.spoiled_accounts.get(&id).cloned() {
            self.skip(&name);
            return Ok(());
        }
        let found = self.bank.account(id)?;
        let got = found.map(|a| [a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted]);
        self.check(number, &format!("account {id}"), &format!("{want:?}"), &format!("{got:?}"));
        Ok(())
    }

    fn lookup_transfer(&mut self, number: usize, id: u128, want: &event::Want) -> Result<(), CaseError> {
        if let Some(name) = self.spoiled_transfers.get(&id).cloned() {
            self.skip(&name);
            return Ok(());
        }
        let found = self.bank.entry(id)?;
        let (want, got) = match want {
            event::Want::Exists(exists) => (format!("exists {exists}"), format!("exists {}", found.is_some())),
            event::Want::Amount(amount) => {
                let line = found.as_ref().and_then(|entry| entry.lines.first());
                let got = line.map(|line| match line.action {
                    ledger::Action::Void => line.released,
                    ledger::Action::Post | ledger::Action::Hold | ledger::Action::Capture => line.amount,
                    ledger::Action::Expire => 0,
                });
                (format!("amount {:?}", Some(amount)), format!("amount {got:?}"))
            }
        };
        self.check(number, &format!("transfer {id}"), &want, &got);
        Ok(())
    }

    fn check(&mut self, number: usize, what: &str, want: &str, got: &str) {
        if want == got {
            self.report.passed += 1;
        } else {
            let failure = format!("{}, step {number}, {what}: expected {want}, got {got}", self.table);
            self.report.failures.push(failure);
        }
    }

    fn skip(&mut self, name: &str) {
        *self.report.skipped.entry(name.to_owned()).or_default() += 1;
    }
}

/// The linked chains of a batch, as ranges, each with whether the batch ends before the chain does.
fn chains(linked: &[bool]) -> Vec<(std::ops::Range<usize>, bool)> {
    let mut all = Vec::new();
    let mut start = 0;
    for (at, linked_on) in linked.iter().enumerate() {
        let last = at + 1 == linked.len();
        if !linked_on || last {
            all.push((start..at + 1, *linked_on));
            start = at + 1;
        }
    }
    all
}

/// The results of a chain's events: the first failure by its name, all others by that of the chain.
fn results(len: usize, open: bool, failure: Option<(usize, String)>) -> Vec<String> {
    let (success, failed_at) = match &failure {
        Some((at, _)) => (false, Some(*at)),
        None => (!open, None),
    };
    let mut all = vec![if success { "created" } else { "linked_event_failed" }.to_owned(); len];
    if let (Some(at), Some((_, name))) = (failed_at, failure) {
        all[at] = name;
    }
    if open && let Some(last) = all.last_mut() {
        "linked_event_chain_open".clone_into(last);
    }
    all
}

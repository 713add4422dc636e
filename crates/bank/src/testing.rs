//! A bank for tests: on a temporary directory, with a clock that tests move, seeded chance, and ports that remember.
//!
//! Every closure runs twice, the first time undone, so that side effects outside units are found.

mod card_vault;
mod funds;
mod vault;

pub use card_vault::MemoryCards;
pub use funds::fund_blocking;
pub use vault::FixedVault;

use crate::bank::{Bank, BankOptions};
use crate::customers::{self, Import};
use crate::merchants::{self, MerchantAccount, NewMerchant};
use crate::policies::{self, Change};
use crate::wallets::WalletAccount;
use crate::wish::{Principal, Wish};
use money::Currency;
pub use ports::Outcome;
use ports::{BankRail, CardVault, Instruction, Message, Notifier, NotifyError, RailError, Report, StatementLine};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use vocabulary::{Clock, Entropy, Id, Timestamp, kinds};

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at a moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(AtomicI64::new(moment.micros()))
    }

    /// Moves it forward.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The same bytes for the same seed (SplitMix64).
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            let bytes = (z ^ z >> 31).to_be_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// A rail that takes everything and says what the test told it.
#[derive(Default)]
pub struct MemoryRail {
    state: Mutex<RailState>,
    line: Mutex<Line>,
    changed: Condvar,
}

/// The line to a rail: whether it is silent, and how many wait.
#[derive(Default)]
struct Line {
    silent: bool,
    waiting: u32,
}

#[derive(Default)]
struct RailState {
    instructions: Vec<Instruction>,
    reports: Vec<Report>,
    lines: Vec<StatementLine>,
    failures: Vec<RailError>,
}

impl MemoryRail {
    fn state(&self) -> MutexGuard<'_, RailState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on (`true`) whoever calls waits, until it speaks again (`false`).
    pub fn silent(&self, silent: bool) {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).silent = silent;
        self.changed.notify_all();
    }

    /// Waits until so many callers wait.
    pub fn until_waiting(&self, callers: u32) {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(line, |line| line.waiting < callers).unwrap_or_else(PoisonError::into_inner));
    }

    fn answer(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.waiting += 1;
        self.changed.notify_all();
        line = self.changed.wait_while(line, |line| line.silent).unwrap_or_else(PoisonError::into_inner);
        line.waiting -= 1;
    }

    /// What was handed over, in order, repetitions included.
    #[must_use]
    pub fn instructions(&self) -> Vec<Instruction> {
        self.state().instructions.clone()
    }

    /// Reports on an instruction.
    pub fn say(&self, end_to_end: &str, outcome: Outcome) {
        let mut state = self.state();
        let (no, end_to_end) = (state.reports.len() as u64 + 1, end_to_end.to_owned());
        state.reports.push(Report { no, end_to_end, outcome, at: Timestamp::default() });
    }

    /// Adds a line to the statement; its number is given here.
    pub fn book(&self, line: StatementLine) {
        let mut state = self.state();
        let no = state.lines.len() as u64 + 1;
        state.lines.push(StatementLine { no, ..line });
    }

    /// The next instruction (after those already failing) fails like this. One that is not answered has arrived.
    pub fn fail_next(&self, error: RailError) {
        self.state().failures.insert(0, error);
    }
}

impl BankRail for MemoryRail {
    fn instruct(&self, instruction: &Instruction, _now: Timestamp) -> Result<(), RailError> {
        self.answer();
        let mut state = self.state();
        let failure = state.failures.pop();
        if matches!(failure, None | Some(RailError::NoAnswer(_))) {
            state.instructions.push(instruction.clone());
        }
        failure.map_or(Ok(()), Err)
    }

    fn knows(&self, end_to_end: &str, _now: Timestamp) -> Result<bool, RailError> {
        self.answer();
        Ok(self.state().instructions.iter().any(|known| known.end_to_end == end_to_end))
    }

    fn reports(&self, after: u64, limit: u32, _now: Timestamp) -> Result<Vec<Report>, RailError> {
        self.answer();
        let state = self.state();
        Ok(state.reports.iter().filter(|report| report.no > after).take(limit as usize).cloned().collect())
    }

    fn statement(&self, after: u64, limit: u32, _now: Timestamp) -> Result<Vec<StatementLine>, RailError> {
        self.answer();
        let state = self.state();
        Ok(state.lines.iter().filter(|line| line.no > after).take(limit as usize).cloned().collect())
    }
}

/// A notifier that remembers, and takes nothing for a while when it is told so.
#[derive(Default)]
pub struct SentMessages {
    messages: Mutex<Vec<Message>>,
    refusals: AtomicU64,
}

impl SentMessages {
    /// What was sent, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses the next so many messages.
    pub fn refuse_next(&self, messages: u64) {
        self.refusals.store(messages, Ordering::SeqCst);
    }
}

impl Notifier for SentMessages {
    fn send(&self, message: &Message) -> Result<(), NotifyError> {
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(NotifyError("the line is busy".to_owned()));
        }
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        Ok(())
    }
}

/// A bank for a test. The directory goes with it.
pub struct TestBank {
    #[cfg(test)]
    _audit: Audit,
    /// The bank.
    pub bank: Bank,
    /// Its clock, from 2026-11-23T02:00:00Z on: a Monday, 10 o'clock in Shanghai.
    pub clock: Arc<ManualClock>,
    /// Its rail.
    pub rail: Arc<MemoryRail>,
    /// A rail that stands in the place of `rail`, if one does.
    instead: Option<Arc<dyn BankRail>>,
    /// What it sent.
    pub sent: Arc<SentMessages>,
    /// Its card vault, idle if another one stands in its place.
    pub cards: Arc<MemoryCards>,
    other_cards: Option<Arc<dyn CardVault>>,
    /// Its directory.
    pub directory: tempfile::TempDir,
}

/// What stands around a bank for a test.
#[derive(Default)]
struct Outside {
    rail: Arc<MemoryRail>,
    instead: Option<Arc<dyn BankRail>>,
    cards: Arc<MemoryCards>,
    other_cards: Option<Arc<dyn CardVault>>,
}

/// A customer with a wallet in one currency.
#[derive(Clone, Copy, Debug)]
pub struct TestCustomer {
    /// The customer.
    pub id: Id<kinds::Customer>,
    /// The wallet.
    pub wallet: Id<kinds::Wallet>,
    /// The account.
    pub account: WalletAccount,
}

/// The currency of tests.
#[must_use]
pub fn cny() -> Currency {
    Currency::iso("CNY").expect("CNY is on list one")
}

/// Has the independent checker read the bank when a story ends.
#[cfg(test)]
struct Audit(std::path::PathBuf);

#[cfg(test)]
impl Drop for Audit {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let report = match sql::testing::server_of(&self.0) {
            Some(server) => checker::check_database(&server, &mut |_| {}),
            None => checker::check(&self.0, &checker::Options::default(), &mut |_| {}),
        };
        let report = report.expect("the bank can be read");
        assert_eq!(report.difference, None, "the story left the books wrong");
    }
}

impl Default for TestBank {
    fn default() -> Self {
        Self::new()
    }
}

impl TestBank {
    /// A new bank that offers CNY, EUR and JPY, in a sandbox, in Shanghai.
    #[must_use]
    pub fn new() -> Self {
        let start = Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment");
        let clock = Arc::new(ManualClock::at(start));
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::open(directory, clock, 1)
    }

    /// From now on no act of staff needs a second person.
    ///
    /// # Panics
    /// When the policy cannot be set.
    pub async fn one_pair_of_eyes(&self) {
        let change = Change {
            name: "four_eyes".to_owned(),
            value: serde_json::json!([]),
            from: None,
            source: "a test".to_owned(),
        };
        let wish = Wish::internal(Principal::System, "policies.set");
        policies::set(&self.bank, wish, change).await.expect("no trouble").result.expect("it is set");
    }

    /// Opens the bank of a directory; another seed for each start.
    #[must_use]
    pub fn open(directory: tempfile::TempDir, clock: Arc<ManualClock>, seed: u64) -> Self {
        Self::open_at(directory, clock, Outside::default(), seed)
    }

    /// A new bank as [`TestBank::new`], on a rail of the caller's. `rail` stays idle.
    #[must_use]
    pub fn on(instead: Arc<dyn BankRail>) -> Self {
        let start = Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let outside = Outside { instead: Some(instead), ..Outside::default() };
        Self::open_at(directory, Arc::new(ManualClock::at(start)), outside, 1)
    }

    /// A new bank as [`TestBank::new`], with a card vault of the caller's, who shares its clock. `cards` stays idle.
    #[must_use]
    pub fn with_cards(clock: Arc<ManualClock>, vault: Arc<dyn CardVault>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::open_at(directory, clock, Outside { other_cards: Some(vault), ..Outside::default() }, 1)
    }

    fn open_at(directory: tempfile::TempDir, clock: Arc<ManualClock>, around: Outside, seed: u64) -> Self {
        let sent = Arc::new(SentMessages::default());
        let server = sql::testing::server_of(directory.path());
        let options = options(directory.path(), (server, seed), &clock, (&around, Arc::clone(&sent)));
        let bank = outside(move || Bank::open(options).expect("the bank opens"));
        #[cfg(test)]
        let _audit = Audit(directory.path().to_owned());
        let Outside { rail, instead, cards, other_cards } = around;
        Self {
            #[cfg(test)]
            _audit,
            bank,
            clock,
            rail,
            instead,
            sent,
            cards,
            other_cards,
            directory,
        }
    }

    fn around(&self) -> Outside {
        let (rail, cards) = (Arc::clone(&self.rail), Arc::clone(&self.cards));
        Outside { rail, instead: self.instead.clone(), cards, other_cards: self.other_cards.clone() }
    }

    /// Closes the bank and opens it again on the same directory, clock and rail.
    #[must_use]
    pub fn restart(self, seed: u64) -> Self {
        let around = self.around();
        let Self { bank, clock, directory, .. } = self;
        drop(bank);
        Self::open_at(directory, clock, around, seed)
    }

    /// Another node of the same bank, with a directory of its own, on the same clock and rail. Nothing when the tests run
    /// embedded.
    #[must_use]
    pub fn beside(&self, seed: u64) -> Option<(Bank, tempfile::TempDir)> {
        let server = sql::testing::server_of(self.directory.path())?;
        let folder = tempfile::tempdir().expect("a temporary directory");
        let sent = Arc::clone(&self.sent);
        let options = options(folder.path(), (Some(server), seed), &self.clock, (&self.around(), sent));
        let bank = outside(move || Bank::open(options).expect("the node opens"));
        Some((bank, folder))
    }

    /// A customer of tier 3 with so many minor units of CNY. Blocks; usable within an async test.
    #[must_use]
    pub fn customer(&self, name: &str, minor: i64) -> TestCustomer {
        let import = Import { display_name: name.to_owned(), tier: 3, currencies: vec![cny()] };
        let bank = self.bank.clone();
        let work = move || customers::import_blocking(&bank, &[import]).expect("the customer is imported");
        let found = outside(work).remove(0);
        let account = found.accounts[0];
        if minor > 0 {
            self.fund(&account, minor);
        }
        TestCustomer { id: found.customer, wallet: found.wallet, account }
    }

    /// Brings minor units into a wallet account, from the opening account.
    pub fn fund(&self, account: &WalletAccount, minor: i64) {
        let bank = self.bank.clone();
        let account = *account;
        outside(move || fund_blocking(&bank, &account, minor).expect("the account is funded"));
    }

    /// A merchant with an account in CNY, plan `payment.standard`, settled `standard`.
    pub async fn merchant(&self, name: &str) -> MerchantAccount {
        let new = NewMerchant {
            name: name.to_owned(),
            mcc: "5411".to_owned(),
            country: "CN".to_owned(),
            city: "Shanghai".to_owned(),
            fee_plan: "payment.standard".to_owned(),
            settlement_plan: "standard".to_owned(),
            currencies: vec![cny()],
        };
        let wish = Wish::internal(Principal::System, "merchants.open");
        let opened = merchants::open(&self.bank, wish, new).await.expect("no trouble").result.expect("it is opened");
        merchants::find(&self.bank, opened.id, cny()).await.expect("no trouble").expect("it has an account")
    }

    /// The posted and held minor units of an account.
    #[must_use]
    pub fn balance(&self, account: ledger::AccountNo) -> (i64, i64) {
        let bank = self.bank.clone();
        // A reader may wait for the writer when another node has written, which an async test must not.
        let read = move || bank.store().read_blocking(|snapshot| snapshot.balance(account)).expect("no trouble");
        let after = outside(read);
        (after.posted, after.held)
    }

    /// Does the jobs that are due.
    pub fn run_jobs(&self) -> usize {
        let bank = self.bank.clone();
        outside(move || crate::jobs::run_due(&bank).expect("jobs run"))
    }

    /// The last code of six digits sent to a phone number or address.
    #[must_use]
    pub fn last_code(&self, to: &str) -> Option<String> {
        self.run_jobs();
        let message = self.sent.all().into_iter().rev().find(|message| message.to == to)?;
        message
            .text
            .split(' ')
            .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
            .map(str::to_owned)
    }
}

fn options(
    directory: &std::path::Path,
    (server, seed): (Option<store::Database>, u64),
    clock: &Arc<ManualClock>,
    (around, sent): (&Outside, Arc<SentMessages>),
) -> BankOptions {
    let currency = |code| Currency::iso(code).expect("on list one");
    BankOptions {
        directory: directory.to_owned(),
        server,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        entropy: Arc::new(SeededEntropy::new(seed)),
        vault: Arc::new(FixedVault { counter: AtomicU64::new(seed << 32) }),
        rail: around.instead.clone().unwrap_or_else(|| Arc::clone(&around.rail) as Arc<dyn BankRail>),
        notifier: sent as Arc<dyn Notifier>,
        card_vault: Some(around.other_cards.clone().unwrap_or_else(|| Arc::clone(&around.cards) as Arc<dyn CardVault>)),
        zone: "Asia/Shanghai".to_owned(),
        sandbox: true,
        currencies: vec![currency("CNY"), currency("EUR"), currency("JPY")],
        units: vec![Currency::unit("PTS", 1000, 0).expect("a unit")],
        limits: store::Limits {
            rehearse: true,
            patience: std::time::Duration::from_secs(60),
            ..store::Limits::default()
        },
        cache_kib: 4096,
    }
}

/// Blocking work on a thread of its own, so that it may be called within an async test.
fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(work).join().expect("the work does not panic")
}

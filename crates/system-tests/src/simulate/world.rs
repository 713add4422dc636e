//! The world in which runs begin: a bank with people and shops, made once for each program and copied for each seed.

use crate::chance::Chance;
use crate::powercut::disk::Files;
use crate::powercut::session::files_of;
use crate::simulate::disk::SimDisk;
use crate::simulate::outside::{Line, Post, SimClock, SimEntropy, SimVault, Weather};
use crate::simulate::turns;
use bank::bank_accounts;
use bank::customers::{self, Import};
use bank::entries::{self, Channel, EntryKind, Intent};
use bank::merchants::{self, NewMerchant};
use bank::wallets::WalletAccount;
use bank::{Bank, BankOptions, Own, Principal, Wish};
use ledger::{Count, Step, UpTo};
use money::Currency;
use rails::sandbox_bank::SandboxBank;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use store::{Outcome, StoreError};
use vocabulary::{Clock, Id, Timestamp, kinds};

/// When every run begins: a Monday morning in Shanghai.
const BEGIN: &str = "2026-11-23T02:00:00Z";
const CUSTOMERS: usize = 4;
const SHOPS: usize = 2;
/// What each customer begins with, minor units.
const FUNDS: i64 = 200_000;
const IBANS: [&str; CUSTOMERS] = [
    "DE89 3704 0044 0532 0130 00",
    "GB82 WEST 1234 5698 7654 32",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91 ABNA 0417 1643 00",
];

/// A customer.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Her id.
    pub id: Id<kinds::Customer>,
    /// Her wallet.
    pub wallet: Id<kinds::Wallet>,
    /// Her account at the bank beside.
    pub bank_account: Id<kinds::BankAccount>,
}

/// Who there is.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Customers.
    pub customers: Vec<Person>,
    /// Shops.
    pub shops: Vec<Id<kinds::Merchant>>,
}

/// A world before anything happens.
pub struct World {
    /// The bank's files.
    pub files: Files,
    /// The files of the bank beside.
    pub beside: Files,
    /// Who there is.
    pub people: People,
    vault: SimVault,
}

/// What is outside the bank's process and outlives it.
pub struct Outside {
    /// The clock.
    pub clock: Arc<SimClock>,
    /// Chance, for ids and keys.
    pub entropy: Arc<SimEntropy>,
    /// The key vault.
    pub vault: Arc<SimVault>,
    /// The bank beside.
    pub beside: Arc<SandboxBank>,
    /// How bad the lines are.
    pub weather: Arc<Weather>,
}

/// The currency of all amounts.
#[must_use]
pub fn yuan() -> Currency {
    Currency::iso("CNY").unwrap_or_else(|_| unreachable!("CNY is on list one"))
}

/// What a use case comes to. On a store driven by hand it never waits: who has to, gives his turn away inside.
pub fn at_once<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a use case waits for something that is not simulated"),
    }
}

/// Where the files of the bank beside are.
#[must_use]
pub fn beside_of(place: &Path) -> PathBuf {
    place.join("sandbox-bank")
}

impl Outside {
    /// Opens a process of the bank on the disk's directory. At most so many units make a group.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open(&self, place: &Path, alive: Arc<AtomicBool>, group: usize) -> Result<Bank, String> {
        let (beside, weather) = (Arc::clone(&self.beside), Arc::clone(&self.weather));
        // No moment of the machine decides anything: everybody waits as long as it takes.
        let ever = Duration::from_secs(86_400);
        let limits = store::Limits {
            group,
            group_time: ever,
            patience: ever,
            by_hand: Some(turns::turn),
            ..store::Limits::default()
        };
        let options = BankOptions {
            directory: SimDisk::node(place),
            server: None,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&self.entropy) as Arc<_>,
            vault: Arc::clone(&self.vault) as Arc<_>,
            rail: Arc::new(Line { beside, alive, weather: Arc::clone(&self.weather) }),
            notifier: Arc::new(Post(weather)),
            card_vault: None,
            zone: "Asia/Shanghai".to_owned(),
            sandbox: true,
            currencies: vec![yuan()],
            units: Vec::new(),
            limits,
            cache_kib: 4096,
        };
        Bank::open(options).map_err(|error| format!("{error}: {error:?}"))
    }
}

impl World {
    /// Makes a world at a place.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(place: &Path) -> Result<Self, String> {
        let mut disk = SimDisk::new(place, &Files::new()).map_err(|error| error.to_string())?;
        let outside =
            Self { files: Files::new(), beside: Files::new(), people: People::default(), vault: SimVault::default() }
                .outside(place, &Chance::new(1))?;
        let bank = outside.open(place, Arc::new(AtomicBool::new(true)), 128)?;
        let people = settle_people(&bank).map_err(|error| format!("{error}: {error:?}"))?;
        bank.store().settle_blocking().map_err(|error| error.to_string())?;
        drop(bank);
        let files = disk.files().map_err(|error| error.to_string())?;
        let Outside { vault, beside, .. } = outside;
        drop(beside);
        let beside = files_of(&beside_of(place)).map_err(|error| error.to_string())?;
        disk = SimDisk::new(place, &files).map_err(|error| error.to_string())?;
        drop(disk);
        Ok(Self { files, beside, people, vault: vault.copy() })
    }

    /// Everything outside the bank's process, as it is when a run begins.
    ///
    /// # Errors
    /// When the bank beside does not open.
    pub fn outside(&self, place: &Path, chance: &Chance) -> Result<Outside, String> {
        let directory = beside_of(place);
        let io = |error: std::io::Error| error.to_string();
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        std::fs::create_dir_all(&directory).map_err(io)?;
        for (name, content) in &self.beside {
            std::fs::write(directory.join(name), content).map_err(io)?;
        }
        let beside = SandboxBank::open(&directory).map_err(|error| format!("{error}: {error:?}"))?;
        let begin = Timestamp::parse(BEGIN).map_err(|_| "no moment".to_owned())?;
        Ok(Outside {
            clock: Arc::new(SimClock::at(begin.micros() + i64::try_from(chance.clone().below(86_400)).unwrap_or(0))),
            entropy: Arc::new(SimEntropy::new(chance.branch(1))),
            vault: Arc::new(self.vault.copy()),
            beside: Arc::new(beside),
            weather: Arc::new(Weather::new(chance.branch(2))),
        })
    }
}

fn settle_people(bank: &Bank) -> Result<People, bank::BankError> {
    let mut people = People::default();
    let import = |number| Import { display_name: format!("Person {number}"), tier: 3, currencies: vec![yuan()] };
    let imports: Vec<Import> = (0..CUSTOMERS).map(import).collect();
    for (found, iban) in customers::import_blocking(bank, &imports)?.into_iter().zip(IBANS) {
        let link = Wish::internal(Principal::Customer(found.customer), "bank_accounts.link");
        let linked = at_once(bank_accounts::link(bank, link, iban.to_owned()))?;
        let linked = linked.result.map_err(|refusal| bank::BankError::Bug(refusal.detail))?;
        fund(bank, &found.accounts[0])?;
        people.customers.push(Person { id: found.customer, wallet: found.wallet, bank_account: linked.id });
    }
    for number in 0..SHOPS {
        let new = NewMerchant {
            name: format!("Shop {number}"),
            mcc: "5411".to_owned(),
            country: "CN".to_owned(),
            city: "Shanghai".to_owned(),
            fee_plan: "payment.standard".to_owned(),
            settlement_plan: "standard".to_owned(),
            currencies: vec![yuan()],
        };
        let opened = at_once(merchants::open(bank, Wish::internal(Principal::System, "merchants.open"), new))?;
        people.shops.push(opened.result.map_err(|refusal| bank::BankError::Bug(refusal.detail))?.id);
    }
    Ok(people)
}

/// Brings money into a wallet account, from the opening account.
fn fund(bank: &Bank, account: &WalletAccount) -> Result<(), StoreError> {
    let (desk, account) = (bank.desk(), *account);
    bank.store().write_blocking(move |uow| {
        let debit = desk.chart().own(uow, Own::Opening, account.currency)?;
        let intent =
            Intent { kind: EntryKind::Opening, principal: Principal::System, channel: Channel::CommandLine, cause: 0 };
        let (credit, amount) = (account.account, FUNDS);
        let step = Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::No };
        match uow.post(&entries::draft(&desk, uow, intent, vec![step]))? {
            Ok(_) => Ok(Outcome::<(), ()>::Done(())),
            Err(refusal) => Err(StoreError::Bug(refusal.to_string())),
        }
    })?;
    Ok(())
}

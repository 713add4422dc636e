//! Opens a bank with everything around it: clock, chance, key vault, rail, notifier.

use crate::absent_bank::AbsentBank;
use crate::card_vault::CardVaultPlace;
use crate::failure::Failure;
use crate::options::Shape;
use crate::restore::KEY_FILE;
use crate::system::{SystemClock, SystemEntropy};
use bank::{Bank, BankOpenError, BankOptions};
use ports::BankRail;
use rails::sandbox_bank::SandboxBank;
use rails::{FileVault, MemoryNotifier};
use sql::DirectoryLock;
use std::path::Path;
use std::sync::Arc;
use vocabulary::{Clock, Entropy};

/// Opens the bank in a directory. Blocks.
pub fn open_bank(directory: &Path, shape: &Shape) -> Result<Bank, Failure> {
    open_with(directory, shape, Arc::new(SystemClock))
}

/// As [`open_bank`], on another clock.
pub fn open_with(directory: &Path, shape: &Shape, clock: Arc<dyn Clock>) -> Result<Bank, Failure> {
    let cannot = || format!("the bank in {} cannot be opened", directory.display());
    if shape.server.is_none() {
        crate::moved::refuse(directory)?;
    }
    let holds_bank = match &shape.server {
        None => directory.join(sql::FILE_NAME).exists(),
        Some(server) => vetted(server).map_err(|error| Failure::because(cannot(), error))?,
    };
    if holds_bank && !directory.join(KEY_FILE).exists() {
        return Err(Failure::new(format!(
            "{}, because its key file {} is missing; put it back from where you keep its copy",
            cannot(),
            directory.join(KEY_FILE).display()
        )));
    }
    // Said first and plainly; the store takes the lock for good.
    drop(DirectoryLock::take(directory).map_err(|error| Failure::because(cannot(), error))?);
    let beside = directory.join(BESIDE);
    let had_bank_beside = beside.is_dir();
    // A sandbox stays one; a bank restored from a sandbox's backup is told to be one.
    let sandbox = shape.sandbox || had_bank_beside;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let vault = FileVault::open(directory, Arc::clone(&entropy)).map_err(|error| Failure::because(cannot(), error))?;
    let opened = Bank::open(BankOptions {
        directory: directory.to_owned(),
        server: shape.server.clone(),
        clock,
        entropy,
        vault: Arc::new(vault),
        rail: rail(&beside, sandbox)?,
        notifier: Arc::new(MemoryNotifier::default()),
        card_vault: shape.cards.as_ref().map(CardVaultPlace::client).transpose()?,
        zone: shape.zone.clone(),
        sandbox,
        currencies: shape.currencies.clone(),
        units: shape.units.clone(),
        limits: store::Limits::default(),
        cache_kib: shape.cache_kib,
    });
    let bank = opened.map_err(|error: BankOpenError| Failure::because(cannot(), error))?;
    if bank.is_sandbox() != sandbox {
        let (found, word) = if bank.is_sandbox() { ("a sandbox", "with") } else { ("live", "without") };
        drop(bank);
        if sandbox && !had_bank_beside {
            // What was made for a sandbox must not make the live bank look like one.
            let _ = std::fs::remove_dir_all(&beside);
        }
        return Err(Failure::new(format!("the bank in {} is {found}; start it {word} --sandbox", directory.display())));
    }
    Ok(bank)
}

/// Whether a database on a server holds a bank already, once it was looked at and is good enough for one.
fn vetted(server: &sql::Database) -> Result<bool, sql::SqlError> {
    server.vet(&SystemClock)?;
    store::holds_bank(server)
}

/// The sandbox bank's folder within the data directory.
pub const BESIDE: &str = "sandbox-bank";

/// A sandbox has a bank of its own beside it; a live bank that is connected to none says so whenever it is asked.
fn rail(beside: &Path, sandbox: bool) -> Result<Arc<dyn BankRail>, Failure> {
    if !sandbox {
        return Ok(Arc::new(AbsentBank));
    }
    let opened = SandboxBank::open(beside).map_err(|error| {
        Failure::because(format!("the sandbox bank in {} cannot be opened", beside.display()), error)
    })?;
    Ok(Arc::new(opened))
}

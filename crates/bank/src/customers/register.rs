//! Registering a customer: one unit writes the person's key, the customer, the wallet and its accounts.

use super::SIGN_IN;
use super::records::{self, NewCustomer, name_place, sign_in_place};
use crate::bank::Bank;
use crate::error::BankError;
use crate::passwords;
use crate::policies::TIERS;
use crate::refusal::Refusal;
use crate::sealed::{NewPersonKey, Sealing};
use crate::wallets::{self, NewWalletAccount, WalletAccount};
use crate::wish::{Answer, Wish};
use formats::alias::Alias;
use money::Currency;
use serde::{Deserialize, Serialize};
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Secret, kinds};

/// A customer to be registered.
#[derive(Clone, Debug)]
pub struct Register {
    /// Under which name she signs in: a phone number, an e-mail address or a handle. It is no alias: nobody finds her by it.
    pub sign_in: String,
    /// Her name.
    pub display_name: String,
    /// Her password.
    pub password: Secret<String>,
    /// Her tier: what the bank knows of her.
    pub tier: u8,
    /// Currencies of the wallet's first accounts.
    pub currencies: Vec<Currency>,
}

/// A customer was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The customer.
    pub customer: Id<kinds::Customer>,
    /// Her wallet.
    pub wallet: Id<kinds::Wallet>,
}

/// Registers a customer with a wallet.
///
/// # Errors
/// Trouble.
pub async fn register(bank: &Bank, wish: Wish, command: Register) -> Result<Answer<Registered>, BankError> {
    match Registration::prepare(bank, command).await? {
        Ok(person) => bank.once(wish, move |uow| person.write(uow)).await,
        Err(refusal) => bank.once(wish, move |_| Ok(Outcome::Refused(refusal.clone()))).await,
    }
}

/// Who was checked and is ready to be written.
pub(crate) struct Registration {
    draft: Draft,
}

impl Registration {
    /// Everything that takes time: the checks, and hashing the password.
    pub(crate) async fn prepare(bank: &Bank, command: Register) -> Result<Result<Self, Refusal>, BankError> {
        let sign_in = match check(bank, &command) {
            Ok(alias) => alias.as_str().to_owned(),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let password = passwords::hash(command.password, bank.entropy()).await?;
        let name = command.display_name.trim().to_owned();
        let person = Person { name, sign_in: Some(sign_in), password: Some(password), tier: command.tier };
        Ok(Ok(Self { draft: Draft::new(bank, person, &command.currencies)? }))
    }

    /// Writes her, unless the sign-in name is taken.
    pub(crate) fn write(&self, uow: &mut Uow<'_, '_>) -> Result<Outcome<Registered, Refusal>, StoreError> {
        if !self.draft.write(uow)? {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CustomerExists).at("sign_in")));
        }
        Ok(Outcome::Done(Registered { customer: self.draft.row.id, wallet: self.draft.wallet }))
    }
}

/// In order: sign-in name, name, tier, currencies, password.
fn check(bank: &Bank, command: &Register) -> Result<Alias, Refusal> {
    let alias =
        Alias::parse(&command.sign_in).map_err(|error| Refusal::new(error.code(), error.to_string()).at("sign_in"))?;
    check_name(&command.display_name)?;
    if !TIERS.contains(&command.tier) {
        return Err(Refusal::new(ErrorCode::InvalidField, "the tier is 1, 2 or 3").at("tier"));
    }
    let currencies = bank.currencies();
    if command.currencies.is_empty() || !command.currencies.iter().all(|found| currencies.is_offered(*found)) {
        let detail = "name at least one currency that is offered here";
        return Err(Refusal::new(ErrorCode::CurrencyUnknown, detail).at("currencies"));
    }
    passwords::check_new(&bank.policies(), &command.password)?;
    Ok(alias)
}

/// A person's name has 1 to 100 characters, none of them a control character.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        let detail = "a name has 1 to 100 characters and no control characters";
        return Err(Refusal::new(ErrorCode::InvalidField, detail).at("display_name"));
    }
    Ok(())
}

struct Person {
    name: String,
    sign_in: Option<String>,
    password: Option<Vec<u8>>,
    tier: u8,
}

/// Everything a unit writes for a new customer, sealed and with ids before it begins.
struct Draft {
    key: NewPersonKey,
    row: NewCustomer,
    wallet: Id<kinds::Wallet>,
    accounts: Vec<NewWalletAccount>,
}

impl Draft {
    fn new(bank: &Bank, person: Person, currencies: &[Currency]) -> Result<Self, BankError> {
        let Person { name, sign_in, password, tier } = person;
        let id: Id<kinds::Customer> = bank.new_id();
        let wallet = bank.new_id();
        let key = bank.sealing().new_person(id.as_u128())?;
        let display_name = key.key.seal(bank.entropy(), name_place(id), &name)?;
        let sign_in = match sign_in {
            None => None,
            Some(text) => {
                let sealed = key.key.seal(bank.entropy(), sign_in_place(id), &text)?;
                Some((bank.sealing().hash(SIGN_IN, &text), sealed))
            }
        };
        let mut wanted: Vec<Currency> = currencies.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let accounts = wanted.into_iter().map(|currency| NewWalletAccount {
            wallet,
            customer: id,
            tier,
            currency,
            id: bank.new_id(),
            receivable: bank.new_id(),
        });
        let accounts = accounts.collect();
        Ok(Self { key, row: NewCustomer { id, tier, sign_in, display_name, password }, wallet, accounts })
    }

    /// False when the sign-in name is taken: then nothing was written.
    fn write(&self, uow: &mut Uow<'_, '_>) -> Result<bool, StoreError> {
        if !records::insert(uow, &self.row)? {
            return Ok(false);
        }
        self.write_rest(uow)?;
        Ok(true)
    }

    fn write_rest(&self, uow: &mut Uow<'_, '_>) -> Result<Vec<WalletAccount>, StoreError> {
        let customer = self.row.id;
        Sealing::insert(uow, customer.as_u128(), &self.key)?;
        wallets::open_wallet(uow, self.wallet, customer)?;
        let mut opened = Vec::new();
        for account in &self.accounts {
            opened.push(wallets::open_account(uow, account)?);
        }
        let body = serde_json::json!({ "customer": customer, "wallet": self.wallet }).to_string();
        let owner = Some(customer.as_u128());
        let subject = customer.as_u128();
        uow.emit(NewEvent { kind: "customer.registered", version: 1, owner, subject, body });
        Ok(opened)
    }
}

/// A customer brought in from elsewhere, who cannot sign in (yet).
#[derive(Clone, Debug)]
pub struct Import {
    /// The name.
    pub display_name: String,
    /// The tier.
    pub tier: u8,
    /// Currencies of the wallet's accounts, all offered.
    pub currencies: Vec<Currency>,
}

/// An imported customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The customer.
    pub customer: Id<kinds::Customer>,
    /// The wallet.
    pub wallet: Id<kinds::Wallet>,
    /// Its accounts.
    pub accounts: Vec<WalletAccount>,
}

/// How many customers one unit imports.
const IMPORT_AT_ONCE: usize = 100;

/// Imports customers, in order, many to a unit. For threads that may block. When it fails, those before stay imported.
///
/// # Errors
/// Trouble.
pub fn import_blocking(bank: &Bank, customers: &[Import]) -> Result<Vec<Imported>, BankError> {
    let mut imported = Vec::with_capacity(customers.len());
    for part in customers.chunks(IMPORT_AT_ONCE) {
        let mut drafts = Vec::with_capacity(part.len());
        for found in part {
            let name = found.display_name.clone();
            let person = Person { name, sign_in: None, password: None, tier: found.tier };
            drafts.push(Draft::new(bank, person, &found.currencies)?);
        }
        let outcome = bank.store().write_blocking(move |uow| {
            let mut done = Vec::with_capacity(drafts.len());
            for draft in &drafts {
                if !records::insert(uow, &draft.row)? {
                    return Err(StoreError::Corrupt { table: "customer", finding: "a fresh id is taken" });
                }
                let accounts = draft.write_rest(uow)?;
                done.push(Imported { customer: draft.row.id, wallet: draft.wallet, accounts });
            }
            Ok(Outcome::<_, ()>::Done(done))
        })?;
        if let Outcome::Done(done) = outcome {
            imported.extend(done);
        }
    }
    Ok(imported)
}

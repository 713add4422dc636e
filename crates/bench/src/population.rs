//! Customers with money, merchants to pay, and sessions: what a benchmark of payments needs before it begins.

use bank::customers::{self, Import, Register};
use bank::entries::{self, Channel, EntryKind, Intent};
use bank::merchants::{self, NewMerchant};
use bank::{Bank, BankError, Own, Principal, Wish};
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{AccountNo, Count, Step, UpTo};
use money::Currency;
use store::{Outcome, StoreError};
use vocabulary::{Id, Secret, kinds};

/// How many to make.
#[derive(Clone, Copy, Debug)]
pub struct PopulationOptions {
    /// Customers, each with a wallet account (and its receivable).
    pub customers: u64,
    /// Merchants.
    pub merchants: u64,
    /// The currency.
    pub currency: Currency,
}

/// A customer of the benchmark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payer {
    pub(crate) customer: Id<kinds::Customer>,
    pub(crate) wallet: Id<kinds::Wallet>,
}

/// Everybody.
pub struct Population {
    pub(crate) payers: Vec<Payer>,
    pub(crate) merchants: Vec<Id<kinds::Merchant>>,
    pub(crate) currency: Currency,
}

/// A customer who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// The bearer token.
    pub token: String,
}

/// What everybody has at first, minor units; far more than is spent.
const OPENING: i64 = 50_000_000;
/// How many customers are imported and given their money at a time.
const AT_ONCE: u64 = 1_000;

/// Makes customers and merchants; `progress` is told how many customers are there. For a runtime with several threads.
///
/// # Errors
/// When the bank has trouble or refuses a merchant.
pub async fn populate(
    bank: &Bank,
    options: PopulationOptions,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Population, String> {
    let currency = options.currency;
    let mut payers = Vec::with_capacity(usize::try_from(options.customers).unwrap_or(0));
    while (payers.len() as u64) < options.customers {
        let count = AT_ONCE.min(options.customers - payers.len() as u64);
        let made = tokio::task::block_in_place(|| import(bank, count, currency));
        payers.extend(made.map_err(|error| error.to_string())?);
        progress(payers.len() as u64);
    }
    let opening = (0..options.merchants).map(|number| open_merchant(bank, number, currency));
    let merchants = stream::iter(opening).buffer_unordered(64).try_collect().await?;
    Ok(Population { payers, merchants, currency })
}

fn import(bank: &Bank, count: u64, currency: Currency) -> Result<Vec<Payer>, BankError> {
    let one = Import { display_name: "Benchmark".to_owned(), tier: 3, currencies: vec![currency] };
    let made = customers::import_blocking(bank, &vec![one; usize::try_from(count).unwrap_or(0)])?;
    let accounts: Vec<AccountNo> = made.iter().flat_map(|made| made.accounts.iter().map(|a| a.account)).collect();
    fund(bank, accounts, currency)?;
    Ok(made.into_iter().map(|made| Payer { customer: made.customer, wallet: made.wallet }).collect())
}

fn fund(bank: &Bank, accounts: Vec<AccountNo>, currency: Currency) -> Result<(), BankError> {
    let desk = bank.desk();
    bank.store().write_blocking(move |uow| {
        let debit = desk.chart().own(uow, Own::Opening, currency)?;
        for credit in &accounts {
            let (up_to, count) = (UpTo::default(), Count::No);
            let step = Step::Post { debit, credit: *credit, amount: OPENING, up_to, count };
            let (kind, principal) = (EntryKind::Opening, Principal::System);
            let intent = Intent { kind, principal, channel: Channel::CommandLine, cause: 0 };
            if let Err(refusal) = uow.post(&entries::draft(&desk, uow, intent, vec![step]))? {
                return Err(StoreError::Bug(refusal.to_string()));
            }
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

async fn open_merchant(bank: &Bank, number: u64, currency: Currency) -> Result<Id<kinds::Merchant>, String> {
    let new = NewMerchant {
        name: format!("Shop {number}"),
        mcc: "5999".to_owned(),
        country: "CN".to_owned(),
        city: "Chengdu".to_owned(),
        fee_plan: "payment.standard".to_owned(),
        settlement_plan: "standard".to_owned(),
        currencies: vec![currency],
    };
    let opened = merchants::open(bank, Wish::internal(Principal::System, "bench.merchant"), new).await;
    let opened = opened.map_err(|error| error.to_string())?;
    opened.result.map(|merchant| merchant.id).map_err(|refusal| refusal.detail)
}

/// Registers so many further customers with passwords, gives them money and signs them in.
///
/// # Errors
/// When the bank has trouble or refuses.
pub async fn sessions(bank: &Bank, count: u64, currency: Currency) -> Result<Vec<Session>, String> {
    let open = (0..count).map(|number| session(bank, number, currency));
    stream::iter(open).buffered(2).try_collect().await
}

async fn session(bank: &Bank, number: u64, currency: Currency) -> Result<Session, String> {
    let (sign_in, password) = (format!("@bench.{number}"), "benchmark-password-1".to_owned());
    let command = Register {
        sign_in: sign_in.clone(),
        display_name: "Benchmark".to_owned(),
        password: Secret::new(password.clone()),
        tier: 3,
        currencies: vec![currency],
    };
    let wish = Wish::internal(Principal::System, "bench.register");
    let answer = customers::register(bank, wish, command).await.map_err(|error| error.to_string())?;
    let registered = answer.result.map_err(|refusal| refusal.detail)?;
    let account = bank::wallets::find(bank, registered.wallet, currency).await.map_err(|error| error.to_string())?;
    let account = account.ok_or("a new wallet has no account")?.account;
    tokio::task::block_in_place(|| fund(bank, vec![account], currency)).map_err(|error| error.to_string())?;
    let signed = bank::sessions::sign_in(bank, &sign_in, Secret::new(password)).await;
    let signed = signed.map_err(|error| error.to_string())?.map_err(|refusal| refusal.detail)?;
    Ok(Session { token: signed.token.expose().clone() })
}

impl Population {
    /// The currency of the accounts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The requests of these sessions, each to another merchant; all to the first when `hot`.
    #[must_use]
    pub fn shots(&self, sessions: &[Session], hot: bool) -> Vec<crate::Shot> {
        let merchants = if hot { &self.merchants[..1] } else { &self.merchants[..] };
        let pairs = sessions.iter().cycle().zip(merchants.iter().cycle());
        let count = sessions.len().max(merchants.len());
        let shots = pairs.take(count).map(|(session, merchant)| crate::Shot {
            path: "/v1/payments",
            token: session.token.clone(),
            body: format!(
                r#"{{"merchant":"{merchant}","amount":{{"amount":"1.00","currency":"{}"}}}}"#,
                self.currency.code()
            )
            .into_bytes(),
        });
        shots.collect()
    }
}

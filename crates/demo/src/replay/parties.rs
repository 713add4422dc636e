//! Customers, merchants and opening balances of a file. Who was made by an earlier replay is found again by label.
//!
//! Labels are remembered as records under keys, so that the same label is the same customer or merchant for the bank's life.
//! An opening balance is an entry whose id follows from file and customer: posting it again is no second posting.

use super::pass::Census;
use super::{Progress, ReplayError};
use aws_lc_rs::digest::{SHA256, digest};
use bank::customers::{self, Import};
use bank::entries::{self, Channel, EntryKind, Intent};
use bank::merchants::{self, NewMerchant};
use bank::{Bank, BankError, Own, Principal, Wish};
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{AccountNo, Count, Difference, Entry, Refusal, Step, UpTo};
use money::Currency;
use store::{KeyDigest, Outcome, StoreError};
use tokio::task::block_in_place;
use vocabulary::{Id, kinds};

/// A customer of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The customer.
    pub customer: Id<kinds::Customer>,
    /// Her wallet.
    pub wallet: Id<kinds::Wallet>,
    /// Its account in the file's currency.
    pub account: AccountNo,
}

/// Everybody in the file, in the order in which they appear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties {
    /// Customers.
    pub payers: Vec<Payer>,
    /// Merchants, one for each terminal.
    pub merchants: Vec<Id<kinds::Merchant>>,
}

/// How many customers are looked up, imported or funded at a time.
const AT_ONCE: usize = 1_000;
/// How many merchants are opened at a time.
const MERCHANTS_AT_ONCE: usize = 200;
/// What the customers of a file may do: the most.
const TIER: u8 = 3;

/// Makes or finds everybody, and gives customers what they will spend.
pub(super) async fn settle(
    bank: &Bank,
    census: &Census,
    currency: Currency,
    progress: &mut dyn FnMut(Progress),
) -> Result<Parties, ReplayError> {
    let of = census.customers.len() as u64;
    let mut payers = Vec::with_capacity(census.customers.len());
    for part in census.customers.chunks(AT_ONCE) {
        payers.extend(block_in_place(|| customers_of(bank, part, currency))?);
        let funded: Vec<_> = part.iter().zip(&payers[payers.len() - part.len()..]).collect();
        block_in_place(|| fund(bank, &census.digest, &funded, currency))?;
        progress(Progress { stage: "customers", done: payers.len() as u64, of });
    }
    let of = census.terminals.len() as u64;
    let opening = census.terminals.iter().map(|terminal| open_merchant(bank, terminal, currency));
    let mut opened = stream::iter(opening).buffered(MERCHANTS_AT_ONCE);
    let mut merchants = Vec::with_capacity(census.terminals.len());
    while let Some(merchant) = opened.try_next().await? {
        merchants.push(merchant);
        progress(Progress { stage: "merchants", done: merchants.len() as u64, of });
    }
    Ok(Parties { payers, merchants })
}

fn half(digest: impl AsRef<[u8]>) -> [u8; 16] {
    std::array::from_fn(|place| digest.as_ref()[place])
}

/// The key under which a label's customer is remembered, in one currency.
fn key_of(label: &str, currency: Currency) -> KeyDigest {
    half(digest(&SHA256, format!("replay.customer\0{}\0{label}", currency.code()).as_bytes()))
}

/// Customers of these labels: remembered ones, and new ones.
fn customers_of(bank: &Bank, labels: &[(String, i64)], currency: Currency) -> Result<Vec<Payer>, BankError> {
    let keys: Vec<KeyDigest> = labels.iter().map(|(label, _)| key_of(label, currency)).collect();
    let asked = keys.clone();
    let outcome = bank.store().write_blocking(move |uow| {
        let found = asked.iter().map(|key| Ok(uow.recall(key)?.and_then(|record| read_payer(&record.response))));
        Ok(Outcome::<_, ()>::Done(found.collect::<Result<Vec<_>, StoreError>>()?))
    })?;
    let Outcome::Done(mut known) = outcome else { return Ok(Vec::new()) };
    let new: Vec<usize> = (0..labels.len()).filter(|place| known[*place].is_none()).collect();
    let imports: Vec<Import> = new
        .iter()
        .map(|place| Import {
            display_name: format!("Cardholder {}", shown(&labels[*place].0)),
            tier: TIER,
            currencies: vec![currency],
        })
        .collect();
    let imported = customers::import_blocking(bank, &imports)?;
    let mut records = Vec::with_capacity(new.len());
    for (place, made) in new.into_iter().zip(imported) {
        let account = made
            .accounts
            .first()
            .map(|account| account.account)
            .ok_or(StoreError::Corrupt { table: "wallet_account", finding: "an imported customer has no account" })?;
        let payer = Payer { customer: made.customer, wallet: made.wallet, account };
        records.push((keys[place], write_payer(payer)));
        known[place] = Some(payer);
    }
    bank.store().write_blocking(move |uow| {
        for (key, response) in &records {
            uow.remember(*key, *key, response.clone());
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(known.into_iter().flatten().collect())
}

/// A label as it may stand in a name.
fn shown(label: &str) -> String {
    label.chars().take(80).collect()
}

fn write_payer(payer: Payer) -> Vec<u8> {
    [&payer.customer.to_bytes()[..], &payer.wallet.to_bytes(), &payer.account.0.to_be_bytes()].concat()
}

fn read_payer(bytes: &[u8]) -> Option<Payer> {
    Some(Payer {
        customer: Id::from_slice(bytes.get(..16)?)?,
        wallet: Id::from_slice(bytes.get(16..32)?)?,
        account: AccountNo(u64::from_be_bytes(bytes.get(32..40)?.try_into().ok()?)),
    })
}

/// Brings into the books what customers will spend.
fn fund(bank: &Bank, file: &str, payers: &[(&(String, i64), &Payer)], currency: Currency) -> Result<(), BankError> {
    let desk = bank.desk();
    let openings: Vec<(u128, AccountNo, i64)> = payers
        .iter()
        .filter(|((_, spent), _)| *spent > 0)
        .map(|((label, spent), payer)| {
            let id = half(digest(&SHA256, format!("replay.opening\0{file}\0{label}").as_bytes()));
            (u128::from_be_bytes(id), payer.account, *spent)
        })
        .collect();
    bank.store().write_blocking(move |uow| {
        let from = desk.chart().own(uow, Own::Opening, currency)?;
        for (id, account, amount) in &openings {
            let intent = Intent {
                kind: EntryKind::Opening,
                principal: Principal::System,
                channel: Channel::CommandLine,
                cause: 0,
            };
            let (up_to, count) = (UpTo::default(), Count::No);
            let step = Step::Post { debit: from, credit: *account, amount: *amount, up_to, count };
            let drafted = entries::draft(&desk, uow, intent, vec![step]);
            let entry = Entry { id: *id, fresh: false, forced: true, ..drafted };
            match uow.post(&entry)? {
                // Policies may have changed since an earlier replay: the balance was brought in all the same.
                Ok(_) | Err(Refusal::Exists(Difference::Policy)) => {}
                Err(refusal) => return Err(StoreError::Bug(format!("an opening balance was refused: {refusal}"))),
            }
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

async fn open_merchant(bank: &Bank, terminal: &str, currency: Currency) -> Result<Id<kinds::Merchant>, ReplayError> {
    let key = half(digest(&SHA256, terminal.as_bytes())).map(|byte| format!("{byte:02x}")).concat();
    let body = format!("{} {terminal}", currency.code());
    let wish = Wish::new(Principal::System, "replay.merchant", &format!("{}-{key}", currency.code()), body.as_bytes());
    let new = NewMerchant {
        name: format!("Terminal {}", shown(terminal)),
        mcc: "5999".to_owned(),
        country: "CN".to_owned(),
        city: "Chengdu".to_owned(),
        fee_plan: "payment.standard".to_owned(),
        settlement_plan: "standard".to_owned(),
        currencies: vec![currency],
    };
    let answer = merchants::open(bank, wish, new).await?;
    answer.result.map(|merchant| merchant.id).map_err(ReplayError::Refused)
}

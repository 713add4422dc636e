//! Who pays whom under which terms: resolved before the unit of work, from caches where nothing can have changed.
//!
//! A wallet's account and a merchant's never change their numbers, so a cached one cannot pay the wrong party; what can
//! change (frozen, closed) is checked by the ledger inside the unit. The order, its state and its reference are read again
//! in the unit: here they only name the merchant and the currency.

use super::pay::PayCommand;
use crate::merchants::{self, MerchantAccount};
use crate::orders;
use crate::policies::{Fee, Policies};
use crate::references;
use crate::wallets::WalletAccount;
use crate::{Bank, BankError, Currencies, Principal, Refusal, wallets};
use ledger::AccountNo;
use money::{Currency, Money};
use store::{Snapshot, StoreError};
use vocabulary::{ErrorCode, Id, kinds};

/// Who is paid, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An order.
    Order(Id<kinds::Order>),
    /// A store, as its printed code names it.
    Store(Id<kinds::Store>),
    /// A merchant, and at which of its stores.
    Merchant(Id<kinds::Merchant>, Option<Id<kinds::Store>>),
}

impl Target {
    /// The target as bytes: equal for equal targets.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Order(order) => {
                bytes.push(1);
                bytes.extend(order.to_bytes());
            }
            Self::Store(store) => {
                bytes.push(2);
                bytes.extend(store.to_bytes());
            }
            Self::Merchant(merchant, store) => {
                bytes.push(3);
                bytes.extend(merchant.to_bytes());
                bytes.extend(store.map_or([0; 16], Id::to_bytes));
            }
        }
    }
}

/// Who is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payee {
    /// The merchant.
    pub merchant: Id<kinds::Merchant>,
    /// At which store.
    pub store: Option<Id<kinds::Store>>,
    /// The merchant's account.
    pub account: AccountNo,
    /// The merchant's reserve.
    pub reserve: AccountNo,
}

/// Everything a payment needs to know of its parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Who pays.
    pub payer: WalletAccount,
    /// Who is paid.
    pub payee: Payee,
    /// For which order.
    pub order: Option<Id<kinds::Order>>,
    /// How much, minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// The fee.
    pub fee: Fee,
}

type Resolved = Result<Prepared, Refusal>;

/// Resolves the parties of a payment; the inner error is the business "no".
pub(crate) async fn prepare(bank: &Bank, command: &PayCommand) -> Result<Resolved, BankError> {
    let named = match at_once(command) {
        Some(named) => named,
        None => {
            let (command, currencies) = (command.clone(), bank.currencies());
            match bank.store().read(move |snapshot| look_up(snapshot, &currencies, &command)).await? {
                Ok(named) => named,
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    };
    let currency = named.amount.currency();
    let payer = wallets::find(bank, command.wallet, currency).await?;
    let payee = merchants::find(bank, named.merchant, currency).await?;
    Ok(judge(&bank.policies(), command, (named, payer, payee)))
}

/// As [`prepare`], for threads outside the async runtime.
pub(crate) fn prepare_blocking(bank: &Bank, command: &PayCommand) -> Result<Resolved, BankError> {
    let named = match at_once(command) {
        Some(named) => named,
        None => {
            let currencies = bank.currencies();
            match bank.store().read_blocking(|snapshot| look_up(snapshot, &currencies, command))? {
                Ok(named) => named,
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    };
    let currency = named.amount.currency();
    let payer = wallets::find_blocking(bank, command.wallet, currency)?;
    let payee = merchants::find_blocking(bank, named.merchant, currency)?;
    Ok(judge(&bank.policies(), command, (named, payer, payee)))
}

/// Whom the target names, and how much.
struct Named {
    merchant: Id<kinds::Merchant>,
    store: Option<Id<kinds::Store>>,
    order: Option<Id<kinds::Order>>,
    amount: Money,
}

/// What the command itself says, when no row need be read.
fn at_once(command: &PayCommand) -> Option<Named> {
    let (Target::Merchant(merchant, None), Some(amount)) = (command.target, command.amount) else { return None };
    Some(Named { merchant, store: None, order: None, amount })
}

fn look_up(
    snapshot: &Snapshot<'_>,
    currencies: &Currencies,
    command: &PayCommand,
) -> Result<Result<Named, Refusal>, StoreError> {
    let reading = snapshot.reading();
    if let Target::Order(id) = command.target {
        let Some(order) = orders::by_id(reading, id)? else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
        let currency = currencies.by_number(order.currency);
        let whole = currency.and_then(|currency| Money::new(order.amount, currency).ok());
        let whole = whole.ok_or(StoreError::Corrupt { table: "merchant_order", finding: "an amount or currency" })?;
        let amount = command.amount.unwrap_or(whole);
        if amount.currency() != whole.currency() {
            return Ok(Err(Refusal::of(ErrorCode::CurrencyMismatch).at("amount.currency")));
        }
        return Ok(Ok(Named { merchant: order.merchant, store: order.store, order: Some(id), amount }));
    }
    let Some(amount) = command.amount else { return Ok(Err(Refusal::of(ErrorCode::MissingField).at("amount"))) };
    let (wanted, store) = match command.target {
        Target::Merchant(merchant, store) => (Some(merchant), store),
        Target::Store(store) => (None, Some(store)),
        Target::Order(_) => (None, None),
    };
    let found = match store {
        Some(store) => merchants::records::store(reading, store)?.map(|found| found.merchant),
        None => wanted,
    };
    match found.filter(|found| wanted.is_none_or(|wanted| wanted == *found)) {
        Some(merchant) => Ok(Ok(Named { merchant, store, order: None, amount })),
        None => Ok(Err(Refusal::of(ErrorCode::StoreNotFound))),
    }
}

/// Refuses in this order: texts, amount, wallet, merchant, fee plan.
fn judge(
    policies: &Policies,
    command: &PayCommand,
    (named, payer, payee): (Named, Option<WalletAccount>, Option<MerchantAccount>),
) -> Resolved {
    if let Err(no) = references::check(command.reference.as_deref(), command.description.as_deref()) {
        return Err(Refusal::new(no.code(), no.sentence()).at(no.field()));
    }
    if named.amount.is_zero() {
        return Err(Refusal::of(ErrorCode::AmountNotPositive).at("amount"));
    }
    let may = |payer: &WalletAccount| match command.principal {
        Principal::Customer(customer) => payer.customer == customer,
        Principal::Staff(_) | Principal::System => true,
        Principal::Merchant(_) => false,
    };
    let Some(payer) = payer.filter(may) else {
        let no = "the wallet has no account in this currency; add one, or pay in a currency that it has";
        return Err(Refusal::new(ErrorCode::AccountNotFound, no).at("wallet"));
    };
    let Some(payee) = payee.filter(|payee| payee.active) else {
        return Err(Refusal::of(ErrorCode::MerchantNotActive));
    };
    let Some(fee) = policies.fee(&payee.fee_plan) else {
        return Err(Refusal::new(ErrorCode::MerchantNotActive, "the merchant's fee plan is not known; tell the bank"));
    };
    Ok(Prepared {
        payer,
        payee: Payee { merchant: payee.merchant, store: named.store, account: payee.account, reserve: payee.reserve },
        order: named.order,
        amount: named.amount.minor(),
        currency: named.amount.currency(),
        fee: *fee,
    })
}

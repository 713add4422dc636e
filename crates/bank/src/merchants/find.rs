//! Looking at merchants.

use super::change::Status;
use super::records::{self, MerchantAccount, MerchantRow, StoreRow};
use crate::bank::Bank;
use crate::error::BankError;
use money::Currency;
use serde::{Deserialize, Serialize};
use store::Ground;
use vocabulary::{Id, Timestamp, kinds};

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantView {
    /// Its id.
    pub id: Id<kinds::Merchant>,
    /// Its name.
    pub name: String,
    /// Its category code.
    pub mcc: String,
    /// Its country.
    pub country: String,
    /// Its city.
    pub city: String,
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// Its fee plan.
    pub fee_plan: String,
    /// Its settlement plan.
    pub settlement_plan: String,
    /// Codes of the currencies in which it has accounts.
    pub currencies: Vec<String>,
    /// Its stores.
    pub stores: Vec<StoreView>,
    /// When it was opened.
    pub created: Timestamp,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreView {
    /// Its id.
    pub id: Id<kinds::Store>,
    /// Its name.
    pub name: String,
    /// Its category code.
    pub mcc: String,
    /// Its country.
    pub country: String,
    /// Its city.
    pub city: String,
}

impl From<StoreRow> for StoreView {
    fn from(row: StoreRow) -> Self {
        let StoreRow { id, name, mcc, country, city, .. } = row;
        Self { id, name, mcc, country, city }
    }
}

impl MerchantView {
    pub(super) fn of(row: MerchantRow, currencies: Vec<String>, stores: Vec<StoreView>) -> Self {
        let MerchantRow { id, name, mcc, country, city, status, fee_plan, settlement_plan, created } = row;
        let status = Status::from_number(status).map_or("closed", Status::name).to_owned();
        Self { id, name, mcc, country, city, status, fee_plan, settlement_plan, currencies, stores, created }
    }
}

/// The request's unit is refused when the merchant's terms are others where it decides.
fn rests_on(bank: &Bank, found: MerchantAccount) -> MerchantAccount {
    if !bank.store().has_other_nodes() {
        return found;
    }
    let known = found.clone();
    bank.store().rely(Ground::Rule, move |reading| {
        Ok(records::account(reading, known.merchant, known.currency)?.is_some_and(|present| present == known))
    });
    found
}

/// A merchant's accounts and terms in a currency, from memory when they were asked for before.
///
/// # Errors
/// Trouble.
pub async fn find(
    bank: &Bank,
    merchant: Id<kinds::Merchant>,
    currency: Currency,
) -> Result<Option<MerchantAccount>, BankError> {
    let key = (merchant.as_u128(), currency.number());
    let ticket = match bank.caches().merchants.get(&key) {
        Ok(found) => return Ok(Some(rests_on(bank, found))),
        Err(ticket) => ticket,
    };
    let found = bank.store().look_up(|reading| records::account(reading, merchant, currency))?;
    if let Some(found) = &found {
        bank.caches().merchants.keep(ticket, key, found.clone());
    }
    Ok(found.map(|found| rests_on(bank, found)))
}

/// As [`find`], for threads outside the async runtime.
///
/// # Errors
/// Trouble.
pub fn find_blocking(
    bank: &Bank,
    merchant: Id<kinds::Merchant>,
    currency: Currency,
) -> Result<Option<MerchantAccount>, BankError> {
    let key = (merchant.as_u128(), currency.number());
    let ticket = match bank.caches().merchants.get(&key) {
        Ok(found) => return Ok(Some(rests_on(bank, found))),
        Err(ticket) => ticket,
    };
    let found = bank.store().read_blocking(|snapshot| records::account(snapshot.reading(), merchant, currency))?;
    if let Some(found) = &found {
        bank.caches().merchants.keep(ticket, key, found.clone());
    }
    Ok(found.map(|found| rests_on(bank, found)))
}

/// A merchant with its stores.
///
/// # Errors
/// Trouble.
pub async fn view(bank: &Bank, id: Id<kinds::Merchant>) -> Result<Option<MerchantView>, BankError> {
    let currencies = bank.currencies();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(row) = records::by_id(reading, id)? else { return Ok(None) };
        let accounts = records::accounts(reading, id, &currencies)?;
        let codes = accounts.iter().map(|found| found.currency.code().to_owned()).collect();
        let stores = records::stores(reading, id)?.into_iter().map(StoreView::from).collect();
        Ok(Some(MerchantView::of(row, codes, stores)))
    });
    Ok(found.await?)
}

/// Merchants, newest first, without their stores and currencies.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    before: Option<Id<kinds::Merchant>>,
    limit: u32,
) -> Result<Vec<MerchantView>, BankError> {
    let rows = bank.store().read(move |snapshot| records::page(snapshot.reading(), before, limit)).await?;
    Ok(rows.into_iter().map(|row| MerchantView::of(row, Vec::new(), Vec::new())).collect())
}

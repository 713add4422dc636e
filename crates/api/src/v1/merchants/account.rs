//! The merchant itself: name, stores, balances, statement.

use crate::dto::{Balance, Moment, ids};
use crate::v1::statements::{Statement, StatementOf};
use axum::response::Response;
use bank::merchants::{self, MerchantView, StoreView};
use bank::{BankError, statements, wallets};
use edge::caller::{AsMerchant, PaymentsRead, SettlementsRead};
use edge::reply::{self, Handled, Reply};
use edge::{Params, Problem, blocking};
use serde::Serialize;
use utoipa::ToSchema;

/// A merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Merchant {
    /// Its id.
    pub id: ids::Merchant,
    /// Its name.
    #[schema(example = "Noodle House")]
    pub name: String,
    /// Its category code (ISO 18245).
    #[schema(example = "5812")]
    pub category: String,
    /// Its country.
    #[schema(example = "CN")]
    pub country: String,
    /// Its city.
    #[schema(example = "Chengdu")]
    pub city: String,
    /// `active`, `suspended` or `closed`.
    #[schema(example = "active")]
    pub status: String,
    /// Its fee plan.
    #[schema(example = "payment.standard")]
    pub fee_plan: String,
    /// Its settlement plan.
    #[schema(example = "standard")]
    pub settlement_plan: String,
    /// The currencies of its accounts; empty in lists.
    pub currencies: Vec<String>,
    /// Its stores; empty in lists.
    pub stores: Vec<Store>,
    /// When it was opened.
    pub created_at: Moment,
}

/// A store.
#[derive(Debug, Serialize, ToSchema)]
pub struct Store {
    /// Its id.
    pub id: ids::Store,
    /// Its name.
    #[schema(example = "Noodle House Wuhou")]
    pub name: String,
    /// Its category code.
    #[schema(example = "5812")]
    pub category: String,
    /// Its country.
    #[schema(example = "CN")]
    pub country: String,
    /// Its city.
    #[schema(example = "Chengdu")]
    pub city: String,
}

/// The merchant's balances of one moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantBalances {
    /// One row for each currency.
    pub data: Vec<MerchantBalance>,
}

/// The merchant's balance in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantBalance {
    /// What the bank owes the merchant.
    pub posted: Balance,
    /// What of it is not set aside.
    pub available: Balance,
    /// The reserve.
    pub reserve: Balance,
}

pub(crate) fn show_store(view: StoreView) -> Store {
    Store { id: view.id.into(), name: view.name, category: view.mcc, country: view.country, city: view.city }
}

pub(crate) fn show(view: MerchantView) -> Merchant {
    Merchant {
        id: view.id.into(),
        name: view.name,
        category: view.mcc,
        country: view.country,
        city: view.city,
        status: view.status,
        fee_plan: view.fee_plan,
        settlement_plan: view.settlement_plan,
        currencies: view.currencies,
        stores: view.stores.into_iter().map(show_store).collect(),
        created_at: view.created.into(),
    }
}

/// Look at the merchant
#[utoipa::path(get, path = "/v1/merchant", tag = "merchant",
    responses((status = 200, description = "The merchant of the API key.", body = Merchant)))]
pub async fn get(who: AsMerchant<PaymentsRead>) -> Handled<Merchant> {
    Ok(Reply::ok(show(reply::found(merchants::view(&who.bank, who.merchant()).await)?)))
}

/// Look at the merchant's balances
#[utoipa::path(get, path = "/v1/merchant/balance", tag = "merchant",
    responses((status = 200, description = "All of one moment.", body = MerchantBalances)))]
pub async fn balance(who: AsMerchant<SettlementsRead>) -> Handled<MerchantBalances> {
    let merchant = reply::found(merchants::view(&who.bank, who.merchant()).await)?;
    let currencies = who.bank.currencies();
    let mut accounts = Vec::new();
    for code in merchant.currencies {
        let currency = currencies.parse(&code).map_err(Problem::new)?;
        accounts.extend(merchants::find(&who.bank, who.merchant(), currency).await?);
    }
    let rows = who.bank.store().read(move |snapshot| {
        let mut rows = Vec::new();
        for account in &accounts {
            let (main, reserve) =
                (wallets::balances(snapshot, account.account)?, wallets::balances(snapshot, account.reserve)?);
            rows.push((account.currency, main, reserve));
        }
        Ok(rows)
    });
    let rows = rows.await.map_err(BankError::from)?;
    let data = rows.into_iter().map(|(currency, main, reserve)| MerchantBalance {
        posted: Balance::of(&currencies, main.posted_minor, currency.code()),
        available: Balance::of(&currencies, main.available_minor, currency.code()),
        reserve: Balance::of(&currencies, reserve.posted_minor, currency.code()),
    });
    Ok(Reply::ok(MerchantBalances { data: data.collect() }))
}

/// Draw up the merchant's statement
#[utoipa::path(get, path = "/v1/merchant/statement", tag = "merchant", params(StatementOf),
    responses((status = 200, description = "The statement.", content((Statement = "application/json"), (String = "text/csv")))))]
pub async fn statement(who: AsMerchant<SettlementsRead>, Params(of): Params<StatementOf>) -> Result<Response, Problem> {
    let (currency, period) = of.read(&who.bank)?;
    let merchant = who.merchant();
    let found = blocking(&who.bank, move |bank| statements::of_merchant(bank, merchant, currency, period)).await?;
    of.answer(&who.bank, found)
}

//! The wallet's history: statements by period.

use super::wallets::wallet_of;
use crate::v1::statements::{Statement, StatementOf};
use axum::response::Response;
use bank::statements;
use edge::caller::AsCustomer;
use edge::{Params, Problem, blocking};

/// Draw up a statement
///
/// Everything that was booked on the account within the period, with the balances around it.
#[utoipa::path(get, path = "/v1/statement", tag = "wallets", params(StatementOf),
    responses((status = 200, description = "The statement.", content((Statement = "application/json"), (String = "text/csv")))))]
pub async fn statement(who: AsCustomer, Params(of): Params<StatementOf>) -> Result<Response, Problem> {
    let (currency, period) = of.read(&who.bank)?;
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    let found = blocking(&who.bank, move |bank| statements::of_wallet(bank, wallet, currency, period)).await?;
    of.answer(&who.bank, found)
}

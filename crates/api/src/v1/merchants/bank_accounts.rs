//! Bank accounts to which a merchant is settled.

use crate::dto::Page;
use crate::v1::customers::bank_accounts::{BankAccount, NewBankAccount, show};
use axum::http::StatusCode;
use bank::bank_accounts;
use edge::caller::{AsMerchant, PayoutsWrite};
use edge::reply::{self, Handled, Reply};
use edge::{Command, PathId, Problem};
use vocabulary::kinds;

/// Link a bank account of the merchant
#[utoipa::path(post, path = "/v1/merchant/bank-accounts", tag = "merchant", request_body = NewBankAccount,
    responses((status = 201, description = "The link.", body = BankAccount)))]
pub async fn link(who: AsMerchant<PayoutsWrite>, command: Command<NewBankAccount>) -> Handled<BankAccount> {
    let (wish, body) = who.wish("bank_accounts.link", command);
    reply::created(&who.bank, bank_accounts::link(&who.bank, wish, body.number).await, show)
}

/// List the merchant's bank accounts
#[utoipa::path(get, path = "/v1/merchant/bank-accounts", tag = "merchant",
    responses((status = 200, description = "Links, newest first.", body = Page<BankAccount>)))]
pub async fn list(who: AsMerchant<PayoutsWrite>) -> Handled<Page<BankAccount>> {
    let owner = who.principal();
    let all = bank_accounts::list(&who.bank, owner).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Remove a link of the merchant
#[utoipa::path(delete, path = "/v1/merchant/bank-accounts/{bank_account}", tag = "merchant",
    responses((status = 204, description = "Nothing is settled to it any more.")))]
pub async fn remove(
    who: AsMerchant<PayoutsWrite>,
    PathId(id): PathId<kinds::BankAccount>,
) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("bank_accounts.remove");
    reply::done(&who.bank, bank_accounts::remove(&who.bank, wish, id).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

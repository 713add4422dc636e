//! Bank accounts outside that a customer linked.

use crate::dto::{Moment, Page, ids};
use axum::http::StatusCode;
use bank::bank_accounts::{self, BankAccountView};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Command, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// A bank account to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "DE89370400440532013000"}))]
pub struct NewBankAccount {
    /// An IBAN or a national account number.
    #[schema(min_length = 1, max_length = 64)]
    pub number: String,
}

/// A linked bank account.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankAccount {
    /// Its id.
    pub id: ids::BankAccount,
    /// The number with all but the last four characters hidden.
    #[schema(example = "…3000")]
    pub masked: String,
    /// When it was linked.
    pub linked_at: Moment,
}

pub(crate) fn show(view: BankAccountView) -> BankAccount {
    BankAccount { id: view.id.into(), masked: view.masked, linked_at: view.linked_at.into() }
}

/// Link a bank account
#[utoipa::path(post, path = "/v1/bank-accounts", tag = "bank accounts", request_body = NewBankAccount,
    responses((status = 201, description = "The link.", body = BankAccount)))]
pub async fn link(who: AsCustomer, command: Command<NewBankAccount>) -> Handled<BankAccount> {
    let (wish, body) = who.wish("bank_accounts.link", command);
    reply::created(&who.bank, bank_accounts::link(&who.bank, wish, body.number).await, show)
}

/// List bank accounts
#[utoipa::path(get, path = "/v1/bank-accounts", tag = "bank accounts",
    responses((status = 200, description = "Links, newest first.", body = Page<BankAccount>)))]
pub async fn list(who: AsCustomer) -> Handled<Page<BankAccount>> {
    let owner = who.principal();
    let all = bank_accounts::list(&who.bank, owner).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Remove a link
#[utoipa::path(delete, path = "/v1/bank-accounts/{bank_account}", tag = "bank accounts",
    responses((status = 204, description = "Nothing new starts from or to it.")))]
pub async fn remove(who: AsCustomer, PathId(id): PathId<kinds::BankAccount>) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("bank_accounts.remove");
    reply::done(&who.bank, bank_accounts::remove(&who.bank, wish, id).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

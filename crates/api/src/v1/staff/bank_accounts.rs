//! To which bank account a merchant is settled.

use crate::dto::ids;
use crate::v1::customers::bank_accounts::{BankAccount, show};
use axum::http::StatusCode;
use bank::bank_accounts;
use edge::caller::{AsStaff, Look, ManageMerchants};
use edge::reply::{self, Handled, Reply};
use edge::{PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// A merchant's linked bank accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantBankAccounts {
    /// The one to which it is settled; null when it linked none or removed the link.
    pub settlement_account: Option<ids::BankAccount>,
    /// Links, newest first.
    pub data: Vec<BankAccount>,
}

/// Where a merchant is to be settled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bank_account": "bac_06f5t2c9wk7v1xq4mz8rhd3bne"}))]
pub struct SettlementAccount {
    /// One of its links.
    pub bank_account: ids::BankAccount,
}

/// List a merchant's bank accounts
#[utoipa::path(get, path = "/v1/staff/merchants/{merchant}/bank-accounts", tag = "staff",
    responses((status = 200, description = "Links, and to which of them it is settled.", body = MerchantBankAccounts)))]
pub async fn list(who: AsStaff<Look>, PathId(id): PathId<kinds::Merchant>) -> Handled<MerchantBankAccounts> {
    let (settled, links) = reply::found(bank_accounts::of_merchant(&who.bank, id).await)?;
    let data = links.into_iter().map(show).collect();
    Ok(Reply::ok(MerchantBankAccounts { settlement_account: settled.map(Into::into), data }))
}

/// Settle a merchant to another bank account
///
/// A merchant's first link is where it is settled; after that only the bank changes it, because a link proves nothing. The
/// merchant gets an event and a message.
#[utoipa::path(put, path = "/v1/staff/merchants/{merchant}/settlement-account", tag = "staff",
    request_body = SettlementAccount,
    responses((status = 204, description = "Settlements that are paid from now on go there.")))]
pub async fn settle_to(
    who: AsStaff<ManageMerchants>,
    PathId(id): PathId<kinds::Merchant>,
    Strict(body): Strict<SettlementAccount>,
) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("merchants.settle_to");
    let answer = bank_accounts::settle_to(&who.bank, wish, id, body.bank_account.0).await;
    reply::done(&who.bank, answer, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

//! Accounts: freeze, release, close, reopen.

use crate::dto::Money;
use axum::http::StatusCode;
use bank::wallets::{self, Freezing};
use edge::caller::{AsStaff, Restrain};
use edge::reply;
use edge::{BareCommand, Command, PathId, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use vocabulary::kinds;

/// What is to be frozen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"debit": true, "credit": false}))]
pub struct NewFreeze {
    /// Nothing may leave.
    #[serde(default)]
    pub debit: bool,
    /// Nothing may come.
    #[serde(default)]
    pub credit: bool,
    /// Set aside, in the account's currency.
    pub amount: Option<Money>,
}

/// What is to be free again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"debit": true, "credit": false}))]
pub struct NewRelease {
    /// Money may leave.
    #[serde(default)]
    pub debit: bool,
    /// Money may come.
    #[serde(default)]
    pub credit: bool,
    /// No more than this stays set aside.
    pub amount: Option<Money>,
}

/// Freeze an account
///
/// Beside what is frozen already: nothing becomes free by it.
#[utoipa::path(post, path = "/v1/staff/accounts/{account}/freeze", tag = "staff", request_body = NewFreeze,
    responses((status = 204, description = "It is so from now on.")))]
pub async fn freeze(
    who: AsStaff<Restrain>,
    PathId(id): PathId<kinds::Account>,
    command: Command<NewFreeze>,
) -> Result<StatusCode, Problem> {
    let (wish, body) = who.wish("accounts.freeze", command);
    let amount = body.amount.as_ref().map(|amount| amount.read(&who.bank, "/amount")).transpose()?;
    let amount_minor = amount.map_or(0, |amount| amount.minor());
    let what = Freezing::Freeze { debit: body.debit, credit: body.credit, amount_minor };
    reply::done(&who.bank, wallets::freeze(&who.bank, wish, id, what).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Release an account
///
/// Gives free what is named. A second person has to approve it, unless the bank's policy says otherwise.
#[utoipa::path(post, path = "/v1/staff/accounts/{account}/release", tag = "staff", request_body = NewRelease,
    responses((status = 204, description = "It is so from now on.")))]
pub async fn release(
    who: AsStaff<Restrain>,
    PathId(id): PathId<kinds::Account>,
    command: Command<NewRelease>,
) -> Result<StatusCode, Problem> {
    let (wish, body) = who.wish("accounts.release", command);
    let amount = body.amount.as_ref().map(|amount| amount.read(&who.bank, "/amount")).transpose()?;
    let amount_minor = amount.map(|amount| amount.minor());
    let what = Freezing::Release { debit: body.debit, credit: body.credit, amount_minor };
    reply::done(&who.bank, wallets::freeze(&who.bank, wish, id, what).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Close an account
///
/// Refused unless it is empty.
#[utoipa::path(post, path = "/v1/staff/accounts/{account}/close", tag = "staff",
    responses((status = 204, description = "It is closed until staff open it again.")))]
pub async fn close(
    who: AsStaff<Restrain>,
    PathId(id): PathId<kinds::Account>,
    command: BareCommand,
) -> Result<StatusCode, Problem> {
    let wish = who.bare_wish("accounts.close", command);
    reply::done(&who.bank, wallets::freeze(&who.bank, wish, id, Freezing::Close).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Open a closed account again
///
/// That of a person whose data was erased stays closed.
#[utoipa::path(post, path = "/v1/staff/accounts/{account}/reopen", tag = "staff",
    responses((status = 204, description = "It is open.")))]
pub async fn reopen(
    who: AsStaff<Restrain>,
    PathId(id): PathId<kinds::Account>,
    command: BareCommand,
) -> Result<StatusCode, Problem> {
    let wish = who.bare_wish("accounts.reopen", command);
    reply::done(&who.bank, wallets::freeze(&who.bank, wish, id, Freezing::Reopen).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

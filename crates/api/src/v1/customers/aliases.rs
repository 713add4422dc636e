//! Aliases: claim, prove with the code that was sent, list, give up.

use crate::dto::{Moment, Page, ids};
use axum::http::StatusCode;
use bank::aliases::{self, AliasView};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Command, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// An alias to be claimed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"alias": "+8613800000001"}))]
pub struct NewAlias {
    /// A phone number (`+8613800000000`), an e-mail address, or a handle (`@name`).
    #[schema(min_length = 1, max_length = 254)]
    pub alias: String,
}

/// The code that was sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "123456"}))]
pub struct Proof {
    /// Six digits.
    #[schema(min_length = 1, max_length = 12)]
    pub code: String,
}

/// An alias.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alias {
    /// Its id.
    pub id: ids::Alias,
    /// `phone`, `email` or `handle`.
    #[schema(example = "phone")]
    pub kind: String,
    /// The alias, masked.
    #[schema(example = "+86138****0001")]
    pub masked: String,
    /// Whether it was proved.
    pub verified: bool,
    /// Until when the code is good, before it is proved.
    pub code_expires_at: Option<Moment>,
}

fn show(view: AliasView) -> Alias {
    Alias {
        id: view.id.into(),
        kind: view.kind,
        masked: view.masked,
        verified: view.verified,
        code_expires_at: view.expires.map(Moment),
    }
}

/// Claim an alias
///
/// A code is sent to it. Whether somebody else holds it is only said to who returns the code.
#[utoipa::path(post, path = "/v1/aliases", tag = "aliases", request_body = NewAlias,
    responses((status = 201, description = "The claim.", body = Alias)))]
pub async fn claim(who: AsCustomer, command: Command<NewAlias>) -> Handled<Alias> {
    let (wish, body) = who.wish("aliases.claim", command);
    reply::created(&who.bank, aliases::claim(&who.bank, wish, who.customer(), &body.alias).await, show)
}

/// Prove an alias
#[utoipa::path(post, path = "/v1/aliases/{alias}/verify", tag = "aliases", request_body = Proof,
    responses((status = 200, description = "The alias.", body = Alias)))]
pub async fn verify(who: AsCustomer, PathId(id): PathId<kinds::Alias>, command: Command<Proof>) -> Handled<Alias> {
    let (wish, body) = who.wish("aliases.verify", command);
    reply::done(&who.bank, aliases::confirm(&who.bank, wish, (who.customer(), id), &body.code).await, show)
}

/// List aliases
#[utoipa::path(get, path = "/v1/aliases", tag = "aliases",
    responses((status = 200, description = "Aliases and open claims, newest first.", body = Page<Alias>)))]
pub async fn list(who: AsCustomer) -> Handled<Page<Alias>> {
    let all = aliases::list(&who.bank, who.customer()).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Give an alias up
#[utoipa::path(delete, path = "/v1/aliases/{alias}", tag = "aliases",
    responses((status = 204, description = "It is nobody's now.")))]
pub async fn remove(who: AsCustomer, PathId(id): PathId<kinds::Alias>) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("aliases.release");
    reply::done(&who.bank, aliases::release(&who.bank, wish, who.customer(), id).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

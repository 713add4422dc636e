//! Cards that a customer linked. No card number ever comes here: it goes to the card vault alone.

use crate::dto::{Moment, Page, ids};
use axum::http::StatusCode;
use bank::cards::{self, CardView, NewCard, TicketView};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{BareCommand, Command, PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// Lets its customer bring one card to the card vault.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardTicket {
    /// The ticket. It goes beside the encrypted details and into them.
    #[schema(example = "jct_AQ…")]
    pub ticket: String,
    /// When it ends, by the machine's clock; a sandbox's moved clock does not move it.
    pub expires_at: Moment,
    /// The card vault: `GET /v1/keys` there gives the key to encrypt for, `POST /v1/cards` takes the card.
    #[schema(example = "https://vault.example.com")]
    pub vault: String,
}

/// A card to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "ctk_06f5t2c9wk7v1xq4mz8rhd3bne", "label": "Salary"}))]
pub struct NewLinkedCard {
    /// What the card vault answered.
    pub token: ids::CardToken,
    /// What the customer calls it; no card number.
    #[schema(max_length = 40)]
    pub label: Option<String>,
}

/// A card's new name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Holidays"}))]
pub struct CardName {
    /// What the customer calls it; none when absent or blank.
    #[schema(max_length = 40)]
    pub label: Option<String>,
}

/// A linked card.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkedCard {
    /// Its id.
    pub id: ids::Card,
    /// `visa`, `mastercard`, `amex`, `unionpay`, `jcb`, `discover` or `diners`.
    #[schema(example = "visa")]
    pub brand: String,
    /// The number with all but the last four digits hidden.
    #[schema(example = "…1230")]
    pub masked: String,
    /// The last month in which it is good.
    #[schema(minimum = 1, maximum = 12)]
    pub expiry_month: u8,
    /// That month's year.
    #[schema(minimum = 2000, maximum = 9999)]
    pub expiry_year: u16,
    /// What the customer calls it.
    pub label: Option<String>,
    /// When it was linked.
    pub linked_at: Moment,
}

fn show(view: CardView) -> LinkedCard {
    let CardView { id, brand, last4, expiry_month, expiry_year, label, linked_at } = view;
    let masked = format!("…{last4}");
    LinkedCard { id: id.into(), brand, masked, expiry_month, expiry_year, label, linked_at: linked_at.into() }
}

fn show_ticket(view: TicketView) -> CardTicket {
    CardTicket { ticket: view.ticket, expires_at: view.expires_at.into(), vault: view.vault }
}

/// Get a ticket for the card vault
///
/// With it a page or app brings a card to the vault: JWE in compact form (RSA-OAEP-256, A256GCM) of `{"ticket", "number",
/// "expiry_month", "expiry_year", "security_code"}`, posted as `{"ticket", "card"}`. The bank never sees the number.
#[utoipa::path(post, path = "/v1/cards/tickets", tag = "cards",
    responses((status = 201, description = "The ticket, good for five minutes and one card.", body = CardTicket)))]
pub async fn ticket(who: AsCustomer, command: BareCommand) -> Handled<CardTicket> {
    let wish = who.bare_wish("cards.ticket", command);
    reply::created(&who.bank, cards::ticket(&who.bank, wish).await, show_ticket)
}

/// Link a card
///
/// Links the card that a token of the card vault stands for. Nothing is charged yet: there is no card network.
#[utoipa::path(post, path = "/v1/cards", tag = "cards", request_body = NewLinkedCard,
    responses((status = 201, description = "The card; the same token again gives the same card.", body = LinkedCard)))]
pub async fn link(who: AsCustomer, command: Command<NewLinkedCard>) -> Handled<LinkedCard> {
    let (wish, body) = who.wish("cards.link", command);
    let new = NewCard { token: body.token.0, label: body.label };
    reply::created(&who.bank, cards::link(&who.bank, wish, new).await, show)
}

/// List cards
#[utoipa::path(get, path = "/v1/cards", tag = "cards",
    responses((status = 200, description = "Cards, newest first.", body = Page<LinkedCard>)))]
pub async fn list(who: AsCustomer) -> Handled<Page<LinkedCard>> {
    let all = cards::list(&who.bank, who.session.customer).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Rename a card
#[utoipa::path(patch, path = "/v1/cards/{card}", tag = "cards", request_body = CardName,
    responses((status = 200, description = "The card.", body = LinkedCard)))]
pub async fn rename(who: AsCustomer, PathId(id): PathId<kinds::Card>, body: Strict<CardName>) -> Handled<LinkedCard> {
    let wish = who.unrecorded("cards.rename");
    reply::done(&who.bank, cards::rename(&who.bank, wish, id, body.0.label).await, show)
}

/// Remove a card
#[utoipa::path(delete, path = "/v1/cards/{card}", tag = "cards",
    responses((status = 204, description = "Nothing new starts from it, and the vault destroys its number.")))]
pub async fn remove(who: AsCustomer, PathId(id): PathId<kinds::Card>) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("cards.remove");
    reply::done(&who.bank, cards::remove(&who.bank, wish, id).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

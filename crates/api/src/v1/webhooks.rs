//! Webhook endpoints: make, change, rotate, end; their delivery log; resend and replay. A merchant's own, or the bank's.

use crate::dto::{Cursor, Listing, Moment, Page, ids, page};
use axum::http::StatusCode;
use bank::webhooks::{self, Change, DeliveryView, EndpointView, NewEndpoint, WithSecret};
use edge::caller::{AsOwner, WebhooksWrite};
use edge::reply::{self, Handled, Reply};
use edge::{BareCommand, Command, Params, PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// An endpoint to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://shop.example/hooks", "types": ["payment.*", "refund.succeeded"]}))]
pub struct NewWebhook {
    /// A public https address.
    #[schema(min_length = 9, max_length = 1024)]
    pub url: String,
    /// Which types of events; all when empty. `payment.*` stands for every type that begins so.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub types: Vec<String>,
}

/// What is to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub struct WebhookChange {
    /// A public https address.
    #[schema(min_length = 9, max_length = 1024)]
    pub url: Option<String>,
    /// Which types of events.
    #[schema(max_items = 50)]
    pub types: Option<Vec<String>>,
    /// Whether messages are sent.
    pub enabled: Option<bool>,
}

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: ids::Webhook,
    /// Where messages go.
    #[schema(example = "https://shop.example/hooks")]
    pub url: String,
    /// Which types of events; all when empty.
    #[schema(example = json!(["payment.*"]))]
    pub types: Vec<String>,
    /// Whether messages are sent.
    pub enabled: bool,
    /// The number of the last event that was looked at.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    pub cursor: u64,
    /// Until when the replaced secret signs as well.
    pub old_secret_until: Option<Moment>,
    /// When it was made.
    pub created_at: Moment,
    /// The signing secret, shown when it is made or replaced and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: Option<String>,
}

/// A delivery of one event to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Its id: `webhook-id` in every attempt.
    pub id: ids::Delivery,
    /// The endpoint.
    pub webhook: ids::Webhook,
    /// The number of the event.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    pub event: u64,
    /// The type of the event.
    #[schema(example = "payment.succeeded")]
    pub r#type: String,
    /// How far it is.
    #[schema(value_type = DeliveryState)]
    pub state: webhooks::DeliveryState,
    /// Attempts begun.
    #[schema(minimum = 0, maximum = 4294967295_u64)]
    pub attempts: u32,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Moment>,
    /// The status that the last attempt was answered with.
    #[schema(minimum = 100, maximum = 999)]
    pub last_status: Option<u16>,
    /// Why the last attempt had no answer.
    pub last_error: Option<String>,
    /// When the last attempt ended.
    pub last_attempt_at: Option<Moment>,
    /// When the delivery was made.
    pub created_at: Moment,
}

/// How far a delivery is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum DeliveryState {
    /// An attempt is due or running.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// No attempt is left.
    GivenUp,
}

/// From where to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"after": 0}))]
pub struct ReplayFrom {
    /// Every event with a higher number is sent again.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    pub after: u64,
}

fn show(view: EndpointView) -> Webhook {
    Webhook {
        id: view.id.into(),
        url: view.url,
        types: view.kinds,
        enabled: view.enabled,
        cursor: view.cursor,
        old_secret_until: view.old_secret_until.map(Moment),
        created_at: view.created_at.into(),
        secret: None,
    }
}

fn show_secret(made: WithSecret) -> Webhook {
    Webhook { secret: Some(made.secret), ..show(made.endpoint) }
}

fn show_delivery(view: DeliveryView) -> Delivery {
    Delivery {
        id: view.id.into(),
        webhook: view.endpoint.into(),
        event: view.event,
        r#type: view.kind,
        state: view.state,
        attempts: view.attempts,
        next_attempt_at: view.next_attempt_at.map(Moment),
        last_status: view.last_status,
        last_error: view.last_error,
        last_attempt_at: view.last_attempt_at.map(Moment),
        created_at: view.created_at.into(),
    }
}

/// Make a webhook endpoint
///
/// Messages follow Standard Webhooks. The secret is in this answer and never shown again.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, description = "The endpoint with its secret.", body = Webhook)))]
pub async fn create(who: AsOwner<WebhooksWrite>, command: Command<NewWebhook>) -> Handled<Webhook> {
    let (wish, body) = who.wish("webhooks.create", command);
    let new = NewEndpoint { url: body.url, kinds: body.types };
    reply::created(&who.bank, webhooks::create(&who.bank, wish, who.owner, new).await, show_secret)
}

/// List webhook endpoints
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks",
    responses((status = 200, description = "All endpoints.", body = Page<Webhook>)))]
pub async fn list(who: AsOwner<WebhooksWrite>) -> Handled<Page<Webhook>> {
    let all = webhooks::list(&who.bank, who.owner).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Look at a webhook endpoint
#[utoipa::path(get, path = "/v1/webhooks/{webhook}", tag = "webhooks",
    responses((status = 200, description = "The endpoint.", body = Webhook)))]
pub async fn get(who: AsOwner<WebhooksWrite>, PathId(id): PathId<kinds::Webhook>) -> Handled<Webhook> {
    let found = reply::found(webhooks::endpoint(&who.bank, who.owner, id).await)?;
    Ok(Reply::ok(show(found)))
}

/// Change a webhook endpoint
#[utoipa::path(patch, path = "/v1/webhooks/{webhook}", tag = "webhooks", request_body = WebhookChange,
    responses((status = 200, description = "The endpoint.", body = Webhook)))]
pub async fn change(
    who: AsOwner<WebhooksWrite>,
    PathId(id): PathId<kinds::Webhook>,
    Strict(body): Strict<WebhookChange>,
) -> Handled<Webhook> {
    let change = Change { url: body.url, kinds: body.types, enabled: body.enabled };
    let answer = webhooks::change(&who.bank, who.unrecorded("webhooks.change"), (who.owner, id), change).await;
    reply::done(&who.bank, answer, show)
}

/// Remove a webhook endpoint
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", tag = "webhooks",
    responses((status = 204, description = "It is gone, and its log with it.")))]
pub async fn remove(who: AsOwner<WebhooksWrite>, PathId(id): PathId<kinds::Webhook>) -> Result<StatusCode, Problem> {
    let answer = webhooks::remove(&who.bank, who.unrecorded("webhooks.remove"), (who.owner, id)).await;
    reply::done(&who.bank, answer, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace an endpoint's secret
///
/// The old secret signs beside the new one for a day.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/rotate", tag = "webhooks",
    responses((status = 200, description = "The endpoint with its new secret.", body = Webhook)))]
pub async fn rotate(
    who: AsOwner<WebhooksWrite>,
    PathId(id): PathId<kinds::Webhook>,
    command: BareCommand,
) -> Handled<Webhook> {
    let wish = who.bare_wish("webhooks.rotate", command);
    reply::done(&who.bank, webhooks::rotate(&who.bank, wish, (who.owner, id)).await, show_secret)
}

/// Send everything since an event again
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/replay", tag = "webhooks", request_body = ReplayFrom,
    responses((status = 200, description = "The endpoint with its cursor moved back.", body = Webhook)))]
pub async fn replay(
    who: AsOwner<WebhooksWrite>,
    PathId(id): PathId<kinds::Webhook>,
    command: Command<ReplayFrom>,
) -> Handled<Webhook> {
    let (wish, body) = who.wish("webhooks.replay", command);
    let answer = webhooks::replay(&who.bank, wish, (who.owner, id), body.after).await;
    reply::done(&who.bank, answer, |replayed| show(replayed.endpoint))
}

/// List an endpoint's deliveries
#[utoipa::path(get, path = "/v1/webhooks/{webhook}/deliveries", tag = "webhooks", params(Listing),
    responses((status = 200, description = "Those of the latest events first.", body = Page<Delivery>)))]
pub async fn deliveries(
    who: AsOwner<WebhooksWrite>,
    PathId(id): PathId<kinds::Webhook>,
    Params(listing): Params<Listing>,
) -> Handled<Page<Delivery>> {
    let (before, limit) = (listing.number()?, listing.rows()?);
    let found = reply::found(webhooks::log(&who.bank, (who.owner, id), before, limit).await)?;
    page(found, limit, |row| Cursor::after_number(row.event), show_delivery)
}

/// Send a delivery again
#[utoipa::path(post, path = "/v1/webhook-deliveries/{delivery}/resend", tag = "webhooks",
    responses((status = 200, description = "The delivery, waiting again.", body = Delivery)))]
pub async fn resend(
    who: AsOwner<WebhooksWrite>,
    PathId(id): PathId<kinds::Delivery>,
    command: BareCommand,
) -> Handled<Delivery> {
    let wish = who.bare_wish("webhooks.resend", command);
    reply::done(&who.bank, webhooks::resend(&who.bank, wish, who.owner, id).await, show_delivery)
}

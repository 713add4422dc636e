//! What only a sandbox offers: a clock that moves forward, and the messages that people were sent.

use crate::dto::{Cursor, Listing, Moment, Page, page};
use bank::notices::{self, NoticeView};
use edge::caller::{AsStaff, Operate};
use edge::reply::{Handled, Reply};
use edge::{Context, Params, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::ErrorCode;

/// A move of the clock: to a moment, or by so many seconds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"advance_seconds": 86400}))]
pub struct ClockMove {
    /// A later moment.
    pub to: Option<Moment>,
    /// How far.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub advance_seconds: Option<u32>,
}

/// The bank's clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankClock {
    /// What it says.
    pub now: Moment,
}

/// A message that a person was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"channel": "phone", "to": "+8613800000001", "text": "123456 is your code.", "created_at": "2026-11-22T08:30:00Z", "sent_at": null}))]
pub struct OutboxMessage {
    /// `phone`, `email` or `app`.
    pub channel: String,
    /// To whom.
    pub to: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: Moment,
    /// When it was handed over.
    pub sent_at: Option<Moment>,
}

/// Only in a sandbox.
///
/// # Errors
/// `sandbox_only`.
pub(crate) fn only(context: &Context) -> Result<(), Problem> {
    if context.bank.is_sandbox() { Ok(()) } else { Err(Problem::new(ErrorCode::SandboxOnly)) }
}

/// Move the sandbox's clock
///
/// Forward only, for the whole bank: jobs that become due are done soon after.
#[utoipa::path(post, path = "/v1/sandbox/clock", tag = "sandbox", request_body = ClockMove,
    responses((status = 200, description = "What the clock says now.", body = BankClock)))]
pub async fn move_clock(who: AsStaff<Operate>, Strict(body): Strict<ClockMove>) -> Handled<BankClock> {
    only(&who.context)?;
    let to = match (body.to, body.advance_seconds) {
        (Some(to), None) => to.0,
        (None, Some(seconds @ 1..=31_622_400)) => who.bank.now().plus_seconds(i64::from(seconds)),
        (None, Some(_)) => {
            let detail = "Send 1 to 31622400 seconds.";
            return Err(Problem::because(ErrorCode::InvalidField, detail).at("/advance_seconds"));
        }
        (None, None) => {
            let detail = "Say when: send to or advance_seconds.";
            return Err(Problem::because(ErrorCode::MissingField, detail).at("/to"));
        }
        (Some(_), Some(_)) => {
            let detail = "Say once when: send to or advance_seconds.";
            return Err(Problem::because(ErrorCode::InvalidField, detail).at("/to"));
        }
    };
    if to > who.bank.now().plus_seconds(3_660 * 86_400) {
        return Err(Problem::because(ErrorCode::InvalidField, "Send a time within ten years.").at("/to"));
    }
    let moved = who.bank.store().move_clock(to).await.map_err(bank::BankError::from)?;
    if !moved {
        return Err(Problem::new(ErrorCode::ClockBackwards).at("/to"));
    }
    Ok(Reply::ok(BankClock { now: who.bank.now().into() }))
}

fn show(view: NoticeView) -> OutboxMessage {
    OutboxMessage {
        channel: view.channel,
        to: view.to,
        text: view.text,
        created_at: view.created.into(),
        sent_at: view.sent.map(Moment),
    }
}

/// Look at the sandbox's outbox
///
/// The codes and messages that people were sent.
#[utoipa::path(get, path = "/v1/sandbox/outbox", tag = "sandbox", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<OutboxMessage>)))]
pub async fn outbox(who: AsStaff<Operate>, Params(listing): Params<Listing>) -> Handled<Page<OutboxMessage>> {
    only(&who.context)?;
    let (before, limit) = (listing.before()?, listing.rows()?);
    let rows = notices::list(&who.bank, before, limit).await?;
    page(rows, limit, |row| Cursor::after(row.id), show)
}

//! Events by pull and as a stream: the same gap-free sequence, of which each caller sees its own.

use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use bank::Bank;
use edge::caller::{AsOwner, EventsRead, is_still_in};
use edge::reply::{Handled, Reply};
use edge::{Context, Params, Problem};
use futures::Stream;
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};
use vocabulary::ErrorCode;

/// Where to begin.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The number of the last event you know; 0 or absent for the beginning.
    #[param(minimum = 0, maximum = 9007199254740991_u64, example = 0)]
    pub after: Option<u64>,
    /// How many events at most, 1 to 500; 100 when absent.
    #[param(minimum = 1, maximum = 500, example = 100)]
    pub limit: Option<u32>,
}

/// Events in the order of their numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// The events.
    #[schema(value_type = Vec<Event>)]
    pub data: Vec<Box<RawValue>>,
    /// Give it as `after` to go on.
    #[schema(minimum = 0, maximum = 9007199254740991_u64, example = 42)]
    pub last: u64,
}

/// An event. The same object arrives by webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"number": 42, "type": "payment.succeeded", "version": 1, "timestamp": "2026-11-22T08:30:00Z", "data": {}}))]
pub struct Event {
    /// Its number in the bank's sequence, in commit order without gaps. Yours may have gaps: others' events lie between.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    pub number: u64,
    /// Its type.
    pub r#type: String,
    /// The version of the type's data.
    #[schema(minimum = 1, maximum = 65535)]
    pub version: u16,
    /// When it was written.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// Ids and amounts.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

impl After {
    fn rows(&self) -> Result<u32, Problem> {
        match self.limit {
            None => Ok(100),
            Some(limit @ 1..=500) => Ok(limit),
            Some(_) => Err(Problem::because(ErrorCode::InvalidParameter, "Send a limit from 1 to 500.").at("limit")),
        }
    }

    fn number(&self) -> Result<u64, Problem> {
        let after = self.after.unwrap_or(0);
        if after < 1 << 53 {
            return Ok(after);
        }
        Err(Problem::because(ErrorCode::InvalidParameter, "Send a number that an event has.").at("after"))
    }
}

async fn pull(bank: &Bank, owner: Option<u128>, after: u64, limit: u32) -> Result<Vec<(u64, String)>, Problem> {
    bank::webhooks::payloads_after(bank, owner, after, limit).await.map_err(Problem::from)
}

/// Pull events
///
/// Events of the caller after a number: a merchant's own, a customer's own, all for staff.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(After),
    responses((status = 200, description = "Events in order.", body = Events)))]
pub async fn list(who: AsOwner<EventsRead>, Params(after): Params<After>) -> Handled<Events> {
    let (from, limit) = (after.number()?, after.rows()?);
    let found = pull(&who.bank, who.owner, from, limit).await?;
    let last = found.last().map_or(from, |(number, _)| *number);
    let raw = |(_, text)| RawValue::from_string(text).map_err(|_| Problem::new(ErrorCode::Internal));
    let data = found.into_iter().map(raw).collect::<Result<_, _>>()?;
    Ok(Reply::ok(Events { data, last }))
}

/// One message of the stream, by the fields of server-sent events.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentEvent {
    /// The event's number.
    #[schema(example = "65")]
    pub id: String,
    /// The event, as JSON.
    pub data: String,
}

/// Stream events
///
/// Server-sent events (`text/event-stream`): the event's number is the `id`, so that a reader that reconnects with
/// `Last-Event-ID` misses nothing. It ends when the server stops, and before the first event after the end of the session, key or
/// token that it was asked for with.
#[utoipa::path(get, path = "/v1/events/stream", tag = "events", params(After),
    responses((status = 200, description = "A stream of events.", body = SentEvent, content_type = "text/event-stream")))]
pub async fn follow(
    who: AsOwner<EventsRead>,
    Params(after): Params<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Problem> {
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let state = Following {
        after: seen.unwrap_or(after.number()?),
        owner: who.owner,
        draining: who.context.draining.clone(),
        news: who.context.bank.store().events(),
        context: who.context.clone(),
        headers,
        waiting: Vec::new(),
    };
    Ok(Sse::new(stream::unfold(state, next)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Following {
    context: Context,
    /// Of the request: what it was let in by is looked at again.
    headers: HeaderMap,
    owner: Option<u128>,
    after: u64,
    news: watch::Receiver<u64>,
    draining: watch::Receiver<bool>,
    /// Read and not yet sent, the latest first.
    waiting: Vec<(u64, String)>,
}

/// The next event; the stream ends when the server drains or trouble comes, and the reader connects again. Race closed here: who
/// is not let in any more hears nothing that was committed after that was.
async fn next(mut state: Following) -> Option<(Result<sse::Event, Infallible>, Following)> {
    loop {
        if let Some((number, text)) = state.waiting.pop() {
            state.after = number;
            return Some((Ok(sse::Event::default().id(number.to_string()).data(text)), state));
        }
        state.news.mark_unchanged();
        state.waiting = pull(&state.context.bank, state.owner, state.after, 200).await.ok()?;
        state.waiting.reverse();
        if !state.waiting.is_empty() {
            // After the reading: what was read before the end may be told.
            if !is_still_in(&state.context, &state.headers).await {
                return None;
            }
            continue;
        }
        tokio::select! {
            changed = state.news.changed() => changed.ok()?,
            _ = state.draining.wait_for(|draining| *draining) => return None,
        }
    }
}

//! Webhooks: the event sequence, brought to addresses that merchants (or the bank itself) chose.
//!
//! ```text
//! events ──fan_out──▶ delivery: waiting ──attempt──▶ delivered
//!                                 │  ▲                  │
//!                                 │  └──resend, replay──┘
//!                                 └──as often as policy says, three days at most──▶ given up
//! ```
//!
//! Each endpoint has a cursor into its owner's events; `fan_out` turns what lies behind it into delivery rows and moves the
//! cursor in the same unit of work, so that no event is skipped or doubled. An attempt is claimed in the database before
//! it is made: after a crash it is made again, with the same message id. Deliveries may arrive out of order; the event's
//! number in the payload tells.
//!
//! Invariants: an endpoint sees only its owner's events; its secret stands in the database only sealed, under a key of the
//! endpoint that is destroyed with it. Look in `address.rs` for where messages may go, and in `endpoints.rs`, `replay.rs`,
//! `dispatch.rs` for the actions.

mod address;
mod dispatch;
mod endpoints;
mod forget;
mod log;
mod records;
mod replay;
mod secret;

pub use dispatch::{Dispatcher, round, run};
pub use endpoints::{Change, NewEndpoint, WithSecret, change, create, endpoint, list, remove, rotate};
pub use forget::JOB_FORGET;
pub(crate) use forget::run_forget;
pub use log::{delivery, log, payloads_after};
pub use ports::WebhookSender;
pub use records::MIGRATIONS;
pub use replay::{Replayed, replay, resend};

use serde::{Deserialize, Serialize};
use store::Event;
use vocabulary::{Id, Timestamp, kinds};

/// Whose endpoint it is: a merchant's number, or nobody's when it is the bank's own, which sees all events.
pub type Owner = Option<u128>;

/// An endpoint as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointView {
    /// Its id.
    pub id: Id<kinds::Webhook>,
    /// Where messages go.
    pub url: String,
    /// Which types of events; all when empty. `payment.*` stands for every type that begins with `payment.`.
    pub kinds: Vec<String>,
    /// Whether messages are sent.
    pub enabled: bool,
    /// The number of the last event that was looked at.
    pub cursor: u64,
    /// Until when the replaced secret signs as well.
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl EndpointView {
    /// Whether an event of this type is wanted.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => kind == pattern,
        };
        self.kinds.is_empty() || self.kinds.iter().any(fits)
    }
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DeliveryState {
    /// An attempt is due or running.
    Waiting = 1,
    /// The receiver took it.
    Delivered = 2,
    /// No attempt is left.
    GivenUp = 3,
}

impl DeliveryState {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Waiting,
            2 => Self::Delivered,
            3 => Self::GivenUp,
            _ => return None,
        })
    }
}

/// A delivery of one event to one endpoint, as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// Its id: the message's id in every attempt.
    pub id: Id<kinds::Delivery>,
    /// To which endpoint.
    pub endpoint: Id<kinds::Webhook>,
    /// The number of the event.
    pub event: u64,
    /// The type of the event.
    pub kind: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Attempts begun.
    pub attempts: u32,
    /// When the next attempt is due, while it waits.
    pub next_attempt_at: Option<Timestamp>,
    /// The status that the last attempt was answered with.
    pub last_status: Option<u16>,
    /// Why the last attempt had no answer.
    pub last_error: Option<String>,
    /// When the last attempt ended.
    pub last_attempt_at: Option<Timestamp>,
    /// When the delivery was made.
    pub created_at: Timestamp,
}

/// An event as it is sent, pulled and streamed: one JSON object with `number`, `type`, `version`, `timestamp`, `data`.
#[must_use]
pub fn payload(event: &Event) -> String {
    let (number, version, at) = (event.no, event.version, event.at);
    // Types are our own constants and bodies are JSON objects that we wrote.
    format!(
        r#"{{"number":{number},"type":"{}","version":{version},"timestamp":"{at}","data":{}}}"#,
        event.kind, event.body
    )
}

#[cfg(test)]
mod tests;

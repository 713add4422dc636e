//! One exchange with the server, and what it counts for.

use crate::crash::book::{Call, Told};
use serde_json::Value;
use std::time::Duration;

/// What came back.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What it counts for.
    pub told: Told,
    /// The HTTP status, 0 when there was none.
    pub status: u16,
    /// The server said that the answer was recorded before.
    pub replayed: bool,
    /// The server said when to come again.
    pub retry_after: bool,
}

/// Codes that leave a wish open: the same key may be sent again and act.
const OPEN: [&str; 6] =
    ["rate_limited", "unavailable", "overloaded", "idempotency_in_flight", "outcome_unknown", "internal"];

const NOTHING: Exchange = Exchange { told: Told::Nothing, status: 0, replayed: false, retry_after: false };

/// How long a patient client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a call under a key. Only an answer that arrived whole counts.
pub async fn exchange(client: &reqwest::Client, address: &str, key: &str, call: &Call) -> Exchange {
    exchange_within(PATIENCE, (client, address), key, call).await
}

/// As [`exchange`], by a client that hangs up after so long.
pub async fn exchange_within(
    patience: Duration,
    (client, address): (&reqwest::Client, &str),
    key: &str,
    call: &Call,
) -> Exchange {
    let request = client
        .post(format!("{address}{}", call.path))
        .timeout(patience)
        .bearer_auth(&call.token)
        .header("idempotency-key", key)
        .json(&call.body);
    let Ok(response) = request.send().await else { return NOTHING };
    let status = response.status();
    let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    let retry_after = response.headers().contains_key("retry-after");
    let Ok(body) = response.json::<Value>().await else { return Exchange { status: status.as_u16(), ..NOTHING } };
    let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    let told = if status.is_success() {
        Told::Done(body)
    } else if status.is_client_error() && !OPEN.contains(&code) {
        Told::Refused(body)
    } else {
        Told::Nothing
    };
    Exchange { told, status: status.as_u16(), replayed, retry_after }
}

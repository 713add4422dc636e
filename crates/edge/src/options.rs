//! What may be chosen about the way in. Every number has a default that suits a bank's own network.

use std::time::Duration;

/// How often one caller or address may ask: `per_second` on average, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second on average.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

/// Sizes and times of the way in.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many connections may be open; more wait in the listener's queue.
    pub connections: usize,
    /// How long a client may take to send a request's head, and how long a connection may stay idle.
    pub head: Duration,
    /// How long a client may take to send a request's body.
    pub body: Duration,
    /// The largest body, bytes.
    pub body_bytes: usize,
    /// How long requests are still taken after the stop was asked for, while readiness says no: so that a balancer hears of it
    /// before it meets a closed door.
    pub notice: Duration,
    /// How long open requests may go on after the stop was asked for.
    pub drain: Duration,
    /// How often one signed-in caller may ask; no limit when absent.
    pub caller_rate: Option<Rate>,
    /// How often one network address may ask; no limit when absent.
    pub address_rate: Option<Rate>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 8_192,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            body_bytes: 64 * 1024,
            notice: Duration::ZERO,
            drain: Duration::from_secs(10),
            caller_rate: Some(Rate { per_second: 500, burst: 1_000 }),
            address_rate: Some(Rate { per_second: 2_000, burst: 4_000 }),
        }
    }
}

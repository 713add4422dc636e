//! What may be chosen about the way in. Every number has a default that suits a bank's own network.

use crate::cross_site::Origins;
use crate::proxies::Proxies;
use crate::tls::Tls;
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
    /// TLS; without it connections are plain, which is for loopback and behind a proxy that ends TLS.
    pub tls: Option<Tls>,
    /// What stands in front.
    pub proxies: Proxies,
    /// Other origins whose pages may ask with a token.
    pub origins: Origins,
    /// How many connections may be open; more wait in the listener's queue.
    pub connections: usize,
    /// How many requests at once the bank works on well: from half of them on shares count.
    pub requests: usize,
    /// When more than half of connections or of requests at once are taken, one address or caller holds at most one in so many
    /// of the whole; no shares when absent.
    pub fair_share: Option<u32>,
    /// How long a client may take to send a request's head, and how long a connection may stay idle.
    pub head: Duration,
    /// How long a client may take to send a request's body.
    pub body: Duration,
    /// How long a client may take none of what it is sent.
    pub taking: Duration,
    /// The largest body, bytes.
    pub body_bytes: usize,
    /// How long requests are still taken after the stop was asked for, while readiness says no: so that a balancer hears of it
    /// before it meets a closed door.
    pub notice: Duration,
    /// How long open requests may go on after the stop was asked for.
    pub drain: Duration,
    /// How often one signed-in caller may ask; no limit when absent.
    pub caller_rate: Option<Rate>,
    /// How often one credential may be used: a session, an API key, a staff token; no limit when absent.
    pub credential_rate: Option<Rate>,
    /// How often one network address may ask; no limit when absent.
    pub address_rate: Option<Rate>,
}

impl Options {
    /// Whether what comes in came encrypted, here or at a proxy in front.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.tls.is_some() || self.proxies.end_tls
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: None,
            proxies: Proxies::default(),
            origins: Origins::default(),
            connections: 8_192,
            requests: 1_024,
            fair_share: Some(16),
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            taking: Duration::from_secs(20),
            body_bytes: 64 * 1024,
            notice: Duration::ZERO,
            drain: Duration::from_secs(10),
            caller_rate: Some(Rate { per_second: 500, burst: 1_000 }),
            credential_rate: Some(Rate { per_second: 250, burst: 500 }),
            address_rate: Some(Rate { per_second: 2_000, burst: 4_000 }),
        }
    }
}

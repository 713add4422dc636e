//! The vault's own way in: HTTP/1.1, as strict as the bank's and smaller.
//!
//! Five addresses. Heads and bodies are bounded in size and time, slow clients are cut, browsers may ask from listed origins
//! only, each network address may ask so often. What is logged of a request is its id, the name of the address it met and
//! the status: never a path, a query or a body, since somebody may put a card number anywhere. TLS is in front of it.

mod answer;
mod listen;
mod rate;
mod routes;

pub use listen::serve;

use std::time::Duration;

/// Sizes and times of the way in.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Origins whose pages may ask, such as `https://wallet.example.com`.
    pub origins: Vec<String>,
    /// How many connections may be open.
    pub connections: usize,
    /// How long a head may take, and how long a connection may stay idle.
    pub head: Duration,
    /// How long a body may take.
    pub body: Duration,
    /// The largest body, bytes.
    pub body_bytes: usize,
    /// Requests a second of one network address on average, ten times as many at once; none for no limit.
    pub address_rate: Option<u32>,
    /// How long open requests may go on after the stop was asked for.
    pub drain: Duration,
    /// How often the vault is tidied.
    pub tidy: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            connections: 512,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            body_bytes: 16 * 1024,
            address_rate: Some(5),
            drain: Duration::from_secs(10),
            tidy: Duration::from_secs(60),
        }
    }
}

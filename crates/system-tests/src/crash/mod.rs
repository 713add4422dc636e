//! The crash: a loaded server is killed (`kill -9`) at any moment, again and again, and must keep its promises.
//!
//! The real executable serves a bank over HTTP ([`server`]). Many clients ([`traffic`]) move money, hold, capture, void,
//! refund, top up and ask for what must be refused, each wish under an idempotency key. What they sent and were told is kept
//! outside the server ([`book`]); only answers that arrived whole count. After each kill the data directory is copied and
//! examined as it is ([`verdict`]); then the server starts again, every wish without an answer is sent once more under its
//! key, and so are some that were answered: they must be answered the same.

pub mod book;
pub mod client;
pub mod people;
pub mod round;
pub mod server;
pub mod traffic;
pub mod verdict;

//! Where a request comes from and what it says, as far as the way in knows it.

use std::net::IpAddr;
use std::sync::OnceLock;

/// The origin of one request. A handle of the bank carries it, see [`crate::Bank::of`].
#[derive(Debug)]
pub struct Origin {
    /// The network address that asks.
    pub address: IpAddr,
    /// The request's id, printed.
    pub request: String,
    /// The thing it is about: the first id in its path, printed.
    pub subject: Option<String>,
    line: String,
    body: OnceLock<Vec<u8>>,
}

impl Origin {
    /// The origin of a request with this first line, `POST /v1/…`.
    #[must_use]
    pub const fn new(address: IpAddr, request: String, line: String, subject: Option<String>) -> Self {
        Self { address, request, subject, line, body: OnceLock::new() }
    }

    /// Keeps the body, once it has been read. Only bodies that hold no secrets are kept: those of staff.
    pub fn keep_body(&self, body: &[u8]) {
        let _ = self.body.set(body.to_vec());
    }

    /// What is asked for: the first line, and the body on lines of its own when it is kept.
    #[must_use]
    pub fn asked(&self) -> String {
        let body = self.body.get().map(|body| String::from_utf8_lossy(body));
        match body.as_deref() {
            None | Some("") => self.line.clone(),
            Some(body) => format!("{}\n{body}", self.line),
        }
    }
}

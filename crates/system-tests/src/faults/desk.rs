//! What staff do over HTTP while a fault lasts: read, tell the sandbox bank how to behave, move the clock.

use crate::crash::round::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A member of staff at a running server.
pub struct Desk<'a> {
    trial: &'a Trial,
    address: &'a str,
    keys: AtomicU64,
}

impl<'a> Desk<'a> {
    /// Sits down.
    #[must_use]
    pub fn new(trial: &'a Trial, address: &'a str) -> Self {
        Self { trial, address, keys: AtomicU64::new(0) }
    }

    /// Sends and gives the answer.
    ///
    /// # Errors
    /// When it is refused or does not arrive.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> io::Result<Value> {
        self.send_as(&self.trial.staff, method, (path, body)).await
    }

    /// As [`Desk::send`], for somebody else.
    ///
    /// # Errors
    /// As there.
    pub async fn send_as(&self, token: &str, method: Method, (path, body): (&str, Option<Value>)) -> io::Result<Value> {
        let key = format!("desk-{}-{}", std::process::id(), self.keys.fetch_add(1, Ordering::Relaxed));
        let key = format!("{key}-{}", self.address.rsplit(':').next().unwrap_or_default());
        self.send_under(&key, token, (method, path, body)).await
    }

    /// As [`Desk::send_as`], under a key of the caller's.
    ///
    /// # Errors
    /// As there.
    pub async fn send_under(
        &self,
        key: &str,
        token: &str,
        (method, path, body): (Method, &str, Option<Value>),
    ) -> io::Result<Value> {
        let mut request = self.trial.client.request(method, format!("{}{path}", self.address)).bearer_auth(token);
        request = request.timeout(Duration::from_secs(30)).header("idempotency-key", key);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(io::Error::other)?;
        let status = response.status();
        let answer = response.json::<Value>().await.map_err(io::Error::other)?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(io::Error::other(format!("{path} {body:?}: {status} {answer}")))
        }
    }

    /// Moves the bank's clock forward.
    ///
    /// # Errors
    /// As [`Desk::send`].
    pub async fn pass(&self, seconds: u32) -> io::Result<()> {
        let body = json!({"advance_seconds": seconds});
        self.send(Method::POST, "/v1/sandbox/clock", Some(body)).await.map(drop)
    }
}

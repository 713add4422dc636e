//! Somebody who comes, does a little of everything but pay, and goes: what keeps a server busy beside its payments.
//!
//! A visit: a new customer on new connections signs in, reads, follows the events for a while and signs out; staff read what
//! they read in a day; now and then the bank is backed up. What was opened at one visit is closed at the next one.

use crate::crash::round::Trial;
use crate::crash::server::Server;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

const PASSWORD: &str = "a password of a guest";
const STATEMENT: &str = "/v1/statement?currency=CNY&from=2026-01-01&to=2026-12-31";
/// Streams that are opened at each visit.
const STREAMS: usize = 3;
/// Every so manieth visit the bank is backed up.
const BACK_UP_EVERY: u64 = 6;

/// The guest.
pub struct Guest<'a> {
    trial: &'a Trial,
    address: String,
    visits: u64,
    streams: Vec<TcpStream>,
    /// The streams stay open for ever.
    keeps: bool,
    /// Backups made.
    pub backups: u64,
}

impl<'a> Guest<'a> {
    /// Somebody who has not come yet; `keeps` never closes a stream.
    #[must_use]
    pub fn new(trial: &'a Trial, server: &Server, keeps: bool) -> Self {
        Self { trial, address: server.address.clone(), visits: 0, streams: Vec::new(), keeps, backups: 0 }
    }

    /// Comes once.
    ///
    /// # Errors
    /// When something is refused.
    pub async fn visit(&mut self) -> io::Result<()> {
        self.visits += 1;
        if !self.keeps {
            self.streams.clear();
        }
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().map_err(io::Error::other)?;
        let name = format!("+86137{:08}", self.visits);
        let new = json!({"sign_in": name, "display_name": "Guest", "password": PASSWORD, "currencies": ["CNY"]});
        self.ask(&client, Method::POST, ("/v1/customers", "", Some(new))).await?;
        let sign_in = json!({"sign_in": name, "password": PASSWORD});
        let session = self.ask(&client, Method::POST, ("/v1/sessions", "", Some(sign_in))).await?;
        let token = session.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        for path in ["/v1/wallet", "/v1/me", STATEMENT, "/v1/limits"] {
            self.ask(&client, Method::GET, (path, &token, None)).await?;
        }
        let busy = &self.trial.world.customers[0].token;
        self.ask(&client, Method::GET, (STATEMENT, busy, None)).await?;
        let events = self.ask(&client, Method::GET, ("/v1/events?limit=500", &self.trial.staff, None)).await?;
        let last = events.get("last").and_then(Value::as_u64).unwrap_or(0);
        for _ in 0..STREAMS {
            self.streams.push(self.follow(last)?);
        }
        for path in ["/v1/staff/jobs", "/v1/staff/trial-balance", "/v1/staff/cases"] {
            self.ask(&client, Method::GET, (path, &self.trial.staff, None)).await?;
        }
        self.ask(&client, Method::DELETE, ("/v1/sessions/current", &token, None)).await?;
        if self.visits % BACK_UP_EVERY == 1 {
            self.back_up().await?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        client: &reqwest::Client,
        method: Method,
        (path, token, body): (&str, &str, Option<Value>),
    ) -> io::Result<Value> {
        let mut request = client.request(method, format!("{}{path}", self.address)).timeout(Duration::from_secs(30));
        request = request.header("idempotency-key", format!("guest-{}", self.visits));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(io::Error::other)?;
        let status = response.status();
        let answer = response.json::<Value>().await.unwrap_or_default();
        if status.is_success() { Ok(answer) } else { Err(io::Error::other(format!("{path}: {status} {answer}"))) }
    }

    /// A stream of events, of which nothing is read.
    fn follow(&self, after: u64) -> io::Result<TcpStream> {
        let host = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host)?;
        let head = format!("GET /v1/events/stream?after={after} HTTP/1.1\r\nhost: {host}\r\n");
        stream.write_all(format!("{head}authorization: Bearer {}\r\n\r\n", self.trial.staff).as_bytes())?;
        Ok(stream)
    }

    async fn back_up(&mut self) -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let mut command = Command::new(&self.trial.start.executable);
        command.arg("backup").arg(place.path().join("backup.db")).arg("--data").arg(&self.trial.start.directory);
        let output = tokio::task::spawn_blocking(move || command.output()).await.map_err(io::Error::other)??;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        self.backups += 1;
        Ok(())
    }
}

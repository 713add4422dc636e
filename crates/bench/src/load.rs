//! Load over HTTP: as fast as the clients can (closed), at a fixed rate (open), or one client alone.
//!
//! At a fixed rate latency counts from when a request should have left, so that a stall is not hidden by the requests that
//! it held back.

use crate::client::Client;
use crate::report::histogram;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One request to be sent again and again, each time under another key.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The path.
    pub path: &'static str,
    /// The bearer token.
    pub token: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Where to send what.
#[derive(Clone)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// The requests; a client takes them in turn, beginning at its own place.
    pub shots: Arc<Vec<Shot>>,
    /// Begins every key, so that two runs do not meet.
    pub run: u64,
}

/// What came out.
pub struct Load {
    /// Latencies of good answers, microseconds.
    pub latencies: Histogram<u64>,
    /// Good answers.
    pub good: u64,
    /// Other answers and broken connections.
    pub bad: u64,
    /// How long it took.
    pub seconds: f64,
    /// What a bad answer said, if there was one.
    pub first_bad: Option<String>,
}

impl Load {
    fn new() -> Self {
        Self { latencies: histogram(), good: 0, bad: 0, seconds: 0.0, first_bad: None }
    }

    fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("both have the same bounds");
        self.good += other.good;
        self.bad += other.bad;
        if self.first_bad.is_none() {
            self.first_bad.clone_from(&other.first_bad);
        }
    }

    fn count(&mut self, since: Instant, status: u16, body: &[u8]) {
        if (200..300).contains(&status) {
            self.good += 1;
            self.latencies.saturating_record(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
        } else {
            self.bad += 1;
            self.first_bad.get_or_insert_with(|| format!("{status} {}", String::from_utf8_lossy(body)));
        }
    }
}

/// When requests leave.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The next as soon as the last was answered.
    Closed,
    /// So many a second over all clients.
    PerSecond(u64),
}

/// Sends requests for so long.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub async fn run(target: &Target, clients: u64, pace: Pace, time: Duration) -> Load {
    let begun = Instant::now();
    let sent = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..clients)
        .map(|client| tokio::spawn(one(target.clone(), (client, Arc::clone(&sent)), pace, (begun, time))))
        .collect();
    let mut all = Load::new();
    for task in tasks {
        match task.await {
            Ok(load) => all.add(&load),
            Err(_) => all.bad += 1,
        }
    }
    all.seconds = begun.elapsed().as_secs_f64();
    all
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn one(
    target: Target,
    (client, sent): (u64, Arc<AtomicU64>),
    pace: Pace,
    (begun, time): (Instant, Duration),
) -> Load {
    let mut load = Load::new();
    let Ok(mut connection) = Client::connect(target.address).await else {
        load.bad = 1;
        return load;
    };
    let shots = target.shots.len() as u64;
    for turn in 0.. {
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::PerSecond(rate) => {
                let place = sent.fetch_add(1, Ordering::Relaxed);
                let due = begun + Duration::from_nanos(place.saturating_mul(1_000_000_000) / rate.max(1));
                if due - begun >= time {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        if begun.elapsed() >= time {
            break;
        }
        let shot = &target.shots[usize::try_from((client + turn * 7) % shots).unwrap_or(0)];
        let key = format!("b{:x}-{client}-{turn}", target.run);
        match connection.post(shot.path, (&shot.token, &key), &shot.body).await {
            Ok(reply) => load.count(due, reply.status, &reply.body),
            Err(error) => {
                load.bad += 1;
                load.first_bad.get_or_insert_with(|| error.to_string());
                break;
            }
        }
    }
    load
}

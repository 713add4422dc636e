//! Takes a new certificate over without a restart: the files are read again every few seconds, and at once on SIGHUP.
//!
//! A pair that does not do changes nothing but the log and a number to alert on; so files may be replaced one after the other.
//! How long the certificate is still good is a number too, and is warned of thirty days ahead, or when a third of its life is
//! left if it lives shorter.

use crate::failure::Failure;
use crate::system::SystemClock;
use crate::way_in::PairFiles;
use edge::{Pair, Tls};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;
use vocabulary::{Clock, Timestamp};

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(5);
const DAY: i64 = 86_400_000_000;

/// What was said last, so that nothing is said every five seconds.
#[derive(Default)]
struct Said {
    refused: Option<String>,
    warned: Option<Timestamp>,
}

/// A watch that has begun to hear SIGHUP.
pub struct Watch {
    files: PairFiles,
    tls: Tls,
    hangup: Signal,
}

impl Watch {
    /// Must be called within a runtime.
    pub fn new(files: PairFiles, tls: Tls) -> Result<Self, Failure> {
        let hangup =
            signal(SignalKind::hangup()).map_err(|error| Failure::because("signals cannot be listened to", error))?;
        Ok(Self { files, tls, hangup })
    }

    /// Watches for ever.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = Said::default();
        loop {
            let files = self.files.clone();
            // Reading a file may wait for a disk.
            let read = tokio::task::spawn_blocking(move || files.read()).await;
            if let Ok(read) = read {
                self.take_over(read, &mut said);
            }
            warn_before_end(&self.tls.shown(), &mut said);
            tokio::select! {
                _ = ticks.tick() => {}
                _ = self.hangup.recv() => said.refused = None,
            }
        }
    }

    fn take_over(&self, read: Result<Pair, edge::PairError>, said: &mut Said) {
        metrics::gauge!("jiaozi_tls_reload_failed").set(f64::from(u8::from(read.is_err())));
        match read {
            Ok(pair) => {
                said.refused = None;
                if !pair.is(&self.tls.shown()) {
                    self.show(pair, said);
                }
            }
            Err(error) => {
                let text = crate::failure::chain(&error);
                if said.refused.as_ref() != Some(&text) {
                    tracing::error!(error = %text, "the new certificate does not do; the old one is still shown");
                    said.refused = Some(text);
                }
            }
        }
    }

    fn show(&self, pair: Pair, said: &mut Said) {
        let until = pair.ends;
        match self.tls.show(pair) {
            Ok(()) => {
                tracing::warn!(%until, "a new certificate is shown from now on");
                said.warned = None;
            }
            Err(error) => tracing::error!(%error, "the new certificate cannot be shown; the old one still is"),
        }
    }
}

fn warn_before_end(pair: &Pair, said: &mut Said) {
    let now = SystemClock.now();
    #[expect(clippy::cast_precision_loss, reason = "a moment for a metric")]
    metrics::gauge!("jiaozi_tls_certificate_ends_timestamp_seconds").set(pair.ends.micros() as f64 / 1e6);
    let left = pair.ends.micros() - now.micros();
    let ahead = (30 * DAY).min((pair.ends.micros() - pair.begins.micros()) / 3);
    let lately = said.warned.is_some_and(|warned| now.micros() - warned.micros() < DAY);
    if left < ahead && !lately {
        tracing::warn!(until = %pair.ends, days = left.div_euclid(DAY), "the certificate ends soon; put a new one in its place");
        said.warned = Some(now);
    }
}

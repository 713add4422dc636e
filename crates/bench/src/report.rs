//! A result as it is printed: one line for people, one JSON object for programs.

use crate::machine::{Calibration, processor};
use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Map, Value};

/// A benchmark's result.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which benchmark.
    pub bench: &'static str,
    /// Finished operations per second.
    pub per_second: f64,
    /// Median latency in milliseconds, where single operations are timed.
    pub p50_ms: f64,
    /// 99th percentile in milliseconds.
    pub p99_ms: f64,
    /// How many operations finished.
    pub count: u64,
    /// What was set, and what else was measured.
    pub settings: Map<String, Value>,
}

impl Report {
    /// A report of `count` operations in `seconds`, latencies in microseconds.
    #[must_use]
    pub fn new(bench: &'static str, count: u64, seconds: f64, latencies: &Histogram<u64>) -> Self {
        let ms = |quantile: f64| milliseconds(latencies, quantile);
        Self {
            bench,
            per_second: (to_f64(count) / seconds.max(f64::EPSILON)).round(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            count,
            settings: Map::new(),
        }
    }

    /// Adds a setting or a further figure.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what the machine does in these minutes.
    #[must_use]
    pub fn with_machine(self, calibration: Calibration) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        self.with("cpu_msteps", calibration.cpu_msteps)
            .with("fsync_ms", calibration.fsync_ms)
            .with("cores", cores)
            .with("processor", processor())
    }

    /// The line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!(
            "{}: {:.0}/s (p50 {:.2} ms, p99 {:.2} ms, {} in all) {}",
            self.bench,
            self.per_second,
            self.p50_ms,
            self.p99_ms,
            self.count,
            settings.join(" ")
        )
    }
}

/// A quantile of a histogram of microseconds, in milliseconds.
#[must_use]
pub fn milliseconds(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    to_f64(latencies.value_at_quantile(quantile)) / 1000.0
}

/// Counts stay far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2 to the 53rd")]
pub(crate) fn to_f64(count: u64) -> f64 {
    count as f64
}

/// A histogram of microseconds up to two minutes.
///
/// # Panics
/// Never: its bounds are in order.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 120_000_000, 3).expect("the bounds are in order")
}

//! The machine beside the figures: how fast it computes and syncs in these minutes, how much memory the process has.

use crate::report::to_f64;
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What the machine does in the minutes of a benchmark; absolute figures only mean something beside it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Calibration {
    /// Millions of xorshift steps per second on one core.
    pub cpu_msteps: f64,
    /// Milliseconds for one 4 kB write with fsync, median of 32.
    pub fsync_ms: f64,
}

/// Measures the machine; the directory says which disk.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn calibrate(directory: &Path) -> Calibration {
    let begun = Instant::now();
    let mut x = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..30_000_000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    std::hint::black_box(x);
    let cpu_msteps = (30.0 / begun.elapsed().as_secs_f64()).round();
    Calibration { cpu_msteps, fsync_ms: fsync(directory).unwrap_or(0.0) }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn fsync(directory: &Path) -> std::io::Result<f64> {
    let path = directory.join("calibration");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..32 {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    std::fs::remove_file(path)?;
    times.sort_unstable();
    Ok(to_f64(times[16]) / 1000.0)
}

/// Resident memory of this process in MiB: now, and at its highest.
#[must_use]
pub(crate) fn resident_mib() -> (u64, u64) {
    resident_of("self")
}

/// Resident memory of a process by its id, in MiB: now, and at its highest.
#[must_use]
pub fn resident_of(process: &str) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    (field("VmRSS:").unwrap_or(0) / 1024, field("VmHWM:").unwrap_or(0) / 1024)
}

/// The processor's name as the kernel has it.
#[must_use]
pub(crate) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// xorshift: cheap and repeatable; not for secrets.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }
}

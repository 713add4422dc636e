//! `jiaozi bench ready`: how soon a killed bank answers again, and how much memory it holds.

use crate::bench::{self as shared, Folder};
use crate::bench_payments::{self, Fill};
use crate::failure::{Ended, Failure};
use ::bench::{Client, Pace, Report, Target};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use vocabulary::Clock;

/// Kill a loaded bank and measure how soon it answers again
///
/// A server of its own is loaded over HTTP, killed (SIGKILL), and started again, several times. What is measured is from the
/// start of the process to the first good answer of /readyz. Resident memory is that of the server alone: idle after the
/// start, and under load.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi bench ready
  jiaozi bench ready --accounts 10000 --existing 0 --rounds 3 --json")]
pub struct Args {
    /// Ledger accounts: each customer has two, the wallet's and its receivable
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(2..))]
    accounts: u64,
    /// Payments that exist before the measurement
    #[arg(long, default_value_t = 200_000)]
    existing: u64,
    /// How often it is killed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Seconds of load before each kill
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Measure in this directory, which keeps the bank; otherwise in a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Customers who are signed in.
const SESSIONS: u64 = 16;
/// Connections of the load.
const CLIENTS: u64 = 64;

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let folder = Folder::choose(args.data.as_deref())?;
    let runtime = shared::runtime()?;
    let (data, existing) = (None, args.existing);
    let fill = Fill {
        accounts: args.accounts / 2,
        merchants: 100,
        existing,
        hot: false,
        data,
        database: None,
        json: args.json,
    };
    let shots = {
        let (bank, people) = bench_payments::filled(&fill, &folder, &runtime)?;
        let sessions = runtime.block_on(::bench::sessions(&bank, SESSIONS, people.currency()));
        let sessions = sessions.map_err(|what| Failure::because("the bank to measure could not be filled", what))?;
        people.shots(&sessions, false)
    };
    let shots = Arc::new(shots);
    let machine = ::bench::calibrate(folder.path());
    let data = folder.path().join("bank");
    let mut times = ::bench::histogram();
    let (mut idle, mut loaded) = (0, 0);
    let begun = crate::system::SystemClock.now();
    for round in 0..=args.rounds {
        let (mut server, address, micros) = start(&data, &runtime)?;
        idle = idle.max(server.resident());
        if round > 0 {
            times.saturating_record(micros);
        }
        let run = begun.micros().unsigned_abs() + round;
        let target = Target { address, shots: Arc::clone(&shots), run };
        runtime.block_on(::bench::run(&target, CLIENTS, Pace::Closed, Duration::from_secs(args.seconds)));
        loaded = loaded.max(server.resident());
        server.kill();
    }
    let seconds = ::bench::milliseconds(&times, 0.5) / 1000.0;
    let report = Report::new("ready", args.rounds, seconds * f64_of(args.rounds), &times)
        .with("accounts", args.accounts)
        .with("existing", args.existing)
        .with("worst_ms", ::bench::milliseconds(&times, 1.0))
        .with("resident_idle_mib", idle)
        .with("resident_loaded_mib", loaded);
    shared::print(&report.with_machine(machine), args.json);
    Ok(Ended::Fine)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
fn f64_of(count: u64) -> f64 {
    count as f64
}

/// A server in a process of its own.
struct Serving(Child);

impl Serving {
    fn resident(&self) -> u64 {
        ::bench::resident_of(&self.0.id().to_string()).0
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server on the bank; gives its address, and the microseconds until it was ready.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn start(data: &Path, runtime: &Runtime) -> Result<(Serving, SocketAddr, u64), Failure> {
    let cannot = |error: std::io::Error| Failure::because("a server of its own cannot be started", error);
    let program = std::env::current_exe().map_err(cannot)?;
    let begun = Instant::now();
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--currency", "CNY", "--data"]).arg(data);
    let config = data.join("bench.toml");
    std::fs::write(&config, "address_rate = 0\n").map_err(cannot)?;
    command.arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(cannot)?;
    let out = child.stdout.take().map(BufReader::new);
    let serving = Serving(child);
    let mut line = String::new();
    if let Some(mut out) = out {
        out.read_line(&mut line).map_err(cannot)?;
    }
    let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| Failure::new("the server did not say where it listens; its error is above"))?;
    let ready = runtime.block_on(async {
        let mut client = Client::connect(address).await?;
        client.get("/readyz", None).await
    });
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    match ready {
        Ok(reply) if reply.status == 200 => Ok((serving, address, micros)),
        Ok(reply) => Err(Failure::new(format!("the server was not ready: it answered {}", reply.status))),
        Err(error) => Err(cannot(error)),
    }
}

//! `jiaozi bench http`: payments over HTTP, with the load generator on the same machine.

use crate::bench::{self as shared, Folder};
use crate::bench_payments::{self, Fill};
use crate::failure::{Ended, Failure};
use crate::server::Server;
use crate::way_in::WayIn;
use bench::{Load, Pace, Report, Target};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use vocabulary::Clock;

/// Pay merchants over HTTP, with the load generator on the same machine
///
/// Connections are kept. Without --rate every client sends its next payment as soon as the last was answered; then the
/// same is measured at half that rate, and with one client alone. With --rate requests leave at that rate over all clients,
/// and latency counts from when each should have left.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi bench http
  jiaozi bench http --rate 6000 --json
  jiaozi bench http --clients 1 --accounts 1000 --existing 0 --seconds 5")]
pub struct Args {
    #[command(flatten)]
    fill: Fill,
    /// For so many seconds
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Connections at the same time
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=8_000))]
    clients: u64,
    /// Requests a second over all clients, instead of as many as can be
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
}

/// Customers who are signed in; requests go through their sessions in turn, so that none meets its rate limit.
const SESSIONS: u64 = 128;

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let folder = Folder::choose(args.fill.data.as_deref())?;
    let (serving, sending) = (shared::runtime()?, shared::runtime()?);
    let (bank, people) = bench_payments::filled(&args.fill, &folder, &sending)?;
    let cannot = |what: String| Failure::because("the bank to measure could not be filled", what);
    let sessions = sending.block_on(bench::sessions(&bank, SESSIONS, people.currency())).map_err(cannot)?;
    let shots = Arc::new(people.shots(&sessions, args.fill.hot));
    let machine = bench::calibrate(folder.path());
    let run = crate::system::SystemClock.now().micros().unsigned_abs();

    // All load comes from one address, over a few sessions.
    let options = edge::Options { address_rate: None, fair_share: None, ..edge::Options::default() };
    let server = Server::of(bank, WayIn::of(options));
    let (told, ready) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let report = std::thread::scope(|scope| {
        let until = async move {
            let _ = stopped.await;
        };
        let tell = move |address| {
            let _ = told.send(address);
        };
        let serving = scope.spawn(|| server.run_until(&serving, any, (tell, until)));
        let measured = match ready.recv() {
            Ok(address) => measure(args, &sending, &Target { address, shots, run }),
            Err(_) => Err(Failure::new("the server did not start")),
        };
        drop(stop);
        serving.join().unwrap_or_else(|_| Err(Failure::new("the server panicked")))?;
        measured
    })?;
    shared::print(&report.with("existing", args.fill.existing).with_machine(machine), args.fill.json);
    Ok(Ended::Fine)
}

fn measure(args: &Args, runtime: &Runtime, target: &Target) -> Result<Report, Failure> {
    let load = |clients, pace, seconds, run: u64| {
        let target = Target { run: target.run + run, ..target.clone() };
        let load = runtime.block_on(bench::run(&target, clients, pace, Duration::from_secs(seconds)));
        if load.good > 0 {
            return Ok(load);
        }
        let said = load.first_bad.unwrap_or_default();
        Err(Failure::because("no payment succeeded over HTTP", said))
    };
    // Caches and connections are warm before anything counts.
    load(args.clients, Pace::Closed, 2, 0)?;
    if let Some(rate) = args.rate {
        let at_rate = load(args.clients, Pace::PerSecond(rate), args.seconds, 1)?;
        return Ok(report(args, &at_rate).with("rate", rate));
    }
    let full = load(args.clients, Pace::Closed, args.seconds, 1)?;
    let half = full.good / args.seconds.max(1) / 2;
    let at_half = load(args.clients, Pace::PerSecond(half), args.seconds.min(10), 2)?;
    let alone = load(1, Pace::Closed, args.seconds.min(5), 3)?;
    let ms = |load: &Load, quantile| bench::milliseconds(&load.latencies, quantile);
    Ok(report(args, &full)
        .with("half_rate", half)
        .with("half_rate_p50_ms", ms(&at_half, 0.5))
        .with("half_rate_p99_ms", ms(&at_half, 0.99))
        .with("alone_p50_ms", ms(&alone, 0.5))
        .with("alone_p99_ms", ms(&alone, 0.99)))
}

fn report(args: &Args, load: &Load) -> Report {
    let (now, peak) = bench::resident_of("self");
    let report = Report::new("http", load.good, load.seconds, &load.latencies)
        .with("clients", args.clients)
        .with("accounts", args.fill.accounts)
        .with("merchants", if args.fill.hot { 1 } else { args.fill.merchants })
        .with("not_paid", load.bad)
        .with("resident_with_load_generator_mib", now)
        .with("resident_peak_mib", peak);
    match &load.first_bad {
        Some(said) => report.with("first_not_paid", said.as_str()),
        None => report,
    }
}

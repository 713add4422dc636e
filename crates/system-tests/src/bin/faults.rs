//! The matrix of faults, row by row: see `system_tests::faults`.

use clap::{Parser, ValueEnum};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;
use system_tests::faults::postgres::{cuts, old_primary, paused_node, promote, standby_lost};
use system_tests::faults::{
    How, Tally, backup_load, bit_flips, clock_jumps, database_lost, disk_full, exhaustion, follow, herd,
};
use system_tests::faults::{migration, nth_io, races, silent_bank, soak, torn_writes, two_nodes, webhook_down};
use system_tests::powercut::loader::{self, Load};

/// Breaks one thing under a bank, as often as is said, and compares what is left with what its clients were told.
#[derive(Parser)]
#[command(after_help = "Examples:
  faults all
  faults torn-writes --rounds 10000
  faults herd --rounds 1 --clients 5000
  faults disk-full --rounds 3 --defect ignore-io-errors

Defects to be noticed: crash answer-before-commit; power-cut no-sync; nth-io and disk-full ignore-io-errors; torn-writes
lying-disk; bit-flips unchecked; silent-bank stray-money; webhook-down lost-message; herd new-keys; database-lost
forgetful-database; two-nodes new-keys, deaf or answer-before-commit; pg-promote asynchronous; pg-old-primary
believe-any-server; pg-standby-lost believe-warning; pg-cuts and paused-node answer-before-commit; clock-jumps clock-goes-back;
follow skip-frames; backup-load old-backup; soak kept-streams; exhaustion stays;
migration half-a-step; races new-keys")]
struct Arguments {
    /// Which row.
    #[arg(default_value = "all")]
    name: Row,
    /// How many rounds; each row has a number of its own when absent.
    #[arg(long)]
    rounds: Option<u64>,
    /// Decides what is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients at once: of the herd, and of loads.
    #[arg(long)]
    clients: Option<u32>,
    /// Break something on purpose: then the row must find something, or it fails.
    #[arg(long)]
    defect: Option<String>,
    /// How long a soak lasts.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Load this directory and end: what rows do in a process of its own.
    #[arg(long, hide = true)]
    load: Option<PathBuf>,
    /// How long to load.
    #[arg(long, hide = true, default_value_t = 5)]
    seconds: u64,
    /// How many wishes each client of a load has at most.
    #[arg(long, hide = true, default_value_t = 10)]
    wishes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// Every row but one after the other.
    All,
    /// `kill -9` under load.
    Crash,
    /// Writes that were not flushed are lost.
    PowerCut,
    /// The n-th write or flush fails.
    NthIo,
    /// The disk is full for a while.
    DiskFull,
    /// Writes are torn, lost and reordered.
    TornWrites,
    /// A bit of the database, its log or a backup is flipped.
    BitFlips,
    /// The bank beside us is slow, silent, says things twice, late, or contradicts itself.
    SilentBank,
    /// A receiver of webhooks refuses for a while.
    WebhookDown,
    /// Thousands of clients at once, with a storm of retries.
    Herd,
    /// The PostgreSQL server is stopped, or the network to it is cut, silent, forgetful.
    DatabaseLost,
    /// Two nodes of one bank on PostgreSQL, one of which is killed.
    TwoNodes,
    /// The primary of a cluster is killed, and a standby takes over.
    PgPromote,
    /// The old primary stays, or comes back, after another took over.
    PgOldPrimary,
    /// The standbys are lost, and waiting COMMITs are cancelled.
    PgStandbyLost,
    /// The line to the server is cut at four points of the exchange, and anywhere.
    PgCuts,
    /// One of two nodes sleeps in the middle of its work.
    PausedNode,
    /// A machine's clock jumps, forward and back.
    ClockJumps,
    /// The server is killed, and a bank is made of its continuous copy.
    Follow,
    /// Backups are taken under load and restored.
    BackupLoad,
    /// Descriptors, threads and memory run out.
    Exhaustion,
    /// A migration is killed at each of its writes or messages.
    Migration,
    /// Payments to one account, requests under one key, refunds, ends of holds and limits, by many at once.
    Races,
    /// A steady mixed load for half an hour, with flat memory, descriptors, threads and logs.
    Soak,
}

/// Every row but `All`, with its usual number of rounds.
const ROWS: [(Row, u64); 23] = [
    (Row::Crash, 10),
    (Row::PowerCut, 50),
    (Row::NthIo, 0),
    (Row::DiskFull, 3),
    (Row::TornWrites, 1_000),
    (Row::BitFlips, 300),
    (Row::SilentBank, 1),
    (Row::WebhookDown, 2),
    (Row::Herd, 1),
    (Row::DatabaseLost, 5),
    (Row::TwoNodes, 5),
    (Row::PgPromote, 5),
    (Row::PgOldPrimary, 5),
    (Row::PgStandbyLost, 5),
    (Row::PgCuts, 5),
    (Row::PausedNode, 5),
    (Row::ClockJumps, 3),
    (Row::Follow, 6),
    (Row::BackupLoad, 3),
    (Row::Exhaustion, 2),
    (Row::Migration, 0),
    (Row::Races, 1_000),
    (Row::Soak, 1),
];

/// Defects of the product, which a build has or has not.
const BUILT_IN: [&str; 8] = [
    bit_flips::NO_SUMS,
    "ignore-io-errors",
    follow::DEFECT,
    two_nodes::DEAF,
    "answer-before-commit",
    "believe-any-server",
    "believe-warning",
    "clock-goes-back",
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(directory) = &arguments.load {
        return finish(load(&arguments, directory).map(|()| true));
    }
    if arguments.defect.as_deref().is_some_and(|defect| BUILT_IN.contains(&defect)) && !cfg!(feature = "seeded-defects")
    {
        eprintln!("faults: this build has no such defect in it; build it with --features seeded-defects");
        return ExitCode::from(2);
    }
    if arguments.defect.is_some() && arguments.name == Row::All {
        eprintln!("faults: a defect is for one row; name it");
        return ExitCode::from(2);
    }
    let rows = ROWS.iter().filter(|(row, _)| arguments.name == Row::All || *row == arguments.name);
    finish(rows.map(|(row, usual)| run(&arguments, *row, *usual)).try_fold(true, |good, row| Ok(good & row?)))
}

fn finish(result: io::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error}");
            ExitCode::FAILURE
        }
    }
}

fn name_of(row: Row) -> String {
    row.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn small_load(arguments: &Arguments) -> Load {
    let time = Duration::from_secs(arguments.seconds);
    Load { seed: arguments.seed, clients: arguments.clients.unwrap_or(2), time, wishes: arguments.wishes }
}

fn load(arguments: &Arguments, directory: &std::path::Path) -> io::Result<()> {
    let load = small_load(arguments);
    match arguments.name {
        Row::NthIo => nth_io::child(directory, &load),
        Row::Migration => migration::child(),
        _ => loader::run(directory, &load),
    }
}

/// Runs a row and tells how it went.
fn run(arguments: &Arguments, row: Row, usual: u64) -> io::Result<bool> {
    let how = How { rounds: arguments.rounds.unwrap_or(usual), seed: arguments.seed, defect: arguments.defect.clone() };
    println!("== {}", name_of(row));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let tally = match row {
        Row::All => return Ok(true),
        Row::Crash => return elsewhere("crash", &how, &[]),
        Row::PowerCut => return elsewhere("powercut", &how, &[]),
        Row::NthIo => nth_io::run(&how, &small_load(arguments))?,
        Row::TornWrites => torn_writes::run(&how)?,
        // The product looks for its defects in what is around its process.
        Row::BitFlips if how.has(bit_flips::NO_SUMS) && !sql::has_defect(bit_flips::NO_SUMS) => {
            return elsewhere("faults", &how, &["bit-flips"]);
        }
        Row::BitFlips => bit_flips::run(&how)?,
        Row::DiskFull => runtime.block_on(disk_full::run(&how))?,
        Row::DatabaseLost => runtime.block_on(database_lost::run(&how))?,
        Row::SilentBank => runtime.block_on(silent_bank::run(&how))?,
        Row::WebhookDown => runtime.block_on(webhook_down::run(&how))?,
        Row::TwoNodes => runtime.block_on(two_nodes::run(&how))?,
        Row::PgPromote => runtime.block_on(promote::run(&how))?,
        Row::PgOldPrimary => runtime.block_on(old_primary::run(&how))?,
        Row::PgStandbyLost => runtime.block_on(standby_lost::run(&how))?,
        Row::PgCuts => runtime.block_on(cuts::run(&how))?,
        Row::PausedNode => runtime.block_on(paused_node::run(&how))?,
        Row::ClockJumps => runtime.block_on(clock_jumps::run(&how))?,
        Row::Follow => runtime.block_on(follow::run(&how))?,
        Row::BackupLoad => runtime.block_on(backup_load::run(&how))?,
        Row::Exhaustion => runtime.block_on(exhaustion::run(&how))?,
        Row::Migration => runtime.block_on(migration::run(&how))?,
        Row::Races => runtime.block_on(races::run(&how, arguments.clients.map_or(200, |clients| clients as usize)))?,
        Row::Soak => {
            let time = Duration::try_from_secs_f64(60.0 * arguments.minutes).map_err(io::Error::other)?;
            runtime.block_on(soak::run(&how, time))?
        }
        Row::Herd => runtime.block_on(herd::run(&how, arguments.clients.map_or(1_000, |clients| clients as usize)))?,
    };
    Ok(report(&how, row, &tally))
}

/// The harnesses that are executables of their own, or need a process of their own.
fn elsewhere(name: &str, how: &How, row: &[&str]) -> io::Result<bool> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name(name));
    command.args(row).args(["--rounds", &how.rounds.to_string(), "--seed", &how.seed.to_string()]);
    if let Some(defect) = &how.defect {
        command.args(["--defect", defect]).env("JIAOZI_DEFECT", defect);
    }
    Ok(command.status()?.success())
}

fn report(how: &How, row: Row, tally: &Tally) -> bool {
    tally.facts.iter().for_each(|fact| println!("  {fact}"));
    println!("{}: {} rounds, {} wrong", name_of(row), tally.rounds, tally.wrong.len());
    // Nobody reads what does not leave the process; a full pipe is no finding.
    let _ = io::stdout().flush();
    match &how.defect {
        None => tally.wrong.is_empty(),
        Some(defect) => {
            println!("defect {defect}: {}", if tally.wrong.is_empty() { "NOT noticed" } else { "noticed" });
            !tally.wrong.is_empty()
        }
    }
}

//! `jiaozi bench`: figures with percentiles, machine and settings.

use crate::failure::{Ended, Failure};
use crate::output;
use crate::{bench_http, bench_ledger, bench_payments, bench_ready};
use bench::Report;
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// Measure on this machine, with every check on
///
/// Figures depend on the machine and the minute: beside them stand how fast it computes and syncs, and `./x bench` runs
/// PostgreSQL's pgbench before and after.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Bench,
}

#[derive(Subcommand)]
enum Bench {
    Payments(bench_payments::Args),
    Http(bench_http::Args),
    Ledger(bench_ledger::Args),
    Ready(bench_ready::Args),
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    match &args.command {
        Bench::Payments(args) => bench_payments::run(args),
        Bench::Http(args) => bench_http::run(args),
        Bench::Ledger(args) => bench_ledger::run(args),
        Bench::Ready(args) => bench_ready::run(args),
    }
}

/// A folder for the measured bank: the one named, or a temporary one that goes with the value.
pub enum Folder {
    /// Named; it stays.
    Named(PathBuf),
    /// Temporary.
    Temporary(tempfile::TempDir),
}

impl Folder {
    /// The folder to measure in. A named one must not hold a bank.
    pub fn choose(named: Option<&Path>) -> Result<Self, Failure> {
        let Some(named) = named else {
            let made = tempfile::Builder::new().prefix("jiaozi-bench-").tempdir();
            return made
                .map(Self::Temporary)
                .map_err(|error| Failure::because("no temporary folder can be made; name one with --data DIR", error));
        };
        if named.join(sql::FILE_NAME).exists() {
            let what = format!("{} holds a bank; a benchmark needs a directory that holds none", named.display());
            return Err(Failure::new(what));
        }
        std::fs::create_dir_all(named)
            .map_err(|error| Failure::because(format!("{} cannot be made", named.display()), error))?;
        Ok(Self::Named(named.to_owned()))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// Prints a result.
pub fn print(report: &Report, json: bool) {
    if json { output::json(report) } else { output::line(&report.line()) }
}

/// A runtime for what is measured.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // What goes wrong meanwhile is said beside the figures.
    crate::telemetry::start(false);
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::because("no threads can be started", error))
}

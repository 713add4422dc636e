//! The executable: command line, configuration, wiring, job loop.
//!
//! One file for each command. What prints data prints it on standard output; progress and diagnostics go to standard
//! error. The exit code says how it went: 0 fine, 1 said no or failed, 2 wrong usage. No business rule lives here.

mod absent_bank;
mod audit;
mod audit_export;
mod backup;
mod bench;
mod bench_http;
mod bench_ledger;
mod bench_payments;
mod bench_ready;
mod card_vault;
mod case_tables;
mod certificate_watch;
mod check;
mod database_watch;
mod demo;
mod demo_certificate;
mod failure;
mod follow;
mod job_loop;
mod ledger_cases;
mod migrate;
mod moved;
mod moving;
mod options;
mod output;
mod place;
mod progress;
mod qr;
mod qr_encode;
mod replay;
mod restore;
mod serve;
mod server;
mod staff;
mod system;
mod telemetry;
mod vault;
mod vault_child;
mod way_in;
mod wiring;

use clap::{Parser, Subcommand};
use failure::{Ended, Failure};
use std::process::ExitCode;

/// A digital wallet that a bank runs itself: ledger, business and HTTP API in one program.
#[derive(Parser)]
#[command(name = "jiaozi", version, arg_required_else_help = true, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  jiaozi demo                             a bank with people, shops and live traffic, to look at
  jiaozi serve --data bank --sandbox      a bank of your own
  jiaozi vault serve --data card-vault    where card numbers are kept, apart from the bank
  jiaozi check --data bank                does every balance follow from the entries?
  jiaozi audit --data bank                is it set up as it should be, and does nothing lie in clear?
  jiaozi qr decode 000201…                what is in this payment code?
  jiaozi backup monday.db --data bank     a copy while the bank runs, checked
  jiaozi backup --follow DEST --data bank a copy that goes on, at most a second behind

Every command explains itself: jiaozi <command> --help
Exit codes: 0 fine, 1 said no or failed, 2 wrong usage";

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Check(check::Args),
    Audit(audit::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Migrate(migrate::Args),
    Staff(staff::Args),
    Vault(vault::Args),
    Replay(replay::Args),
    Qr(qr::Args),
    LedgerCases(ledger_cases::Args),
    Bench(bench::Args),
}

impl Command {
    fn run(self) -> Result<Ended, Failure> {
        match self {
            Self::Demo(args) => demo::run(&args),
            Self::Serve(args) => serve::run(&args),
            Self::Check(args) => check::run(&args),
            Self::Audit(args) => audit::run(&args),
            Self::Backup(args) => backup::run(&args),
            Self::Restore(args) => restore::run(&args),
            Self::Migrate(args) => migrate::run(&args),
            Self::Staff(args) => staff::run(&args),
            Self::Vault(args) => vault::run(&args),
            Self::Replay(args) => replay::run(&args),
            Self::Qr(args) => qr::run(&args),
            Self::LedgerCases(args) => ledger_cases::run(&args),
            Self::Bench(args) => bench::run(&args),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(Ended::Fine) => ExitCode::SUCCESS,
        Ok(Ended::SaidNo) => ExitCode::from(1),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit)
        }
    }
}

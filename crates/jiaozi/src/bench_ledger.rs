//! `jiaozi bench ledger`: bulk posting.

use crate::bench::{self as shared, Folder};
use crate::failure::{Ended, Failure};
use crate::options;
use bench::BulkOptions;
use std::path::PathBuf;

/// Post transfers in bulk through the store
///
/// Transfers of 1.00 between random accounts, with floors, chains of balances and duplicate ids checked, in chunks that
/// each commit durably.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi bench ledger
  jiaozi bench ledger --accounts 1000000 --transfers 10000000 --json")]
pub struct Args {
    /// How many accounts
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..))]
    accounts: u64,
    /// How many transfers
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    transfers: u64,
    /// Transfers in a chunk
    #[arg(long, default_value_t = 8_190, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    chunk: u64,
    /// Ids drawn at random by clients, instead of growing with time
    #[arg(long)]
    random_ids: bool,
    /// Stop after about so many seconds, however many transfers are left
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Keep the ledger in this PostgreSQL database, which is empty
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Measure in this directory, which keeps the bank; otherwise in a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let folder = Folder::choose(args.data.as_deref())?;
    let before = bench::calibrate(folder.path());
    let bulk = BulkOptions {
        directory: folder.path().join("ledger"),
        server: args.database.as_deref().map(|url| options::server(url, None)).transpose()?,
        accounts: args.accounts,
        transfers: args.transfers,
        chunk: args.chunk,
        random_ids: args.random_ids,
        seconds: args.seconds,
    };
    let measured = shared::runtime()?.block_on(bench::bulk(&bulk));
    let report = measured.map_err(|what| Failure::because("the benchmark could not run", what))?;
    shared::print(&report.with_machine(before), args.json);
    Ok(Ended::Fine)
}

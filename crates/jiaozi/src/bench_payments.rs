//! `jiaozi bench payments`: payments in process.

use crate::bench::{self as shared, Folder};
use crate::failure::{Ended, Failure};
use crate::options::{self, Shape};
use crate::progress::Progress;
use crate::restore::KEY_FILE;
use crate::wiring;
use ::bank::Bank;
use bench::{PaymentOptions, Population, PopulationOptions};
use money::Currency;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Pay merchants in process, with many callers
///
/// Each caller awaits one payment of 1.00 after another from a random customer to a random merchant: balance, floor,
/// limits, fee, tax, idempotency record (sealed), event and business row, committed durably before it is answered. The
/// bank is filled first: customers, merchants, and payments that exist already.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi bench payments
  jiaozi bench payments --accounts 10000 --existing 0 --seconds 10 --json
  jiaozi bench payments --hot")]
pub struct Args {
    #[command(flatten)]
    pub fill: Fill,
    /// For so many seconds
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Callers at the same time
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    clients: u64,
    /// Nodes of the bank, in this process, between which the callers are shared out; more than one needs --database
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=16))]
    nodes: u64,
}

/// What the bank is filled with.
#[derive(clap::Args, Clone)]
pub struct Fill {
    /// Customers' accounts
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub accounts: u64,
    /// Merchants
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub merchants: u64,
    /// Payments that exist before the measurement
    #[arg(long, default_value_t = 2_000_000)]
    pub existing: u64,
    /// All payments go to one merchant
    #[arg(long)]
    pub hot: bool,
    /// Keep the bank in this PostgreSQL database, which is empty
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Measure in this directory, which keeps the bank; otherwise in a temporary one
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let folder = Folder::choose(args.fill.data.as_deref())?;
    let runtime = shared::runtime()?;
    let (bank, people) = filled(&args.fill, &folder, &runtime)?;
    let mut nodes = vec![bank];
    for node in 1..args.nodes {
        nodes.push(another_node(&args.fill, &folder, node)?);
    }
    let machine = bench::calibrate(folder.path());
    let options = PaymentOptions { clients: args.clients, time: Duration::from_secs(args.seconds), hot: args.fill.hot };
    let measured = runtime.block_on(bench::payments(&nodes, &people, options));
    let report = measured.map_err(|what| Failure::because("the benchmark could not run", what))?;
    shared::print(&report.with("existing", args.fill.existing).with_machine(machine), args.fill.json);
    Ok(Ended::Fine)
}

fn cannot_fill(what: String) -> Failure {
    Failure::because("the bank to measure could not be filled", what)
}

fn shape(fill: &Fill) -> Result<(Shape, Currency), Failure> {
    let currency = Currency::iso("CNY").map_err(|error| cannot_fill(error.to_string()))?;
    let server = fill.database.as_deref().map(|url| options::server(url, None)).transpose()?;
    Ok((Shape { sandbox: true, currencies: vec![currency], server, ..Shape::default() }, currency))
}

/// Another node of the bank, in a folder of its own with a copy of the keys.
fn another_node(fill: &Fill, folder: &Folder, number: u64) -> Result<Bank, Failure> {
    if fill.database.is_none() {
        return Err(Failure::new("several nodes need a database on a server: --database URL".to_owned()));
    }
    let (own, first) = (folder.path().join(format!("node{number}")), folder.path().join("bank"));
    let copied = std::fs::create_dir(&own).and_then(|()| std::fs::copy(first.join(KEY_FILE), own.join(KEY_FILE)));
    copied.map_err(|error| cannot_fill(error.to_string()))?;
    wiring::open_bank(&own, &shape(fill)?.0)
}

/// A bank with customers, merchants and existing payments.
pub fn filled(fill: &Fill, folder: &Folder, runtime: &Runtime) -> Result<(Bank, Arc<Population>), Failure> {
    let cannot = cannot_fill;
    let (shape, currency) = shape(fill)?;
    let bank = wiring::open_bank(&folder.path().join("bank"), &shape)?;
    let mut progress = Progress::new("bench");
    let wanted = PopulationOptions { customers: fill.accounts, merchants: fill.merchants, currency };
    let mut tell = |done| progress.at("customers", done, fill.accounts);
    let people = Arc::new(runtime.block_on(bench::populate(&bank, wanted, &mut tell)).map_err(cannot)?);
    let mut tell = |done| progress.at("existing payments", done, fill.existing);
    bench::preload(&bank, &people, fill.existing, &mut tell).map_err(cannot)?;
    progress.finish();
    Ok((bank, people))
}

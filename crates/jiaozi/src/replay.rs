//! `jiaozi replay`: a file of card rows becomes customers, merchants and payments.

use crate::failure::{Ended, Failure};
use crate::options::Shape;
use crate::output::{self, grouped};
use crate::progress::Progress;
use crate::{bench, wiring};
use ::demo::replay::{Progress as Step, Replay, ReplayOptions, Summary};
use money::Currency;
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Turn card rows into customers, merchants and payments
///
/// Reads CSV with the columns TX_DATETIME, CUSTOMER_ID, TERMINAL_ID and TX_AMOUNT among others; TRANSACTION_ID is used when
/// it is there. Every customer becomes a customer with a wallet and enough money, every terminal a merchant, every row a
/// payment with all checks on.
///
/// A row that is bad or refused is reported with its line, and the rest goes on. A row counts once however often the file
/// is replayed on the same data directory: by its customer and TRANSACTION_ID, or else by the file's content and the row's line.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi replay cards.csv
  jiaozi replay cards.csv --data bank --currency EUR --json")]
pub struct Args {
    /// The file
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// The bank's data directory; a sandbox is made when it is empty. Without it the bank is temporary
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The currency of the amounts
    #[arg(long, default_value = "CNY")]
    currency: String,
    /// How many bad and refused rows are printed; all are counted
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let currency = Currency::iso(&args.currency)
        .map_err(|error| Failure::usage(format!("--currency {}: {error}", args.currency)))?;
    if !args.file.is_file() {
        return Err(Failure::new(format!("there is no file {}; check the path", args.file.display())));
    }
    let temporary = tempfile::Builder::new().prefix("jiaozi-replay-").tempdir();
    let temporary = temporary.map_err(|error| Failure::because("no temporary folder can be made", error))?;
    let directory = args.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    let mut shape = Shape { sandbox: true, ..Shape::default() };
    if !shape.currencies.contains(&currency) {
        shape.currencies.push(currency);
    }
    let bank = wiring::open_bank(&directory, &shape)?;
    let measured = measure(args, &bank, currency)?;
    let settled = bank.store().settle_blocking();
    settled.map_err(|error| Failure::because("the bank could not be closed in order; nothing is lost", error))?;
    if args.json {
        output::json(&as_json(&measured, currency));
    } else {
        print(args, &measured, currency);
    }
    Ok(Ended::Fine)
}

/// A summary and how long it took.
struct Measured {
    summary: Summary,
    preparing: f64,
    paying: f64,
}

#[expect(clippy::disallowed_methods, reason = "a replay says how fast it was")]
fn measure(args: &Args, bank: &::bank::Bank, currency: Currency) -> Result<Measured, Failure> {
    let cannot = |error| Failure::because(format!("{} cannot be replayed", args.file.display()), error);
    let mut progress = Progress::new("replay");
    let begun = Instant::now();
    let options = ReplayOptions { file: args.file.clone(), currency };
    let mut show = |now: Step| progress.at(now.stage, now.done, now.of);
    let replay = bench::runtime()?.block_on(Replay::prepare(bank, options, &mut show)).map_err(cannot)?;
    let prepared = begun.elapsed().as_secs_f64();
    let paid = replay.pay(bank, &mut show);
    progress.finish();
    let summary = paid.map_err(cannot)?;
    Ok(Measured { summary, preparing: prepared, paying: begun.elapsed().as_secs_f64() - prepared })
}

impl Measured {
    /// Rows a second while paying.
    fn rate(&self) -> f64 {
        let rows = self.summary.rows - self.summary.bad;
        #[expect(clippy::cast_precision_loss, reason = "rows stay far below 2 to the 53rd")]
        let rows = rows as f64;
        (rows / self.paying.max(0.001)).round()
    }
}

fn as_json(measured: &Measured, currency: Currency) -> serde_json::Value {
    let Measured { summary, preparing, paying } = measured;
    let refused: u64 = summary.refused.values().sum();
    json!({
        "rows": summary.rows, "payments": summary.payments, "already": summary.already, "refused": refused,
        "refused_by_code": summary.refused, "bad": summary.bad, "customers": summary.customers,
        "merchants": summary.merchants, "currency": currency.code(),
        "total": money::print_minor(summary.total_minor, currency.digits()), "per_second": measured.rate(),
        "seconds": round(preparing + paying), "seconds_paying": round(*paying), "bad_rows": summary.first_bad,
    })
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn print(args: &Args, measured: &Measured, currency: Currency) {
    let Measured { summary, .. } = measured;
    for row in summary.first_bad.iter().take(args.show) {
        output::diagnostic(&format!("line {}: {} ({})", row.line, row.message, row.code));
    }
    let all_bad = summary.bad + summary.refused.values().sum::<u64>();
    let shown = summary.first_bad.len().min(args.show) as u64;
    if all_bad > shown {
        output::diagnostic(&format!("and {} more; --show N prints more of them", grouped(all_bad - shown)));
    }
    let total = money::print_minor(summary.total_minor, currency.digits());
    let lines = [
        ("rows", grouped(summary.rows)),
        ("payments", format!("{}, {total} {} in all", grouped(summary.payments), currency.code())),
        ("already made", grouped(summary.already)),
        ("refused", grouped(summary.refused.values().sum::<u64>())),
        ("bad", grouped(summary.bad)),
        ("customers", grouped(summary.customers)),
        ("merchants", grouped(summary.merchants)),
        (
            "rate",
            format!(
                "{:.0} rows/s in {:.1} s, after {:.1} s of preparation",
                measured.rate(),
                measured.paying,
                measured.preparing
            ),
        ),
    ];
    for (name, value) in lines {
        output::line(&format!("{name:>14}  {value}"));
    }
}

//! `jiaozi check`: the independent checker on a bank, running or not, or on a backup.

use crate::failure::{Ended, Failure};
use crate::output::{self, grouped};
use crate::place::Place;
use crate::progress::Progress;
use checker::{Options, Report};
use money::Currency;
use serde_json::json;
use sql::Connection;
use std::path::{Path, PathBuf};

/// Recompute every balance, hold, limit and number from the entries, and report the first difference
///
/// Reads one snapshot and changes nothing, so it may run beside a serving bank. Its code shares nothing with the code
/// that posted the entries.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi check --data bank
  jiaozi check backup-monday.db --pages --json

Exit code 1 when a difference was found.")]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// A database file, such as a backup, instead of a data directory
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The bank in this PostgreSQL database instead
    #[arg(long, value_name = "URL", env = "JIAOZI_DATABASE", hide_env_values = true, conflicts_with_all = ["file", "pages"])]
    database: Option<String>,
    /// The file that holds that database's password and nothing else
    #[arg(long, value_name = "FILE", env = "JIAOZI_DATABASE_PASSWORD_FILE")]
    database_password_file: Option<PathBuf>,
    /// Also read every page and index of the file, as after a restore
    #[arg(long)]
    pages: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let path = args.file.as_deref().unwrap_or(&args.place.data);
    let report = match &args.database {
        Some(url) => on_server(url, args.database_password_file.as_deref())?,
        None => examine(path, args.pages)?,
    };
    if args.json {
        output::json(&as_json(&report));
    } else {
        print(&report);
    }
    Ok(Ended::fine_if(report.is_clean()))
}

fn on_server(url: &str, password: Option<&Path>) -> Result<Report, Failure> {
    on(&crate::options::server(url, password)?)
}

/// Runs the checker on a server's database with its progress shown.
pub fn on(server: &sql::Database) -> Result<Report, Failure> {
    let mut progress = Progress::new("check");
    let report = checker::check_database(server, &mut |now| progress.at(now.table, now.done, now.of));
    progress.finish();
    report.map_err(|error| Failure::because("the database cannot be checked", error))
}

/// Runs the checker with its progress shown.
pub fn examine(path: &Path, pages: bool) -> Result<Report, Failure> {
    let mut progress = Progress::new("check");
    let report = checker::check(path, &Options { pages }, &mut |now| progress.at(now.table, now.done, now.of));
    progress.finish();
    let report = report.map_err(|error| Failure::because(format!("{} cannot be checked", path.display()), error))?;
    let file = if path.is_dir() { path.join(sql::FILE_NAME) } else { path.to_owned() };
    if Connection::open_reader(&file).is_ok_and(|connection| !connection.has_sums()) {
        output::diagnostic("its pages carry no sums: an older version made it; a backup of it, restored, has them");
    }
    Ok(report)
}

/// What was found, for programs.
pub fn as_json(report: &Report) -> serde_json::Value {
    let books = report.books.iter().map(|book| {
        json!({
            "entity": book.entity, "currency": book.code, "accounts": book.accounts,
            "debits_minor": book.debits.to_string(), "credits_minor": book.credits.to_string(),
        })
    });
    let difference = report.difference.as_ref().map(|found| {
        json!({
            "invariant": found.invariant, "table": found.table, "row": found.row, "column": found.column,
            "expected": found.expected, "found": found.found,
        })
    });
    json!({
        "clean": report.is_clean(), "accounts": report.accounts, "entries": report.entries, "lines": report.lines,
        "holds": report.holds, "open_holds": report.open_holds, "keys": report.keys, "events": report.events,
        "books": books.collect::<Vec<_>>(), "difference": difference,
    })
}

fn print(report: &Report) {
    if let Some(difference) = &report.difference {
        output::line(&format!("difference found: {difference}"));
        return;
    }
    let counts = [
        ("accounts", report.accounts),
        ("entries", report.entries),
        ("lines", report.lines),
        ("holds", report.holds),
        ("idempotency records", report.keys),
        ("events", report.events),
    ];
    for (name, count) in counts {
        output::line(&format!("{:>15}  {name}", grouped(count)));
    }
    for book in &report.books {
        let digits = Currency::iso(&book.code).map_or(0, |currency| currency.digits());
        let debits = money::print_minor(book.debits, digits);
        output::line(&format!(
            "{:>15}  {} moved in {} accounts; balances add up to 0",
            debits, book.code, book.accounts
        ));
    }
    output::line("every balance follows from the entries");
}

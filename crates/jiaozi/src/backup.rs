//! `jiaozi backup`: a copy of a bank that may be running, checked before it is called a backup.

use crate::failure::{Ended, Failure};
use crate::output::{self, grouped};
use crate::place::Place;
use crate::{check, restore};
use serde_json::json;
use sql::{BackupError, Connection};
use std::path::PathBuf;

/// Copy a bank into one new file, while it runs, and check the copy
///
/// The copy is one moment of the bank: everything committed before it, nothing after. It is read page by page and
/// recomputed by the independent checker before the command says it is a backup.
///
/// The key file of the data directory is not in the copy: without it personal data in the backup cannot be read. Keep a
/// copy of the key file in another place.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi backup monday.db --data bank
  jiaozi backup /mnt/backups/monday.db --data bank --json")]
pub struct Args {
    /// The new file; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let database = args.place.database()?;
    let trouble =
        |error: BackupError| Failure::because(format!("no backup was made at {}", args.file.display()), error);
    let source = Connection::open_copier(&database).map_err(|error| trouble(error.into()))?;
    sql::copy_to(&source, &args.file).map_err(trouble)?;
    drop(source);
    let report = check::examine(&args.file, true)?;
    if let Some(difference) = &report.difference {
        let what = format!("{} is a copy of a bank whose books are wrong: {difference}", args.file.display());
        return Err(Failure::new(what));
    }
    let bytes = std::fs::metadata(&args.file).map_or(0, |found| found.len());
    if args.json {
        output::json(&json!({
            "file": args.file, "bytes": bytes, "accounts": report.accounts, "entries": report.entries,
            "events": report.events, "checked": true,
        }));
    } else {
        let (entries, accounts) = (grouped(report.entries), grouped(report.accounts));
        output::line(&format!(
            "{}: {} bytes, {entries} entries, {accounts} accounts, checked",
            args.file.display(),
            grouped(bytes)
        ));
        output::diagnostic(&restore::about_keys(&args.place.data));
    }
    Ok(Ended::Fine)
}

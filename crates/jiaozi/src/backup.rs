//! `jiaozi backup`: a copy of a bank that may be running, checked before it is called a backup; or a copy that goes on.

use crate::failure::{Ended, Failure};
use crate::output::{self, grouped};
use crate::place::Place;
use crate::{check, follow, restore};
use serde_json::json;
use sql::{BackupError, Connection};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Copy a bank into one new file, while it runs, and check the copy
///
/// The copy is one moment of the bank: everything committed before it, nothing after. It is read page by page and
/// recomputed by the independent checker before the command says it is a backup.
///
/// With --follow it is a copy that goes on: the process that serves the bank writes every change into a directory on another
/// disk or a mounted host, at most a second behind, from now on and after every start, until --unfollow. The command itself
/// waits until the copy is whole, and ends. `jiaozi restore --from` makes a bank of it, as it was at any moment that is kept.
///
/// The key file of the data directory is not in the copy: without it personal data in the backup cannot be read. Keep a
/// copy of the key file in another place.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi backup monday.db --data bank
  jiaozi backup /mnt/backups/monday.db --data bank --json
  jiaozi backup --follow /mnt/other-disk/bank --data bank
  jiaozi backup --follow /mnt/other-disk/bank --keep 30d --data bank
  jiaozi backup --unfollow --data bank")]
pub struct Args {
    /// The new file; it must not exist
    #[arg(value_name = "FILE", required_unless_present_any = ["follow", "unfollow"])]
    file: Option<PathBuf>,
    /// Copy every change into this directory from now on; it is made, or is empty, or holds this bank's copy
    #[arg(long, value_name = "DEST", conflicts_with = "file")]
    follow: Option<PathBuf>,
    /// Do not copy changes any more; what was copied stays
    #[arg(long, conflicts_with_all = ["file", "follow"])]
    unfollow: bool,
    /// With --follow: for how long moments can be restored, such as 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = follow::time, default_value = "7d")]
    keep: Duration,
    /// With --follow: how often the whole database is copied anew, so that a restore has fewer changes to apply
    #[arg(long, value_name = "TIME", value_parser = follow::time, default_value = "24h")]
    base_every: Duration,
    #[command(flatten)]
    place: Place,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    if args.unfollow {
        return follow::end(&args.place, args.json);
    }
    match (&args.follow, &args.file) {
        (Some(to), _) => follow::begin(&args.place, to, (args.keep, args.base_every), args.json),
        (None, Some(file)) => once(args, file),
        (None, None) => Err(Failure::usage("name the new file, or a directory with --follow DEST")),
    }
}

fn once(args: &Args, file: &Path) -> Result<Ended, Failure> {
    let database = args.place.database()?;
    let trouble = |error: BackupError| Failure::because(format!("no backup was made at {}", file.display()), error);
    let source = Connection::open_copier(&database).map_err(|error| trouble(error.into()))?;
    sql::copy_to(&source, file).map_err(trouble)?;
    drop(source);
    let report = check::examine(file, true)?;
    if let Some(difference) = &report.difference {
        let what = format!("{} is a copy of a bank whose books are wrong: {difference}", file.display());
        return Err(Failure::new(what));
    }
    let bytes = std::fs::metadata(file).map_or(0, |found| found.len());
    if args.json {
        output::json(&json!({
            "file": file, "bytes": bytes, "accounts": report.accounts, "entries": report.entries,
            "events": report.events, "checked": true,
        }));
    } else {
        let (entries, accounts) = (grouped(report.entries), grouped(report.accounts));
        output::line(&format!(
            "{}: {} bytes, {entries} entries, {accounts} accounts, checked",
            file.display(),
            grouped(bytes)
        ));
        output::diagnostic(&restore::about_keys(&args.place.data));
    }
    Ok(Ended::Fine)
}

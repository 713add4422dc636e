//! `jiaozi restore`: a backup becomes a bank's data directory again, if it deserves it.

use crate::failure::{Ended, Failure};
use crate::output::{self, grouped};
use crate::place::Place;
use crate::{check, migrate};
use serde_json::json;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Put a backup into a data directory that holds no bank
///
/// The file is read page by page and recomputed by the independent checker first; nothing is written when either finds
/// anything. Nothing is ever overwritten.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi restore monday.db --data bank-again --key bank/vault.key
  jiaozi check --data bank-again")]
pub struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The key file of the bank that was backed up; without it personal data cannot be read
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let directory = &args.place.data;
    let target = directory.join(sql::FILE_NAME);
    let key = directory.join(KEY_FILE);
    if target.exists() {
        return Err(Failure::new(format!(
            "{} holds a bank already, and nothing is ever overwritten; restore into another directory",
            directory.display()
        )));
    }
    // A log left behind by another bank would be replayed into the restored file when it is opened.
    for left in ["-wal", "-shm"].map(|end| directory.join(format!("{}{end}", sql::FILE_NAME))) {
        if left.exists() {
            return Err(Failure::new(format!(
                "{} was left behind by another bank; restore into an empty directory",
                left.display()
            )));
        }
    }
    if args.key.is_some() && key.exists() {
        return Err(Failure::new(format!("{} exists, and nothing is ever overwritten", key.display())));
    }
    if !args.file.is_file() {
        return Err(Failure::new(format!("there is no backup at {}; check the path", args.file.display())));
    }
    if !is_database(&args.file)? {
        return Err(Failure::new(format!("{} is no backup: it is not a database file", args.file.display())));
    }
    let report = check::examine(&args.file, true)?;
    if let Some(difference) = &report.difference {
        return Err(Failure::new(format!("nothing was restored: {} is damaged: {difference}", args.file.display())));
    }
    migrate::refuse_newer(&args.file)?;
    let lock = sql::DirectoryLock::take(directory)
        .map_err(|error| Failure::because(format!("{} cannot be used", directory.display()), error))?;
    copy(&args.file, &target)?;
    own(&target)?;
    if let Some(from) = &args.key {
        copy(from, &key)?;
    }
    drop(lock);
    if args.json {
        output::json(
            &json!({ "data": directory, "entries": report.entries, "accounts": report.accounts, "checked": true }),
        );
    } else {
        let (entries, accounts) = (grouped(report.entries), grouped(report.accounts));
        output::line(&format!("{}: {entries} entries, {accounts} accounts, checked and restored", directory.display()));
        if !key.exists() {
            output::diagnostic(&format!(
                "put the bank's key file at {} before you serve it: without it personal data cannot be read",
                key.display()
            ));
        }
    }
    Ok(Ended::Fine)
}

/// Whether the file begins as every database file does (SQLite file format, section 1.2.1).
fn is_database(file: &Path) -> Result<bool, Failure> {
    let mut head = [0; 16];
    match File::open(file).and_then(|mut file| file.read_exact(&mut head)) {
        Ok(()) => Ok(&head == b"SQLite format 3\0"),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(Failure::because(format!("{} cannot be read", file.display()), error)),
    }
}

/// The key file in a data directory.
pub const KEY_FILE: &str = "vault.key";

/// What to do with the key file after a backup.
pub fn about_keys(directory: &Path) -> String {
    let key = directory.join(KEY_FILE);
    format!(
        "not in the backup: {}, without which personal data cannot be read; keep a copy of it elsewhere",
        key.display()
    )
}

/// Leaves the file readable for its owner alone, whatever mode the backup had.
fn own(file: &Path) -> Result<(), Failure> {
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|error| Failure::because(format!("the mode of {} cannot be set", file.display()), error))
}

/// Copies under another name, syncs, and only then gives the copy its own name.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let unfinished = to.with_extension("unfinished");
    let copied = std::fs::copy(from, &unfinished)
        .and_then(|_| File::open(&unfinished)?.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, to))
        .and_then(|()| to.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all()));
    copied.map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        Failure::because(format!("{} cannot be copied to {}", from.display(), to.display()), error)
    })
}

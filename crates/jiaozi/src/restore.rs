//! `jiaozi restore`: a backup becomes a bank's data directory again, if it deserves it.

use crate::failure::{Ended, Failure};
use crate::output::{self, grouped};
use crate::place::Place;
use crate::{check, migrate};
use checker::Report;
use serde_json::json;
use sql::{DirectoryLock, RebuildError};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use vocabulary::Timestamp;

/// Put a backup, or a copy that goes on, into a data directory that holds no bank
///
/// The file is read page by page and recomputed by the independent checker first; nothing is written when either finds
/// anything. Nothing is ever overwritten.
///
/// With --from the bank is rebuilt from what `jiaozi backup --follow` has copied, as it was at a moment: the last one, or the
/// last one not after --at. Every part that is used is verified, and a copy with a damaged or missing part is refused with
/// the moments that can still be had.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi restore monday.db --data bank-again --key bank/vault.key
  jiaozi restore --from /mnt/other-disk/bank bank-again --key vault.key
  jiaozi restore --from /mnt/other-disk/bank --at 2026-11-22T10:15:00Z bank-again --key vault.key
  jiaozi check --data bank-again")]
pub struct Args {
    /// The backup; with --from the new data directory, as --data
    #[arg(value_name = "FILE|DIR", required_unless_present = "from")]
    path: Option<PathBuf>,
    /// The directory that `jiaozi backup --follow` copied to
    #[arg(long, value_name = "DEST")]
    from: Option<PathBuf>,
    /// With --from: the moment, in UTC, such as 2026-11-22T10:15:00Z [default: the last one]
    #[arg(long, value_name = "TIME", requires = "from", value_parser = moment)]
    at: Option<Timestamp>,
    #[command(flatten)]
    place: Place,
    /// The key file of the bank that was backed up; without it personal data cannot be read
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let directory = args.path.as_ref().filter(|_| args.from.is_some()).unwrap_or(&args.place.data);
    let target = directory.join(sql::FILE_NAME);
    let key = directory.join(KEY_FILE);
    refuse_taken(directory)?;
    if args.key.is_some() && key.exists() {
        return Err(Failure::new(format!("{} exists, and nothing is ever overwritten", key.display())));
    }
    let restored = match (&args.from, &args.path) {
        (Some(from), _) => from_copy(from, args.at, &target)?,
        (None, Some(file)) => from_file(file, &target)?,
        (None, None) => return Err(Failure::usage("name the backup, or a copy with --from DEST")),
    };
    if let Some(from) = &args.key {
        copy(from, &key, |_| Ok(()))?;
    }
    if let (Some(ends), Some(at)) = (restored.ends, args.at) {
        output::diagnostic(&format!(
            "the copy goes to {ends} there and not to {at}: what was committed between is not in it, if anything was"
        ));
    }
    let (report, moment) = (restored.report, restored.moment.map(|at| at.to_string()));
    if args.json {
        output::json(&json!({
            "data": directory, "entries": report.entries, "accounts": report.accounts, "checked": true, "moment": moment,
            "ends": restored.ends.map(|at| at.to_string()),
        }));
    } else {
        let (entries, accounts) = (grouped(report.entries), grouped(report.accounts));
        let as_of = moment.map_or_else(String::new, |moment| format!(", as of {moment}"));
        let directory = directory.display();
        output::line(&format!("{directory}: {entries} entries, {accounts} accounts, checked and restored{as_of}"));
        if !key.exists() {
            output::diagnostic(&format!(
                "put the bank's key file at {} before you serve it: without it personal data cannot be read",
                key.display()
            ));
        }
    }
    Ok(Ended::Fine)
}

/// What was restored.
struct Restored {
    report: Report,
    /// The moment, when it is known.
    moment: Option<Timestamp>,
    /// Where the copy ends, when that is more than a second before the moment that was asked for.
    ends: Option<Timestamp>,
}

/// A copy may be behind so far, in microseconds, and is not called short of anything.
const USUAL_LAG: i64 = 1_000_000;

/// The directory must hold no bank, nor what is left of one.
fn refuse_taken(directory: &Path) -> Result<(), Failure> {
    if directory.join(sql::FILE_NAME).exists() {
        return Err(Failure::new(format!(
            "{} holds a bank already, and nothing is ever overwritten; restore into another directory",
            directory.display()
        )));
    }
    // A log would be replayed into the restored file when it is opened; `moved` would close the restored bank, and with `follow` it
    // would write into the copy of the old one.
    let log = ["-wal", "-shm"].map(|end| format!("{}{end}", sql::FILE_NAME));
    for left in log.iter().map(String::as_str).chain(["moved", "follow"]).map(|name| directory.join(name)) {
        if left.exists() {
            return Err(Failure::new(format!(
                "{} was left behind by another bank; restore into an empty directory",
                left.display()
            )));
        }
    }
    Ok(())
}

fn lock_of(target: &Path) -> Result<DirectoryLock, Failure> {
    let directory = target.parent().unwrap_or(Path::new("."));
    DirectoryLock::take(directory)
        .map_err(|error| Failure::because(format!("{} cannot be used", directory.display()), error))
}

fn from_file(file: &Path, target: &Path) -> Result<Restored, Failure> {
    if !file.is_file() {
        return Err(Failure::new(format!("there is no backup at {}; check the path", file.display())));
    }
    if !is_database(file)? {
        return Err(Failure::new(format!("{} is no backup: it is not a database file", file.display())));
    }
    let report = check::examine(file, true)?;
    if let Some(difference) = &report.difference {
        return Err(Failure::new(format!("nothing was restored: {} is damaged: {difference}", file.display())));
    }
    migrate::refuse_newer(file)?;
    let _lock = lock_of(target)?;
    if !sql::check_sums(file).unwrap_or(false) {
        output::diagnostic("this backup is from an older version and carries no sums of its pages");
    }
    // Its sums are compared once more, in the copy, and taken off: what was verified is what becomes a bank.
    copy(file, target, sql::unseal)?;
    own(target)?;
    Ok(Restored { report, moment: None, ends: None })
}

/// Rebuilds under another name, has the checker read it, and only then gives the file its own name.
fn from_copy(from: &Path, at: Option<Timestamp>, target: &Path) -> Result<Restored, Failure> {
    if !from.is_dir() {
        return Err(Failure::new(format!("there is no copy at {}; check the path", from.display())));
    }
    let _lock = lock_of(target)?;
    let unfinished = target.with_extension("unfinished");
    let _ = std::fs::remove_file(&unfinished);
    let restored = rebuild(from, at, &unfinished).and_then(|restored| {
        std::fs::rename(&unfinished, target)
            .and_then(|()| target.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all()))
            .map_err(|error| Failure::because(format!("{} cannot be written", target.display()), error))?;
        Ok(restored)
    });
    // What the checker has left beside the file; when all went well the file itself has its name.
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", unfinished.display()));
    }
    restored
}

fn rebuild(from: &Path, at: Option<Timestamp>, unfinished: &Path) -> Result<Restored, Failure> {
    let said = |micros: i64| Timestamp::from_micros(micros).to_string();
    let rebuilt = sql::rebuild(from, at.map(Timestamp::micros), unfinished).map_err(|error| {
        let mut advice = match &error {
            RebuildError::TooEarly(oldest) => format!("; the oldest moment is {}", said(*oldest)),
            RebuildError::Damaged { before, after, .. } => {
                let part = |word: &str, moment: &Option<i64>| {
                    moment
                        .map(|moment| format!("; --at {} restores what was {word} it", said(moment)))
                        .unwrap_or_default()
                };
                part("before", before) + &part("after", after)
            }
            RebuildError::None | RebuildError::Io(_) => String::new(),
        };
        if matches!(&error, RebuildError::Damaged { before: None, after: None, .. }) {
            advice = "; restore a backup, or another copy".to_owned();
        }
        Failure::because(format!("nothing was restored from {}{advice}", from.display()), error)
    })?;
    let report = check::examine(unfinished, true)?;
    if let Some(difference) = &report.difference {
        return Err(Failure::new(format!(
            "nothing was restored: the copy in {} is wrong: {difference}",
            from.display()
        )));
    }
    migrate::refuse_newer(unfinished)?;
    let ends = rebuilt.ends.filter(|ends| at.is_some_and(|at| at.micros().saturating_sub(*ends) > USUAL_LAG));
    let (moment, ends) = (Some(Timestamp::from_micros(rebuilt.moment)), ends.map(Timestamp::from_micros));
    Ok(Restored { report, moment, ends })
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
fn copy(from: &Path, to: &Path, finish: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), Failure> {
    let unfinished = to.with_extension("unfinished");
    let copied = std::fs::copy(from, &unfinished)
        .and_then(|_| finish(&unfinished))
        .and_then(|()| File::open(&unfinished)?.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, to))
        .and_then(|()| to.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all()));
    copied.map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        Failure::because(format!("{} cannot be copied to {}", from.display(), to.display()), error)
    })
}

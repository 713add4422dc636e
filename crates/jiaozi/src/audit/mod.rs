//! `jiaozi audit`: looks at a bank as it stands on this machine, and says what is wrong and how to mend it, each by the requirement
//! of OWASP ASVS 5.0.0 that it belongs to. It changes nothing and may run beside a serving bank.

mod advisories;
mod findings;
mod secrets;

use crate::failure::{Ended, Failure};
use crate::output;
use crate::place::Place;
use crate::restore::KEY_FILE;
use crate::system::{SystemClock, SystemEntropy};
use bank::self_audit::{self, Facts};
use findings::{Finding, State};
use rails::FileVault;
use serde_json::json;
use sql::{Connection, Reading};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vocabulary::{Clock, Entropy, Secret};

/// Look for what is wrong with a bank's security, and say how to mend it
///
/// Checks who may read its files, its policies of roles and second persons, staff tokens and API keys, the links of the audit log,
/// and whether personal data lies outside its seals: names and sign-in names of the newest customers are looked for in the
/// database, its log and whatever else is named, raw, in hexadecimal digits, in base 64 and as UTF-16. It changes nothing and
/// may run beside a serving bank.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi audit --data bank
  jiaozi audit --data bank --look-in /var/log/jiaozi --look-in backup-monday.db
  jiaozi audit --data bank --advisories advisory-db --json

Exit code 1 when something is to be mended.")]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Look for personal data and secrets in this file or folder too, such as logs and backups; may be repeated
    #[arg(long, value_name = "PATH")]
    look_in: Vec<PathBuf>,
    /// A file of texts, one a line, that must lie nowhere in clear (at least 6 bytes each)
    #[arg(long, value_name = "FILE")]
    canaries: Option<PathBuf>,
    /// A checkout of the RustSec advisory database: are there advisories about what this program is made of?
    #[arg(long, value_name = "DIR")]
    advisories: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let database = args.place.database()?;
    let facts = facts(&args.place.data, &database)?;
    let mut found = findings::of_files(&args.place.data);
    found.extend(findings::of_bank(&facts, SystemClock.now()));
    found.push(in_clear(args, facts.samples)?);
    if let Some(folder) = &args.advisories {
        found.push(advisories::look(folder)?);
    }
    let wrong = found.iter().filter(|finding| finding.state == State::Wrong).count();
    if args.json {
        let rows = found.iter().map(Finding::json).collect::<Vec<_>>();
        output::json(&json!({ "wrong": wrong, "findings": rows }));
    } else {
        for finding in &found {
            output::line(&finding.to_string());
        }
        output::line(&match wrong {
            0 => "nothing is to be mended".to_owned(),
            1 => "1 thing is to be mended".to_owned(),
            many => format!("{many} things are to be mended"),
        });
    }
    Ok(Ended::fine_if(wrong == 0))
}

fn facts(data: &Path, database: &Path) -> Result<Facts, Failure> {
    let cannot = || format!("the bank in {} cannot be audited", data.display());
    if !data.join(KEY_FILE).exists() {
        let missing = format!("{}: its key file {} is missing", cannot(), data.join(KEY_FILE).display());
        return Err(Failure::new(missing));
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let vault = FileVault::open(data, Arc::clone(&entropy)).map_err(|error| Failure::because(cannot(), error))?;
    let connection = Connection::open_reader(database).map_err(|error| Failure::because(cannot(), error))?;
    let facts = self_audit::look(Reading::of(&connection), Arc::new(vault), entropy, SystemClock.now());
    facts.map_err(|error| Failure::because(cannot(), error))
}

/// What must lie nowhere in clear, looked for in the data directory and wherever else is named.
fn in_clear(args: &Args, mut canaries: Vec<Secret<String>>) -> Result<Finding, Failure> {
    if let Some(path) = &args.canaries {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::because(format!("the canaries in {} cannot be read", path.display()), error))?;
        canaries.extend(text.lines().filter(|line| line.len() >= 6).map(|line| Secret::new(line.to_owned())));
    }
    let count = canaries.len();
    let places: Vec<&Path> =
        std::iter::once(args.place.data.as_path()).chain(args.look_in.iter().map(PathBuf::as_path)).collect();
    let found = secrets::look(&canaries, &places)
        .map_err(|error| Failure::because("personal data cannot be looked for", error))?;
    let what = format!("{count} names and texts that must not lie in clear, looked for in {} files", found.files);
    Ok(Finding::of("14.2.4", what, found.hits.is_empty()).unless(
        &found.hits.join(", "),
        "remove the file or the line that holds it, find out who wrote it there, and tell us if it was this program",
    ))
}

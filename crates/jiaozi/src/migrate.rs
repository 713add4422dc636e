//! `jiaozi migrate`: the schema's versions, bringing a stopped bank up to date, and moving it to a server (see `moving`).

use crate::failure::{Ended, Failure};
use crate::output;
use crate::place::Place;
use serde_json::json;
use sql::{Connection, DirectoryLock, Migration, MigrationError};
use std::path::Path;

/// Bring the schema of a stopped bank up to date, or move the bank to a PostgreSQL server
///
/// `jiaozi serve` does the same when it starts. With --list nothing is changed: the versions are printed, with what this
/// bank has of them.
///
/// With --from and --to the bank in a directory moves to an empty database, in one step that happens whole or not at all; then
/// every table is compared on both sides and the independent checker runs on the new one. The directory is closed: `jiaozi
/// serve` refuses it. See docs/operations/moving.md.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi migrate --list --data bank
  jiaozi backup before.db --data bank && jiaozi migrate --data bank
  jiaozi migrate --from bank --to postgres://bank@db1.example/bank?sslrootcert=ca.pem")]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Only print the versions
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    moving: crate::moving::Destination,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    if let Some(moved) = args.moving.run(args.json) {
        return moved;
    }
    let database = args.place.database()?;
    let known = known();
    if args.list {
        list(&known, found(&database)?, args.json);
        return Ok(Ended::Fine);
    }
    let cannot = || format!("the schema of {} was not brought up to date", args.place.data.display());
    let _lock = DirectoryLock::take(&args.place.data).map_err(|error| Failure::because(cannot(), error))?;
    let connection = Connection::open_writer(&database, 8192).map_err(|error| Failure::because(cannot(), error))?;
    let applied = sql::migrate(&connection, &known).map_err(|error| Failure::because(cannot(), error))?;
    let version = sql::schema_version(&connection).map_err(|error| Failure::because(cannot(), error))?;
    if args.json {
        output::json(&json!({ "applied": applied, "version": version }));
    } else if applied == 0 {
        output::line(&format!("up to date: version {version}"));
    } else {
        output::line(&format!("{applied} applied; now version {version}"));
    }
    Ok(Ended::Fine)
}

/// The schema's whole history as this program knows it.
pub fn known() -> Vec<Migration> {
    ::bank::migrations()
}

/// The version of a database file.
fn found(database: &Path) -> Result<u32, Failure> {
    let read = Connection::open_reader(database).and_then(|connection| sql::schema_version(&connection));
    read.map_err(|error| Failure::because(format!("{} cannot be read", database.display()), error))
}

/// Refuses a database that a newer program wrote.
pub fn refuse_newer(database: &Path) -> Result<(), Failure> {
    let (found, newest) = (found(database)?, known().last().map_or(0, |last| last.version));
    if found <= newest {
        return Ok(());
    }
    let error = MigrationError::Newer { found, known: newest };
    Err(Failure::because(format!("{} cannot be used by this program", database.display()), error))
}

fn list(known: &[Migration], found: u32, json: bool) {
    for step in known {
        let applied = step.version <= found;
        if json {
            output::json(&json!({ "version": step.version, "name": step.name, "applied": applied }));
        } else {
            let state = if applied { "applied" } else { "missing" };
            output::line(&format!("{:>4}  {state}  {}", step.version, step.name));
        }
    }
}

//! `jiaozi migrate --from DIR --to URL`: an embedded bank moves to PostgreSQL, and both are shown to be equal.
//!
//! The order: everything that may refuse, the independent checker on the source, one unit that holds all rows, the word at the
//! source that its bank is gone, COMMIT, a digest of every table on both sides, the checker on the target. The source's
//! directory is locked throughout.

use crate::failure::{Ended, Failure};
use crate::output::{self, grouped};
use crate::progress::Progress;
use crate::restore::KEY_FILE;
use crate::system::SystemClock;
use crate::{check, migrate, moved, options, place};
use serde_json::json;
use sql::{Connection, Database, DirectoryLock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::moving::{self, Compared, MoveError};
use store::{Options, Store, TenantSettings};

/// Where a bank is to go.
#[derive(clap::Args)]
pub struct Destination {
    /// Move the stopped bank in this directory to a PostgreSQL server, and show that both are equal
    #[arg(long, value_name = "DIR", requires = "to", conflicts_with_all = ["list", "data"])]
    from: Option<PathBuf>,
    /// The empty database that it moves to, such as postgres://bank@db1.example/bank?sslrootcert=ca.pem
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
    /// The file that holds that database's password and nothing else
    #[arg(long, value_name = "FILE", env = "JIAOZI_DATABASE_PASSWORD_FILE")]
    database_password_file: Option<PathBuf>,
}

impl Destination {
    /// Moves, when that was asked for.
    pub fn run(&self, json: bool) -> Option<Result<Ended, Failure>> {
        let (from, to) = (self.from.as_ref()?, self.to.as_ref()?);
        Some(go(from, to, self.database_password_file.as_deref(), json))
    }
}

fn go(from: &Path, url: &str, password: Option<&Path>, json: bool) -> Result<Ended, Failure> {
    let target = options::server(url, password)?;
    let source = ready_source(from)?;
    ready_target(&target)?;
    let store = settled(from)?;
    refuse_damaged(from)?;
    bring_up_to_date(&target)?;
    copy(from, &source, &target)?;
    let compared = compare(&source, &target)?;
    if compared.iter().all(Compared::is_same) {
        let report = check::on(&target)?;
        if let Some(difference) = &report.difference {
            output::line(&format!("difference found: {difference}"));
            return Ok(said_no(from));
        }
    }
    show(&compared, json, (from, store.tenant().settings.sandbox));
    if compared.iter().all(Compared::is_same) { Ok(Ended::Fine) } else { Ok(said_no(from)) }
}

/// The source's database, once it is one that can be moved.
fn ready_source(from: &Path) -> Result<Database, Failure> {
    let file = place::database_in(from)?;
    moved::refuse(from)?;
    let cannot = || format!("the bank in {} cannot be moved", from.display());
    if !from.join(KEY_FILE).is_file() {
        let key = from.join(KEY_FILE);
        let what = format!("{}, because its key file {} is missing; put it back", cannot(), key.display());
        return Err(Failure::new(what));
    }
    // Looked at under the lock; the store takes it again and keeps it, and changes no schema that is up to date.
    let _lock = DirectoryLock::take(from).map_err(|error| Failure::because(cannot(), error))?;
    sql::check_log(&file).map_err(|error| Failure::because(cannot(), error))?;
    let connection = Connection::open_reader(&file).map_err(|error| Failure::because(cannot(), error))?;
    let steps = sql::steps(&connection, &migrate::known()).map_err(|error| Failure::because(cannot(), error))?;
    if steps.missing.is_empty() {
        return Ok(Database::File(file));
    }
    let what =
        "its schema is older than this program; bring it up to date first: start it once, or jiaozi migrate --data";
    Err(Failure::new(format!("{}: {what} {}", cannot(), from.display())))
}

/// Refuses a server that does not do, and one that holds a bank.
fn ready_target(target: &Database) -> Result<(), Failure> {
    let cannot = "the bank cannot be moved there";
    target.vet(&SystemClock).map_err(|error| Failure::because(cannot, error))?;
    if store::holds_bank(target).map_err(|error| Failure::because(cannot, error))? {
        return Err(Failure::new(format!("{cannot}: {NOT_EMPTY}")));
    }
    Ok(())
}

const NOT_EMPTY: &str =
    "the database holds a bank already, and nothing is ever overwritten; make an empty one (CREATE DATABASE)";

/// Opens the source, so that it is locked, and writes down what waits in its memory.
fn settled(from: &Path) -> Result<Store, Failure> {
    let cannot = || format!("the bank in {} cannot be moved", from.display());
    let opened = Store::open(Options {
        directory: from.to_owned(),
        server: None,
        migrations: migrate::known(),
        clock: Arc::new(SystemClock),
        // Not used: the bank is there.
        tenant: TenantSettings { id: 0, zone: "UTC".to_owned(), sandbox: false },
        limits: store::Limits::default(),
        reads: store::ReadLimits::default(),
        cache_kib: 64 * 1024,
    });
    let store = opened.map_err(|error| Failure::because(cannot(), error))?;
    store.settle_blocking().map_err(|error| Failure::because(cannot(), error))?;
    Ok(store)
}

fn refuse_damaged(from: &Path) -> Result<(), Failure> {
    let report = check::examine(from, true)?;
    report.difference.map_or(Ok(()), |difference| {
        let what = "find out why before anything else (docs/operations/moving.md)";
        Err(Failure::new(format!("nothing was moved: {} is damaged: {difference}; {what}", from.display())))
    })
}

fn bring_up_to_date(target: &Database) -> Result<(), Failure> {
    let cannot = "the target's schema cannot be made";
    let connection = target.open_writer(0).map_err(|error| Failure::because(cannot, error))?;
    sql::migrate(&connection, &migrate::known()).map_err(|error| Failure::because(cannot, error))?;
    let steps = sql::steps(&connection, &migrate::known()).map_err(|error| Failure::because(cannot, error))?;
    steps.unknown.first().map_or(Ok(()), |step| {
        let what = "so a newer program made it; move with that program, or into an empty database";
        Err(Failure::new(format!(
            "the target has the step {step} of the schema, which this program does not know, {what}"
        )))
    })
}

fn copy(from: &Path, source: &Database, target: &Database) -> Result<(), Failure> {
    let Database::Server(server) = target else { return Err(Failure::usage("--to names no server")) };
    let place = server.names().join(", ");
    let mut progress = Progress::new("move");
    let filled = moving::fill(source, target, || moved::write(from, &place), &mut |table, done, of| {
        progress.at(table, done, of)
    });
    progress.finish();
    let error = match filled {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let what = match &error {
        MoveError::Unknown(_) => {
            return Err(Failure::because(
                "the answer to the last step was lost: the target holds the whole bank, or nothing. Look with jiaozi check \
                 --database: if there is a bank, it is complete and may be served; if not, remove the file `moved` from the \
                 source and move again",
                error,
            ));
        }
        MoveError::NotEmpty(_) => format!("nothing was moved: {NOT_EMPTY}"),
        MoveError::Table(table, _) if table == "tenant" => {
            "nothing was moved: somebody else makes a bank in that database; stop that and move again".to_owned()
        }
        _ => "nothing was moved, and the target is as empty as before; the bank may be served where it is, or moved again"
            .to_owned(),
    };
    moved::take_back(from)?;
    Err(Failure::because(what, error))
}

fn compare(source: &Database, target: &Database) -> Result<Vec<Compared>, Failure> {
    let mut progress = Progress::new("compare");
    let compared = moving::compare(source, target, &mut |table, done, of| progress.at(table, done, of));
    progress.finish();
    compared.map_err(|error| {
        let what = "everything was copied, but the two could not be compared: do not serve the target; empty it, remove the \
            file `moved` from the source, and move again";
        Failure::because(what, error)
    })
}

fn said_no(from: &Path) -> Ended {
    output::diagnostic(&format!(
        "the target is not the same bank: do not serve it; empty it, remove {} and go on with the source",
        from.join("moved").display()
    ));
    Ended::SaidNo
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn show(compared: &[Compared], json: bool, (from, sandbox): (&Path, bool)) {
    let same = compared.iter().all(Compared::is_same);
    let mut keep = vec![from.join(KEY_FILE)];
    if sandbox {
        keep.push(from.join(crate::wiring::BESIDE));
    }
    if json {
        let side = |digest: &sql::Digest| json!({ "rows": digest.rows, "sha256": hex(&digest.sha256) });
        let tables = compared.iter().map(|one| {
            let (source, target) = (side(&one.source), side(&one.target));
            json!({ "table": one.table, "same": one.is_same(), "source": source, "target": target })
        });
        let tables = tables.collect::<Vec<_>>();
        output::json(&json!({ "same": same, "tables": tables, "checked": same, "copy_to_each_node": keep }));
        return;
    }
    for one in compared {
        let digest = |digest: &sql::Digest| hex(&digest.sha256[..8]);
        let says = if one.is_same() {
            "same".to_owned()
        } else {
            format!("DIFFERENT: {} rows, {}, on the server", grouped(one.target.rows), digest(&one.target))
        };
        output::line(&format!("{:>15}  {}  {}  {says}", grouped(one.source.rows), digest(&one.source), one.table));
    }
    if same {
        let rows: u64 = compared.iter().map(|one| one.source.rows).sum();
        output::line(&format!("{} rows in {} tables, the same on both sides; checked", grouped(rows), compared.len()));
        let keep: Vec<String> = keep.iter().map(|path| path.display().to_string()).collect();
        output::diagnostic(&format!(
            "copy {} into the data directory of every node, then jiaozi serve --data NODE --database URL\n{} is closed and \
             otherwise as it was: keep it until the first backup of the server",
            keep.join(" and "),
            from.display()
        ));
    }
}

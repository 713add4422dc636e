//! A migration is killed at each of its writes, or at each message to the server; the next start ends it.
//!
//! An older bank is made of the first k steps of the schema's history and of what a busy bank's tables of today hold of its
//! columns. A round brings it up to date in a process that is killed (SIGKILL, by the small library before it) at its n-th write,
//! cut, flush or removal, or before its n-th message to PostgreSQL. What then stands there must be a whole version: exactly the
//! tables and rows that the same bank has when its first j steps are applied by nobody who is killed. The next run must end at
//! the newest version, again with exactly those tables and rows. n = 1, 2, 3 … until a run passes; with `--rounds` that many,
//! spread evenly. An embedded bank that lacked only the last few steps is then checked and served.

mod ground;

use crate::chance::Chance;
use crate::crash::book::Book;
use crate::crash::round::{Found, Trial};
use crate::crash::server::{Server, Start};
use crate::crash::{traffic, verdict};
use crate::faults::{How, Tally, shim};
use ground::{Ground, State};
use sql::testing::cluster::Cluster;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::PoisonError;
use std::time::Duration;

/// The defect: what is left after the kill has a statement of the next step, as if steps were not applied whole.
pub const DEFECT: &str = "half-a-step";
/// The program that migrates reads the server's URL there.
const URL: &str = "FAULTS_MIGRATED_DATABASE";

/// What the process does that migrates a bank on a server: the product's own code and nothing else. The executable does it as a
/// part of `serve` only.
///
/// # Errors
/// When it fails.
pub fn child() -> io::Result<()> {
    let url = std::env::var(URL).map_err(io::Error::other)?;
    let database = sql::Database::parse(&url, &sql::Passwords::default()).map_err(io::Error::other)?;
    let connection = database.open_writer(4_096).map_err(io::Error::other)?;
    sql::migrate(&connection, &bank::migrations()).map(drop).map_err(io::Error::other)
}

/// Kills migrations of older banks on both engines; `rounds` times each, or at every n when it is 0.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let library = shim::build(place.path())?;
    let trial = Trial::prepare(place.path(), None).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let clients = traffic::start(&trial, &server.address, 8, &Chance::new(how.seed));
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.kill()?;
    for client in clients {
        client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
    }
    let full = verdict::copy(&trial.start.directory, place.path())?;
    let book = trial.book.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let all = bank::migrations().len();
    let mut tally = Tally::default();
    let cluster = Cluster::start(&[])?;
    // On the loopback address: the library counts what is sent through a socket of the network.
    cluster.admit("local all all trust\nhost all all 127.0.0.1/32 trust\n")?;
    cluster.sql("postgres", "SELECT pg_reload_conf()")?;
    for steps in [0, all / 2, all - 3] {
        let folder = place.path().join(format!("from-{steps}"));
        for (name, cluster) in [("embedded", None), ("on a server", Some(&cluster))] {
            let folder = folder.join(name);
            std::fs::create_dir_all(&folder)?;
            let ground = Ground::make(&folder, &full, (steps, cluster))?;
            let scene = Scene { trial: &trial, library: &library, ground: &ground };
            let (rounds, last) = scene.every(how, &mut tally)?;
            let told =
                format!("{name}, {steps} of {all} steps there: killed {rounds} times, it passed from n = {last} on");
            println!("  {told}");
            tally.fact(told);
        }
        if steps == all - 3 && how.defect.is_none() {
            serves(&trial, &folder.join("embedded").join("last"), &book, &mut tally).await?;
        }
    }
    Ok(tally)
}

struct Scene<'a> {
    trial: &'a Trial,
    library: &'a Path,
    ground: &'a Ground<'a>,
}

impl Scene<'_> {
    /// Kills at every n, or at some; how often, and the first n that is not reached.
    fn every(&self, how: &How, tally: &mut Tally) -> io::Result<(u64, u64)> {
        let last = self.first_that_passes()?;
        let step = last.checked_div(how.rounds).unwrap_or(1).max(1);
        let mut killed = 0;
        for n in (1..last).step_by(usize::try_from(step).unwrap_or(1)) {
            if let Err(wrong) = self.one(how, n)? {
                tally.wrong(format!("{} steps, n = {n}: {wrong}", self.ground.steps));
            }
            (killed, tally.rounds) = (killed + 1, tally.rounds + 1);
        }
        Ok((killed, last))
    }

    /// By halves: a run that passes at n passes at every greater one.
    fn first_that_passes(&self) -> io::Result<u64> {
        let (mut fails, mut passes) = (0, 64);
        while !self.migrate(Some(passes))? {
            (fails, passes) = (passes, 2 * passes);
            self.ground.begin()?;
        }
        while passes - fails > 1 {
            let middle = fails.midpoint(passes);
            self.ground.begin()?;
            if self.migrate(Some(middle))? { passes = middle } else { fails = middle }
        }
        Ok(passes)
    }

    /// One kill and what comes after it.
    fn one(&self, how: &How, n: u64) -> io::Result<Result<(), String>> {
        self.ground.begin()?;
        if self.migrate(Some(n))? {
            return Ok(Err("the migration was not killed".to_owned()));
        }
        if how.has(DEFECT) {
            self.ground.spoil()?;
        }
        let left = self.ground.state()?;
        if let Err(wrong) = self.same(&left) {
            return Ok(Err(format!("after the kill: {wrong}")));
        }
        if !self.migrate(None)? {
            return Ok(Err("the next start does not end the migration".to_owned()));
        }
        let end = self.ground.state()?;
        if end.applied != self.ground.all() {
            return Ok(Err(format!("the next start ended at {:?}", end.applied.last())));
        }
        Ok(self.same(&end).map_err(|wrong| format!("after the next start: {wrong}")))
    }

    fn same(&self, found: &State) -> Result<(), String> {
        let wanted = self.ground.reference(found.applied.len()).map_err(|error| error.to_string())?;
        found.compare(&wanted)
    }

    /// Brings it up to date; false when it was killed, or failed.
    fn migrate(&self, killed_at: Option<u64>) -> io::Result<bool> {
        let mut command = match self.ground.url() {
            None => {
                let mut command = Command::new(&self.trial.start.executable);
                command.arg("migrate").arg("--data").arg(self.ground.folder());
                command
            }
            Some(url) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["migration", "--load"]).arg(self.ground.folder()).env(URL, url);
                command
            }
        };
        if let Some(n) = killed_at {
            let call = if self.ground.url().is_none() { "any" } else { "send" };
            command.env("LD_PRELOAD", self.library).env("FAULTS_DIR", self.ground.folder()).env("FAULTS_CALL", call);
            command.env("FAULTS_NTH", n.to_string()).env("FAULTS_KILLS", "1");
        }
        let done = command.stdin(Stdio::null()).output()?;
        if killed_at.is_none() && !done.status.success() {
            println!("  {}", String::from_utf8_lossy(&done.stderr).trim());
        }
        Ok(done.status.success())
    }
}

/// The bank that was killed last and brought up to date agrees with the book, and the program starts on it.
async fn serves(trial: &Trial, data: &Path, book: &Book, tally: &mut Tally) -> io::Result<()> {
    let file: PathBuf = data.join(sql::FILE_NAME);
    verdict::judge(&file, book).unwrap_or_else(|wrong| tally.wrong(wrong));
    std::fs::copy(trial.start.directory.join("vault.key"), data.join("vault.key"))?;
    let start = Start { directory: data.to_owned(), ..trial.start.clone() };
    match Server::start(&start, &trial.client).await {
        Ok(server) => {
            let mut found = Found::default();
            trial.settle(&server, &mut found).await;
            trial.ask_again(&server, &mut Chance::new(1), &mut found).await;
            found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
            server.kill()
        }
        Err(error) => {
            tally.wrong(format!("the migrated bank does not start: {error}"));
            Ok(())
        }
    }
}

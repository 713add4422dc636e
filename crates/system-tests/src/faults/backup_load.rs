//! Backups are taken while clients pay, and each is restored.
//!
//! A round: the real executable serves, clients pay as fast as they are answered, and `jiaozi backup` copies the bank
//! meanwhile. The harness notes what had been acknowledged before the command began and what had been sent when it ended.
//! `jiaozi restore` makes a bank of the file: everything acknowledged before must be there, nothing that was not sent by then,
//! the checker must find nothing, and the restored bank must start.

use crate::chance::Chance;
use crate::crash::round::{Found, Trial};
use crate::crash::server::{Server, Start};
use crate::crash::{traffic, verdict};
use crate::faults::follow::{as_known, snapshot, told};
use crate::faults::{How, Tally, now};
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration;

/// The defect: the file that is restored is a backup from before the load.
pub const DEFECT: &str = "old-backup";
const CLIENTS: u32 = 16;

/// Backs up and restores `rounds` times.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let trial = Trial::prepare(place.path(), how.defect.clone().filter(|defect| defect != DEFECT)).await?;
    let (mut tally, mut slowest) = (Tally::default(), Duration::ZERO);
    let server = Server::start(&trial.start, &trial.client).await?;
    for round in 1..=how.rounds {
        let mut found = Found::default();
        let took = one(&trial, &server, how.has(DEFECT), (Chance::new(how.seed).branch(round), &mut found)).await?;
        slowest = slowest.max(took);
        tally.rounds += 1;
        found.wrong.into_iter().for_each(|wrong| tally.wrong(format!("round {round}: {wrong}")));
        println!("  round {round}: backed up and checked in {} ms", took.as_millis());
    }
    server.kill()?;
    let [done, refused] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    tally.fact(format!("{done} done and {refused} refused; slowest backup with its check {} ms", slowest.as_millis()));
    Ok(tally)
}

async fn one(
    trial: &Trial,
    server: &Server,
    old: bool,
    (mut chance, found): (Chance, &mut Found),
) -> io::Result<Duration> {
    let place = tempfile::tempdir()?;
    let (file, data) = (place.path().join("backup.db"), place.path().join("again"));
    if old {
        back_up(trial, &file)?;
    }
    let clients = traffic::start(trial, &server.address, CLIENTS, &chance);
    tokio::time::sleep(Duration::from_millis(300 + chance.below(1_000))).await;
    let before = snapshot(trial);
    let begun = now();
    if !old {
        let (trial, file) = (trial.clone(), file.clone());
        tokio::task::spawn_blocking(move || back_up(&trial, &file)).await.map_err(io::Error::other)??;
    }
    let took = begun.elapsed();
    let after = snapshot(trial);
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    for client in clients {
        // Aborted: its last wish stays without an answer and is settled now.
        let _ = client.await;
    }
    trial.settle(server, found).await;
    let mut restore = Command::new(&trial.start.executable);
    restore.arg("restore").arg(&file).arg("--data").arg(&data);
    told(restore.arg("--key").arg(trial.start.directory.join("vault.key")))?;
    let book = as_known(&before, &after, after.wishes.len());
    found.wrong.extend(verdict::judge(&data.join(sql::FILE_NAME), &book).err());
    serves(trial, &data, found).await?;
    Ok(took)
}

fn back_up(trial: &Trial, file: &Path) -> io::Result<()> {
    let mut command = Command::new(&trial.start.executable);
    told(command.arg("backup").arg(file).arg("--data").arg(&trial.start.directory)).map(drop)
}

/// The restored bank starts.
async fn serves(trial: &Trial, data: &Path, found: &mut Found) -> io::Result<()> {
    // What the sandbox bank beside it has done is no part of a backup; an empty one will do for a start.
    let start = Start { directory: data.to_owned(), defect: None, ..trial.start.clone() };
    match Server::start(&start, &trial.client).await {
        Ok(server) => server.kill(),
        Err(error) => {
            found.wrong.push(format!("the restored bank does not start: {error}"));
            Ok(())
        }
    }
}

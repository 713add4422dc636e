//! Descriptors, threads and memory run out, in turn; the bank turns away, loses nothing, and grants again by itself.
//!
//! A round of each: the real executable under the limits of its process (`prlimit`), clients that pay all the time on connections
//! that they have, and pressure. While it lasts the process lives, every answer is a grant, a refusal or 503 with `Retry-After`,
//! and none takes longer than [`BOUND`]. When the pressure goes, a newcomer is granted within [`BACK`] without a restart. Then
//! the process is killed, and the checker and the book of wishes look at what is there. Memory also truly runs out: there the
//! process may end, and the next start finds everything.

mod descriptors;
mod memory;
mod threads;

use crate::chance::Chance;
use crate::crash::book::{Told, key_of};
use crate::crash::client::{Exchange, exchange_within};
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::faults::disk_full::wish_to_pay;
use crate::faults::{How, Tally, now};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The defect: the pressure stays when it is said to be gone, as if the bank did not recover from it.
pub const DEFECT: &str = "stays";
/// Whoever asks is answered within so long.
const BOUND: Duration = Duration::from_secs(15);
/// Within so long a newcomer is granted when the pressure is gone.
const BACK: Duration = Duration::from_secs(10);
/// Clients that pay all the time.
const REGULARS: usize = 6;

/// Exhausts each of the three `rounds` times.
///
/// # Errors
/// When the harness itself fails, or the machine has no `prlimit`.
pub async fn run(how: &How) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        for (name, told) in [
            ("descriptors", descriptors::one(how, &mut tally).await),
            ("threads", threads::one(how, &mut tally).await),
            ("memory", memory::one(how, &chance, &mut tally).await),
        ] {
            let told = told.map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            println!("  round {round}, {name}: {told}");
            tally.fact(format!("{name}: {told}"));
        }
        tally.rounds += 1;
    }
    Ok(tally)
}

/// A bank whose server runs under limits: `prefix` is what stands before the executable on the command line.
async fn bank_under(place: &Path, prefix: &str) -> io::Result<Trial> {
    let mut trial = Trial::prepare(place, None).await?;
    let (config, script) = (place.join("rates.toml"), place.join("limited"));
    std::fs::write(&config, "caller_rate = 0\naddress_rate = 0\n")?;
    std::fs::write(&script, format!("#!/bin/sh\nexec {prefix} \"{}\" \"$@\"\n", trial.start.executable.display()))?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    trial.start.executable = script;
    trial.start.arguments = vec!["--config".to_owned(), config.display().to_string()];
    Ok(trial)
}

/// Changes a limit of a running process, such as `--nproc=20:`, as the user that a prefix of the command line makes us.
fn limit(prefix: &str, process: u32, what: &str) -> io::Result<()> {
    let line = format!("exec {prefix} prlimit --pid {process} {what}");
    let status = Command::new("sh").args(["-c", &line]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("prlimit refuses {what}"))) }
}

/// Clients that pay all the time on connections of their own, and what they were answered.
struct Regulars {
    stop: Arc<AtomicBool>,
    granted: Arc<AtomicU64>,
    wrong: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Regulars {
    fn start(trial: &Trial, server: &Server) -> Self {
        let (stop, granted, wrong) = (Arc::default(), Arc::default(), Arc::default());
        let mut regulars = Self { stop, granted, wrong, tasks: Vec::new() };
        for _ in 0..REGULARS {
            let (trial, address) = (trial.clone(), server.address.clone());
            let (stop, granted) = (Arc::clone(&regulars.stop), Arc::clone(&regulars.granted));
            let wrong: Arc<Mutex<Vec<String>>> = Arc::clone(&regulars.wrong);
            regulars.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let begun = now();
                    let answer = pay(&trial, &trial.client, &address).await;
                    granted.fetch_add(u64::from(matches!(answer.told, Told::Done(_))), Ordering::SeqCst);
                    let took = begun.elapsed();
                    let slow = (took > BOUND).then(|| format!("an answer took {} ms", took.as_millis()));
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(odd(&answer).into_iter().chain(slow));
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }));
        }
        regulars
    }

    fn granted(&self) -> u64 {
        self.granted.load(Ordering::SeqCst)
    }

    /// Ends them and tells what they complained of.
    async fn stop(self, tally: &mut Tally) -> io::Result<()> {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        }
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|wrong| tally.wrong(wrong));
        Ok(())
    }
}

/// What no answer may be: an error that is none of the client's and does not say when to come again.
fn odd(answer: &Exchange) -> Option<String> {
    let turned_away = matches!(answer.status, 503 | 429) && answer.retry_after;
    let odd = answer.status >= 500 && !turned_away;
    odd.then(|| format!("status {}, retry-after {}", answer.status, answer.retry_after))
}

/// One smallest payment, in the book.
async fn pay(trial: &Trial, client: &reqwest::Client, address: &str) -> Exchange {
    let (number, call) = wish_to_pay(trial);
    let answer = exchange_within(2 * BOUND, (client, address), &key_of(number), &call).await;
    trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = answer.told.clone();
    answer
}

/// Comes anew until something is granted; how long that took.
async fn until_a_newcomer_is_granted(trial: &Trial, server: &Server) -> io::Result<Option<Duration>> {
    let since = now();
    while since.elapsed() < BACK {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().map_err(io::Error::other)?;
        let (number, call) = wish_to_pay(trial);
        let left = BACK.saturating_sub(since.elapsed());
        let answer = exchange_within(left, (&client, &server.address), &key_of(number), &call).await;
        let granted = matches!(answer.told, Told::Done(_));
        trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = answer.told;
        if granted {
            return Ok(Some(since.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(None)
}

/// A connection on which these bytes were sent.
fn connected(server: &Server, bytes: &[u8]) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://"))?;
    stream.write_all(bytes)?;
    Ok(stream)
}

/// The end of a round: the server still runs; it is killed, and books and rows must agree.
async fn judged(trial: &Trial, mut server: Server, tally: &mut Tally) -> io::Result<()> {
    if !server.runs()? {
        tally.wrong("the server has ended".to_owned());
    }
    server.kill()?;
    let mut found = Found::default();
    trial.examine(&mut found)?;
    let last = trial.close().await?;
    found.wrong.into_iter().chain(last.wrong).for_each(|wrong| tally.wrong(wrong));
    Ok(())
}

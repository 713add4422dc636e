//! The disk is full for a while: the bank refuses with 503 and goes on by itself when there is room again.
//!
//! A round: the real executable under traffic, then no file may grow, then there is room again. While it is full the server
//! stays, every answer to a wish that must write is 503 with `Retry-After` or a refusal, and at least one is 503; ten seconds
//! after there is room wishes are granted again without a restart. Then it is killed, and the checker and the book of wishes
//! look at what is there; at the next start everything that was left open is asked for again.

use crate::chance::Chance;
use crate::crash::book::{Aim, Call, Told, key_of};
use crate::crash::client::{Exchange, exchange};
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::traffic;
use crate::faults::{How, Tally, now, shim};
use serde_json::json;
use std::io;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

const CLIENTS: u32 = 16;
/// So long the disk stays full.
const FULL: Duration = Duration::from_secs(2);
/// Within so long wishes are granted again.
const BACK: Duration = Duration::from_secs(10);

/// Fills the disk `rounds` times under one bank.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let library = shim::build(place.path())?;
    let full = place.path().join("full");
    let mut trial = Trial::prepare(place.path(), how.defect.clone()).await?;
    trial.start.environment = shim::full_disk(&library, &trial.start.directory, &full);
    let (mut tally, mut refused, mut slowest) = (Tally::default(), 0, Duration::ZERO);
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        let (found, turned_away, back) = one(&trial, &full, &chance).await?;
        tally.rounds += 1;
        refused += turned_away;
        slowest = slowest.max(back);
        found.wrong.into_iter().for_each(|wrong| tally.wrong(format!("round {round}: {wrong}")));
        println!("  round {round}: {turned_away} answers of 503, back after {} ms", back.as_millis());
    }
    trial.start.environment.clear();
    if how.defect.is_none() {
        let last = trial.close().await?;
        last.wrong.into_iter().for_each(|wrong| tally.wrong(format!("at the end: {wrong}")));
    }
    let [done, said_no] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    tally.fact(format!(
        "{done} done and {said_no} refused; {refused} probes answered 503; slowest return {} ms",
        slowest.as_millis()
    ));
    Ok(tally)
}

async fn one(trial: &Trial, full: &Path, chance: &Chance) -> io::Result<(Found, u64, Duration)> {
    let mut server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found { ready_after: server.ready_after, ..Found::default() };
    trial.settle(&server, &mut found).await;
    let clients = traffic::start(trial, &server.address, CLIENTS, chance);
    tokio::time::sleep(Duration::from_millis(500)).await;
    std::fs::write(full, "")?;
    let turned_away = while_full(trial, &server, &mut found).await;
    std::fs::remove_file(full)?;
    let freed = now();
    let back = until_granted(trial, &server, freed).await;
    if back.is_none() {
        found.wrong.push(format!("nothing was granted within {} s of room", BACK.as_secs()));
    }
    if !server.runs()? {
        found.wrong.push("the server has ended".to_owned());
    }
    server.kill()?;
    for client in clients {
        client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
    }
    trial.examine(&mut found)?;
    Ok((found, turned_away, back.unwrap_or(BACK)))
}

/// Asks until the time is over; how many answers were 503.
async fn while_full(trial: &Trial, server: &Server, found: &mut Found) -> u64 {
    let (begun, mut turned_away) = (now(), 0);
    // A log that starts anew keeps its length and has room for a while: then it takes longer.
    while begun.elapsed() < FULL || turned_away == 0 && begun.elapsed() < 10 * FULL {
        let answer = pay(trial, &server.address).await;
        match answer.status {
            503 if answer.retry_after => turned_away += 1,
            // Room that the log had before it became full may still be used.
            200..=499 => {}
            other => {
                found.wrong.push(format!("status {other} while the disk was full, retry-after {}", answer.retry_after))
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if turned_away == 0 {
        found.wrong.push("the disk was full and nobody was told".to_owned());
    }
    turned_away
}

async fn until_granted(trial: &Trial, server: &Server, freed: Instant) -> Option<Duration> {
    while freed.elapsed() < BACK {
        if matches!(pay(trial, &server.address).await.told, Told::Done(_)) {
            return Some(freed.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

/// One smallest payment, in the book.
pub(crate) async fn pay(trial: &Trial, address: &str) -> Exchange {
    let (number, call) = wish_to_pay(trial);
    let answer = exchange(&trial.client, address, &key_of(number), &call).await;
    trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = answer.told.clone();
    answer
}

/// Notes the wish for a smallest payment; its number, and what to send.
pub(crate) fn wish_to_pay(trial: &Trial) -> (usize, Call) {
    let mut book = trial.book.lock().unwrap_or_else(PoisonError::into_inner);
    let number = book.wishes.len();
    let (customers, merchants) = (&trial.world.customers, &trial.world.merchants);
    let body = json!({"merchant": merchants[number % merchants.len()].id, "reference": key_of(number), "hold": false,
        "amount": {"amount": "0.01", "currency": "CNY"}});
    let token = customers[number % customers.len()].token.clone();
    let call = Call { path: "/v1/payments".to_owned(), token, body };
    (book.send(Aim::Pay, call.clone()), call)
}

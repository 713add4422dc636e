//! The database is lost for a while: its server is stopped as by a crash, or the network between is cut, falls silent, forgets
//! its connections, or cuts them again and again.
//!
//! A round: the real executable under traffic on a PostgreSQL server of our own, behind a proxy; then the fault, in turn one of
//! the five. While it lasts the process lives and says so (`/healthz`), `/readyz` says no, and every wish is answered within
//! [`BOUND`] with 503 and `Retry-After`, or was done before. Afterwards wishes are granted again within [`BACK`] without a restart.
//! Then the process is killed, and the checker and the book of wishes look at what is there; at the next start everything that was
//! left open is asked for again.

use crate::chance::Chance;
use crate::crash::book::{Told, key_of};
use crate::crash::client::exchange_within;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::traffic;
use crate::faults::disk_full::wish_to_pay;
use crate::faults::proxy::{Proxy, Weather};
use crate::faults::{How, Tally, now};
use sql::testing::cluster::Cluster;
use sql::{Database, Passwords};
use std::io;
use std::process::Command;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The defect: the database's disk forgets what was written in the round.
pub const DEFECT: &str = "forgetful-database";
const CLIENTS: u32 = 8;
/// Whoever asks is answered within so long, whatever happens to the database.
const BOUND: Duration = Duration::from_secs(20);
/// Within so long wishes are granted again.
const BACK: Duration = Duration::from_secs(25);
/// So long the fault lasts.
const LOST: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Stopped,
    Cut,
    Silent,
    Forgotten,
    Snips,
}

const FAULTS: [Fault; 5] = [Fault::Stopped, Fault::Cut, Fault::Silent, Fault::Forgotten, Fault::Snips];

/// What stands between the bank and its books.
struct Site {
    cluster: Cluster,
    proxy: Proxy,
    forgets: bool,
}

/// Loses the database `rounds` times under one bank.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let cluster = Cluster::start(&[])?;
    cluster.admit("local all all trust\nhost all all 127.0.0.1/32 trust\n")?;
    cluster.sql("postgres", "SELECT pg_reload_conf()")?;
    cluster.sql("postgres", "CREATE DATABASE bank")?;
    let proxy = Proxy::start(cluster.port()).await?;
    let url = format!("postgres://admin@127.0.0.1:{}/bank", proxy.port);
    let books = Database::parse(&cluster.url("bank"), &Passwords::default()).map_err(io::Error::other)?;
    let trial = Trial::prepare_on(place.path(), (&url, books)).await?;
    let site = Site { cluster, proxy, forgets: how.has(DEFECT) };
    let (mut tally, mut slowest) = (Tally::default(), Duration::ZERO);
    for round in 1..=how.rounds {
        let fault =
            if site.forgets { Fault::Stopped } else { FAULTS[usize::try_from(round - 1).unwrap_or(0) % FAULTS.len()] };
        let chance = Chance::new(how.seed).branch(round);
        let (found, told, longest) = one(&trial, &site, (fault, &chance)).await?;
        tally.rounds += 1;
        slowest = slowest.max(longest);
        found.wrong.into_iter().for_each(|wrong| tally.wrong(format!("round {round} ({fault:?}): {wrong}")));
        println!("  round {round} ({fault:?}): {told}");
    }
    if !site.forgets {
        let last = trial.close().await?;
        last.wrong.into_iter().for_each(|wrong| tally.wrong(format!("at the end: {wrong}")));
    }
    let [done, said_no] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    tally.fact(format!("{done} done and {said_no} refused; the slowest answer took {} ms", slowest.as_millis()));
    Ok(tally)
}

async fn one(trial: &Trial, site: &Site, (fault, chance): (Fault, &Chance)) -> io::Result<(Found, String, Duration)> {
    if site.forgets {
        site.cluster.stop("fast")?;
        copy(site, "data", "forgotten")?;
        site.cluster.run()?;
    }
    let mut server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found { ready_after: server.ready_after, ..Found::default() };
    trial.settle(&server, &mut found).await;
    let clients = traffic::start(trial, &server.address, CLIENTS, chance);
    tokio::time::sleep(Duration::from_millis(500 + chance.clone().below(500))).await;
    begin(site, fault).await?;
    let (turned_away, longest) = while_lost(trial, site, (fault, &server), &mut found).await;
    end(site, fault)?;
    let healed = now();
    let back = until_granted(trial, &server, healed).await;
    if back.is_none() {
        found.wrong.push(format!("nothing was granted within {} s", BACK.as_secs()));
    }
    let (ready, _) = ask(trial, &server, "/readyz").await;
    if ready != 200 {
        found.wrong.push(format!("/readyz says {ready} although wishes are granted"));
    }
    if !server.runs()? {
        found.wrong.push("the server has ended".to_owned());
    }
    server.kill()?;
    for client in clients {
        client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
    }
    trial.examine(&mut found)?;
    let (slow, back) = (longest.as_millis(), back.unwrap_or(BACK).as_millis());
    Ok((
        found,
        format!("{turned_away} probes told 503, the slowest after {slow} ms; granted again after {back} ms"),
        longest,
    ))
}

async fn begin(site: &Site, fault: Fault) -> io::Result<()> {
    match fault {
        Fault::Stopped => site.cluster.stop("immediate")?,
        Fault::Cut => site.proxy.weather(Weather::Cut),
        Fault::Silent => site.proxy.weather(Weather::Silent),
        Fault::Forgotten => site.proxy.forget_connections(),
        Fault::Snips => site.proxy.snip().await,
    }
    Ok(())
}

fn end(site: &Site, fault: Fault) -> io::Result<()> {
    if fault == Fault::Stopped {
        if site.forgets {
            copy(site, "forgotten", "data")?;
        }
        return site.cluster.run();
    }
    site.proxy.weather(Weather::Fair);
    Ok(())
}

/// The database's files as they lie there, owner and all.
fn copy(site: &Site, from: &str, to: &str) -> io::Result<()> {
    let folder = site.cluster.folder();
    let _ = std::fs::remove_dir_all(folder.join(to));
    let done = Command::new("cp").arg("-a").arg(folder.join(from)).arg(folder.join(to)).status()?;
    if done.success() { Ok(()) } else { Err(io::Error::other("the database's files cannot be copied")) }
}

/// Asks until the time is over; how many answers were 503, and how long the slowest took.
async fn while_lost(
    trial: &Trial,
    site: &Site,
    (fault, server): (Fault, &Server),
    found: &mut Found,
) -> (u64, Duration) {
    let (begun, mut turned_away, mut slowest) = (now(), 0, Duration::ZERO);
    let certain = matches!(fault, Fault::Stopped | Fault::Cut);
    while begun.elapsed() < LOST {
        if fault == Fault::Snips {
            site.proxy.snip().await;
        }
        let asked = now();
        let (number, call) = wish_to_pay(trial);
        let answer = exchange_within(2 * BOUND, (&trial.client, &server.address), &key_of(number), &call).await;
        let took = asked.elapsed();
        slowest = slowest.max(took);
        if took > BOUND {
            found.wrong.push(format!("an answer took {} ms", took.as_millis()));
        }
        match answer.status {
            503 if answer.retry_after => turned_away += 1,
            200..=299 if !certain => {}
            other => found.wrong.push(format!("status {other}, retry-after {}", answer.retry_after)),
        }
        trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = answer.told;
        let (alive, took) = ask(trial, server, "/healthz").await;
        if alive != 200 || took > Duration::from_secs(2) {
            found.wrong.push(format!("/healthz says {alive} after {} ms", took.as_millis()));
        }
        let (ready, took) = ask(trial, server, "/readyz").await;
        if took > Duration::from_secs(5)
            || (certain && ready != 503)
            || (fault == Fault::Silent && begun.elapsed() < LOST && ready == 200)
        {
            found.wrong.push(format!("/readyz says {ready} after {} ms", took.as_millis()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (turned_away, slowest)
}

/// The status of a GET, 0 when there is none, and how long it took.
async fn ask(trial: &Trial, server: &Server, path: &str) -> (u16, Duration) {
    let asked = now();
    let answer = trial.client.get(format!("{}{path}", server.address)).timeout(BOUND).send().await;
    (answer.map_or(0, |answer| answer.status().as_u16()), asked.elapsed())
}

async fn until_granted(trial: &Trial, server: &Server, healed: Instant) -> Option<Duration> {
    while healed.elapsed() < BACK {
        let (number, call) = wish_to_pay(trial);
        let answer = exchange_within(BOUND, (&trial.client, &server.address), &key_of(number), &call).await;
        let granted = matches!(answer.told, Told::Done(_));
        trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = answer.told;
        if granted {
            return Some(healed.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

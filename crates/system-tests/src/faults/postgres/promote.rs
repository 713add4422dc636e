//! The primary is killed under load and a standby takes over: nothing acknowledged is lost, nothing is doubled, and the node
//! goes on without a restart.
//!
//! A round: traffic; all processes of the primary are killed (SIGKILL); of the two standbys the one that has received most is
//! promoted and the other follows it; the bank's address leads to the new primary, in half of the rounds while it is still a
//! standby. A probe asks for the smallest payment again and again: how long after the new primary has left recovery is the
//! first one acknowledged? Then the traffic stops, every wish without an answer is sent again under its key, and rows and
//! book must agree. The old primary's folder is copied anew and becomes a standby of the next round.

use crate::chance::Chance;
use crate::clock::MachineClock;
use crate::crash::book::Told;
use crate::crash::round::Trial;
use crate::crash::server::Server;
use crate::crash::traffic::Tide;
use crate::faults::disk_full::pay;
use crate::faults::postgres::cluster::Cluster;
use crate::faults::postgres::fleet;
use crate::faults::postgres::proxy::Proxy;
use crate::faults::{How, Tally, now};
use std::io;
use std::time::Duration;
use vocabulary::Clock;

/// The defect: no commit waits for a standby, and the standbys have left when the primary dies.
pub const DEFECT: &str = "asynchronous";

const CLIENTS: u32 = 12;
/// Within so long something is acknowledged again, or nothing ever will be.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is asked of the first write after recovery.
const GOAL_MS: i64 = 1_000;

/// Kills and promotes `rounds` times under one node.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let mut cluster = Cluster::create(place.path(), !how.has(DEFECT))?;
    let proxy = Proxy::listen()?;
    proxy.lead_to(Some(cluster.primary.socket()));
    let defect = how.defect.clone().filter(|defect| defect != DEFECT);
    let trial = fleet::prepare(place.path(), (&proxy.url(), &cluster.primary), defect).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let (mut tally, mut times) = (Tally::default(), Vec::new());
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        let (told, first) = one(how, (&trial, &server), (&mut cluster, &proxy), &chance, &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        let Some(first) = first else { break };
        times.push(first);
    }
    times.sort_unstable();
    let met = times.iter().filter(|time| **time <= GOAL_MS).count();
    tally.fact(format!(
        "{}; first write after recovery within {} ms at best, {} in the middle, {} at worst; {met} of {} within {GOAL_MS} ms",
        fleet::acknowledged(&trial),
        times.first().copied().unwrap_or_default(),
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.last().copied().unwrap_or_default(),
        times.len(),
    ));
    Ok(tally)
}

/// A round; what is to be told, and how many milliseconds after recovery the first write was acknowledged.
async fn one(
    how: &How,
    (trial, server): (&Trial, &Server),
    (cluster, proxy): (&mut Cluster, &Proxy),
    chance: &Chance,
    tally: &mut Tally,
) -> io::Result<(String, Option<i64>)> {
    let mut draw = chance.branch(1);
    let tide = Tide::start(trial, &server.address, (CLIENTS, true), chance);
    tokio::time::sleep(Duration::from_millis(600 + draw.below(900))).await;
    if how.has(DEFECT) {
        cluster.detach()?;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let killed = now();
    cluster.primary.kill()?;
    let probe = probe(trial, &server.address);
    let early = draw.percent(50);
    let (left, old) = cluster.promote(|chosen| {
        if early {
            proxy.lead_to(Some(chosen.socket()));
        }
    })?;
    if !early {
        proxy.lead_to(Some(cluster.primary.socket()));
    }
    let first = probe.await.map_err(io::Error::other)?;
    let out = killed.elapsed();
    tokio::time::sleep(Duration::from_millis(500)).await;
    tide.stop().await?;
    let Some(first) = first else {
        tally.wrong(format!("nothing was acknowledged within {} s of the end of the primary", PATIENCE.as_secs()));
        fleet::judge(trial, &cluster.primary, tally)?;
        return Ok(("not back".to_owned(), None));
    };
    let settled = fleet::settle_and_judge(trial, server, (&cluster.primary, chance), tally).await?;
    cluster.take_back(old)?;
    let after = (first - left) / 1_000;
    let told = format!(
        "{} took over; first write {after} ms after recovery, {} ms after the kill; {settled} wishes answered later; {} so far",
        cluster.primary.name,
        out.as_millis(),
        fleet::acknowledged(trial)
    );
    Ok((told, Some(after)))
}

/// Pays until a payment is acknowledged: when, in microseconds since 1970.
fn probe(trial: &Trial, address: &str) -> tokio::task::JoinHandle<Option<i64>> {
    let (trial, address) = (trial.clone(), address.to_owned());
    tokio::spawn(async move {
        let begun = now();
        while begun.elapsed() < PATIENCE {
            if matches!(pay(&trial, &address).await.told, Told::Done(_)) {
                return Some(MachineClock.now().micros());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    })
}

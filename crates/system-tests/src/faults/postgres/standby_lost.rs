//! Both standbys are lost under load, and somebody who wants to help ends the COMMITs that wait for them.
//!
//! PostgreSQL then says "done" with a warning, or ends the connection; either way the commit stands on the primary alone. The
//! bank must tell nobody that it is done. Rounds take turns:
//!
//! 1. the waits are cancelled, and the standbys come back;
//! 2. the connections are ended, and the standbys come back;
//! 3. the waits are cancelled, then the primary is killed, and a standby without those commits takes over;
//! 4. the same after the connections were ended;
//! 5. nobody helps, for longer than a node waits for an answer: it must say 503, and go on when they are back.
//!
//! From a moment after the loss to the return nothing may be acknowledged. Then every wish without an answer is sent again
//! under its key, and rows and book must agree.

use crate::chance::Chance;
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

/// The defect: the node takes "done" for done, whatever the server warns of.
pub const DEFECT: &str = "believe-warning";

const CLIENTS: u32 = 8;
/// Answers that were on their way when the standbys left have come by then.
const QUIET: Duration = Duration::from_millis(300);
/// Longer than a node waits for an answer, and asks about a commit.
const LONG: Duration = Duration::from_secs(26);
const BACK: Duration = Duration::from_secs(30);

/// Loses the standbys `rounds` times under one node.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let mut cluster = Cluster::create(place.path(), true)?;
    let proxy = Proxy::listen()?;
    proxy.lead_to(Some(cluster.primary.socket()));
    let trial = fleet::prepare(place.path(), (&proxy.url(), &cluster.primary), how.defect.clone()).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let mut tally = Tally::default();
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        // The ones in which a commit is lost come first.
        let turn = (round + 1) % 5;
        let told = one((&trial, &server), (&mut cluster, &proxy), (turn, &chance), &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        if !tally.wrong.is_empty() {
            break;
        }
    }
    tally.fact(fleet::acknowledged(&trial));
    Ok(tally)
}

async fn one(
    (trial, server): (&Trial, &Server),
    (cluster, proxy): (&mut Cluster, &Proxy),
    (turn, chance): (u64, &Chance),
    tally: &mut Tally,
) -> io::Result<String> {
    let (end, primary_dies) = match turn {
        0 => ("pg_cancel_backend", false),
        1 => ("pg_terminate_backend", false),
        2 => ("pg_cancel_backend", true),
        3 => ("pg_terminate_backend", true),
        _ => ("nobody", false),
    };
    let tide = Tide::start(trial, &server.address, (CLIENTS, true), chance);
    tokio::time::sleep(Duration::from_millis(800)).await;
    cluster.detach()?;
    tokio::time::sleep(QUIET).await;
    let from = now();
    let ended = if end == "nobody" {
        tokio::time::sleep(LONG).await;
        let answer = pay(trial, &server.address).await;
        if answer.status != 503 || !answer.retry_after {
            tally.wrong(format!("status {} after {} s without a standby", answer.status, LONG.as_secs()));
        }
        0
    } else {
        help(cluster, end).await?
    };
    let granted = tide.granted_since(from).len();
    if granted > 0 {
        tally.wrong(format!("{granted} wishes were granted while no standby could have them"));
    }
    if ended == 0 && end != "nobody" {
        tally.wrong("no COMMIT waited for a standby: nothing was tested".to_owned());
    }
    let open = fleet::open(trial);
    let back = now();
    let old = if primary_dies {
        cluster.primary.kill()?;
        let (_, old) = cluster.promote(|_| {})?;
        proxy.lead_to(Some(cluster.primary.socket()));
        Some(old)
    } else {
        cluster.standbys.iter().try_for_each(|standby| standby.follow(Some(&cluster.primary)))?;
        None
    };
    let first = tide.granted_after(back, BACK).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    tide.stop().await?;
    if first.is_none() {
        tally.wrong(format!("nothing was granted within {} s of the return", BACK.as_secs()));
        fleet::judge(trial, &cluster.primary, tally)?;
        return Ok(format!("{end} {ended} times, and not back"));
    }
    let settled = fleet::settle_and_judge(trial, server, (&cluster.primary, chance), tally).await?;
    if let Some(old) = old {
        cluster.take_back(old)?;
    }
    Ok(format!(
        "{end} {ended} times, then {}; granted again after {} ms; {open} open then, {settled} wishes answered later",
        if primary_dies { "the primary died" } else { "the standbys came back" },
        first.unwrap_or(BACK).as_millis()
    ))
}

/// Ends what waits for a standby, for a second and a half; how often there was something to end.
async fn help(cluster: &Cluster, end: &str) -> io::Result<u64> {
    let question = format!("SELECT count({end}(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    let mut ended = 0;
    for _ in 0..5 {
        ended += cluster.primary.ask(&question)?.parse::<u64>().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(ended)
}

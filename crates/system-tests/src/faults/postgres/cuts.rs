//! The line to the server is cut at four points of the exchange, and anywhere.
//!
//! Under traffic the line is cut when the journal's lines are sent and before they arrive; when they have arrived and before
//! their answer does; in the middle of the message that asks for the commit; when the commit is done and before its answer
//! arrives; and after some number of bytes in either direction. Each wish is acknowledged at most once, and what has no
//! answer is resolved by its key.

use crate::chance::Chance;
use crate::crash::round::Trial;
use crate::crash::server::Server;
use crate::crash::traffic::Tide;
use crate::faults::postgres::cluster;
use crate::faults::postgres::fleet;
use crate::faults::postgres::proxy::{Cut, Proxy};
use crate::faults::{How, Tally, now};
use std::io;
use std::time::Duration;

/// The defect: the node answers before it commits.
pub const DEFECT: &str = "answer-before-commit";

const CLIENTS: u32 = 8;
/// Within so long a cut comes about, and something is granted after it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Cuts at every point, `rounds` times.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let primary = cluster::Server::create(place.path(), "a")?;
    let proxy = Proxy::listen()?;
    proxy.lead_to(Some(primary.socket()));
    let trial = fleet::prepare(place.path(), (&proxy.url(), &primary), how.defect.clone()).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let (mut tally, mut settled, mut slowest) = (Tally::default(), 0, Duration::ZERO);
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        slowest = slowest.max(one((&trial, &server), &proxy, &chance, &mut tally).await?);
        settled += fleet::settle_and_judge(&trial, &server, (&primary, &chance), &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {} cuts so far, {}", proxy.cuts(), fleet::acknowledged(&trial));
    }
    tally.fact(format!(
        "{} cuts; {}; {settled} wishes answered later; granted again after {} ms at worst",
        proxy.cuts(),
        fleet::acknowledged(&trial),
        slowest.as_millis()
    ));
    Ok(tally)
}

async fn one(
    (trial, server): (&Trial, &Server),
    proxy: &Proxy,
    chance: &Chance,
    tally: &mut Tally,
) -> io::Result<Duration> {
    let mut draw = chance.branch(1);
    let tide = Tide::start(trial, &server.address, (CLIENTS, true), chance);
    let mut slowest = Duration::ZERO;
    let bytes = [Cut::BytesTo(1_000 + draw.below(60_000)), Cut::BytesFrom(500 + draw.below(20_000))];
    for cut in [Cut::Statement, Cut::StatementAnswer, Cut::Commit, Cut::CommitAnswer].into_iter().chain(bytes) {
        tokio::time::sleep(Duration::from_millis(150 + draw.below(200))).await;
        let (before, begun) = (proxy.cuts(), now());
        proxy.cut_at(cut);
        while proxy.cuts() == before && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if proxy.forget_cut() {
            tally.wrong(format!("{cut:?} did not come about: nothing was tested"));
            continue;
        }
        match tide.granted_after(now(), PATIENCE).await {
            Some(first) => slowest = slowest.max(first),
            None => tally.wrong(format!("nothing was granted within {} s of {cut:?}", PATIENCE.as_secs())),
        }
    }
    tide.stop().await?;
    Ok(slowest)
}

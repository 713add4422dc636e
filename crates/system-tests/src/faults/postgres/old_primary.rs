//! The old primary stays, or comes back, and still takes itself for the primary: no node acknowledges what only it has.
//!
//! A round, with two nodes under traffic, each with an address of its own:
//!
//! 1. the standbys leave the primary, one is promoted and the other follows it; the first node is led there. The second one
//!    still has its connections to the old primary, which runs: **quorum commit** must keep it from acknowledging anything;
//! 2. the second node is led to the new primary and must go on;
//! 3. somebody "repairs" the old primary by telling it to wait for no standby, and the first node is led back to it: now only
//!    what the node itself remembers (**timeline**, and the last group it was told is committed) can keep it from writing
//!    there. Nothing may be acknowledged, and reading must not tell of an older day either;
//! 4. it is led to the new primary again and must go on without a restart.
//!
//! At the end rows of the new primary and book must agree. What is not shown because it cannot be kept: a node that has never
//! met the new primary and is led to a "repaired" old one believes it.

use crate::chance::Chance;
use crate::crash::round::Trial;
use crate::crash::server::Server;
use crate::crash::traffic::Tide;
use crate::faults::postgres::cluster::Cluster;
use crate::faults::postgres::fleet;
use crate::faults::postgres::proxy::Proxy;
use crate::faults::{How, Tally, now};
use std::io;
use std::time::Duration;

/// The defect: a node believes any server.
pub const DEFECT: &str = "believe-any-server";

const CLIENTS: u32 = 6;
/// Answers that were on their way have come by then.
const QUIET: Duration = Duration::from_millis(300);
/// So long a node is left with the old primary.
const LEFT: Duration = Duration::from_secs(2);
const BACK: Duration = Duration::from_secs(30);

/// Brings the old primary back `rounds` times under two nodes.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let mut cluster = Cluster::create(place.path(), true)?;
    let (near, far) = (Proxy::listen()?, Proxy::listen()?);
    near.lead_to(Some(cluster.primary.socket()));
    far.lead_to(Some(cluster.primary.socket()));
    let trial = fleet::prepare(place.path(), (&near.url(), &cluster.primary), how.defect.clone()).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let other = fleet::another(&trial, 2, &far.url())?;
    let second = Server::start(&other.start, &trial.client).await?;
    let mut tally = Tally::default();
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        let mut scene = Scene { trial: &trial, nodes: [&server, &second], ways: [&near, &far], tally: &mut tally };
        let told = scene.one(&mut cluster, &chance).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        if !tally.wrong.is_empty() {
            break;
        }
    }
    tally.fact(fleet::acknowledged(&trial));
    Ok(tally)
}

struct Scene<'a> {
    trial: &'a Trial,
    nodes: [&'a Server; 2],
    ways: [&'a Proxy; 2],
    tally: &'a mut Tally,
}

impl Scene<'_> {
    async fn one(&mut self, cluster: &mut Cluster, chance: &Chance) -> io::Result<String> {
        let tides = [0, 1].map(|node: usize| {
            Tide::start(self.trial, &self.nodes[node].address, (CLIENTS, false), &chance.branch(node as u64))
        });
        tokio::time::sleep(Duration::from_millis(800)).await;
        cluster.detach()?;
        tokio::time::sleep(QUIET).await;
        let alone = now();
        let (_, old) = cluster.promote(|_| {})?;
        let moved = now();
        self.ways[0].lead_to(Some(cluster.primary.socket()));
        let first = self.back(&tides[0], moved, "the first node at the new primary").await;
        tokio::time::sleep(LEFT).await;
        self.nothing(&tides[1], alone, "by the second node, at the old primary, without a quorum");
        let moved = now();
        self.ways[1].lead_to(Some(cluster.primary.socket()));
        let second = self.back(&tides[1], moved, "the second node at the new primary").await;
        old.change("synchronous_standby_names = ''")?;
        self.ways[0].lead_to(Some(old.socket()));
        tokio::time::sleep(QUIET).await;
        let alone = now();
        tokio::time::sleep(LEFT).await;
        self.nothing(&tides[0], alone, "by the first node, at the old primary that waits for nobody");
        let read = self.read().await?;
        let moved = now();
        self.ways[0].lead_to(Some(cluster.primary.socket()));
        let third = self.back(&tides[0], moved, "the first node at the new primary again").await;
        for tide in tides {
            tide.stop().await?;
        }
        let judged = (&cluster.primary, chance);
        let settled = fleet::settle_and_judge(self.trial, self.nodes[0], judged, self.tally).await?;
        cluster.take_back(old)?;
        Ok(format!(
            "granted again after {first}, {second} and {third} ms; reading at the old primary: status {read}; {settled} wishes \
            answered later; {} so far",
            fleet::acknowledged(self.trial)
        ))
    }

    async fn back(&mut self, tide: &Tide, from: std::time::Instant, who: &str) -> u128 {
        let first = tide.granted_after(from, BACK).await;
        if first.is_none() {
            self.tally.wrong(format!("nothing was granted by {who} within {} s", BACK.as_secs()));
        }
        first.unwrap_or(BACK).as_millis()
    }

    fn nothing(&mut self, tide: &Tide, from: std::time::Instant, whose: &str) {
        let granted = tide.granted_since(from).len();
        if granted > 0 {
            self.tally.wrong(format!("{granted} wishes were granted {whose}"));
        }
    }

    /// Reads a customer's wallet by the first node; the status.
    async fn read(&mut self) -> io::Result<u16> {
        let request = self.trial.client.get(format!("{}/v1/wallet", self.nodes[0].address));
        let answer =
            request.bearer_auth(&self.trial.world.customers[0].token).send().await.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        if status != 503 {
            self.tally.wrong(format!("a wallet was read at the old primary: status {status}"));
        }
        Ok(status)
    }
}

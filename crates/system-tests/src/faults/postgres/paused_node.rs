//! One of two nodes is put to sleep in the middle of its work for longer than anybody waits, and then goes on.
//!
//! A round: both nodes under traffic, and orders that are about to expire, so that both have jobs to do. One is stopped
//! (SIGSTOP), by preference while its unit holds the head's lock; the other must be granted something again within a bound.
//! Then the stopped one goes on: it must not write on what it remembers, must not do a job that the other has done, and must
//! be granted something again. At the end rows and book agree, and no order has expired twice.

use crate::chance::Chance;
use crate::crash::round::Trial;
use crate::crash::server::Server;
use crate::crash::traffic::Tide;
use crate::faults::desk::Desk;
use crate::faults::postgres::cluster::{self, signal};
use crate::faults::postgres::fleet;
use crate::faults::postgres::proxy::Proxy;
use crate::faults::{How, Tally, now};
use reqwest::Method;
use serde_json::json;
use std::io;
use std::time::{Duration, Instant};

/// The defect: the node answers before it commits.
pub const DEFECT: &str = "answer-before-commit";

const CLIENTS: u32 = 6;
/// So long a node sleeps: longer than a lock is waited for, and than a unit may stand still.
const ASLEEP: Duration = Duration::from_secs(12);
/// The other node is granted something again within so long: a unit may stand still for five seconds.
const BOUND: Duration = Duration::from_millis(6_500);
const BACK: Duration = Duration::from_secs(30);
const ORDERS: u32 = 60;

/// Puts a node to sleep `rounds` times.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let primary = cluster::Server::create(place.path(), "a")?;
    let way = Proxy::listen()?;
    way.lead_to(Some(primary.socket()));
    let trial = fleet::prepare(place.path(), (&way.url(), &primary), how.defect.clone()).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let other = fleet::another(&trial, 2, &primary.url())?;
    let second = Server::start(&other.start, &trial.client).await?;
    let (mut tally, mut longest, mut holding) = (Tally::default(), Duration::ZERO, 0);
    let desk = Desk::new(&trial, &server.address);
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        let scene = Scene { trial: &trial, desk: &desk, nodes: [&server, &second], primary: &primary };
        let paused = scene.one(round, &chance, &mut tally).await?;
        longest = longest.max(paused.gap);
        holding += u64::from(paused.held);
        tally.rounds += 1;
        println!("  round {round}: {}; {} so far", paused.told, fleet::acknowledged(&trial));
    }
    tally.fact(format!(
        "{}; the sleeper held the lock in {holding} rounds; the other node was without an answer for {} ms at worst",
        fleet::acknowledged(&trial),
        longest.as_millis()
    ));
    Ok(tally)
}

struct Scene<'a> {
    trial: &'a Trial,
    desk: &'a Desk<'a>,
    nodes: [&'a Server; 2],
    primary: &'a cluster::Server,
}

struct Paused {
    gap: Duration,
    held: bool,
    told: String,
}

impl Scene<'_> {
    async fn one(&self, round: u64, chance: &Chance, tally: &mut Tally) -> io::Result<Paused> {
        self.orders(round).await?;
        let tides = [0, 1].map(|node: usize| {
            Tide::start(self.trial, &self.nodes[node].address, (CLIENTS, false), &chance.branch(node as u64))
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.desk.pass(61).await?;
        let sleeper = self.nodes[1].process();
        let held = self.put_to_sleep(sleeper, &mut chance.branch(9)).await?;
        let from = now();
        tokio::time::sleep(ASLEEP).await;
        let gap = longest_gap(from, &tides[0]);
        signal("CONT", &[sleeper])?;
        let awake = now();
        let back = tides[1].granted_after(awake, BACK).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        for tide in tides {
            tide.stop().await?;
        }
        if gap > BOUND {
            tally.wrong(format!("the other node was without an answer for {} ms", gap.as_millis()));
        }
        if back.is_none() {
            tally.wrong(format!("the node that had slept was granted nothing within {} s", BACK.as_secs()));
        }
        // By the node that slept: what it remembers must not show.
        let settled = fleet::settle_and_judge(self.trial, self.nodes[1], (self.primary, chance), tally).await?;
        self.jobs(round, tally)?;
        let told = format!(
            "asleep{}; the other was without an answer for {} ms; the sleeper granted again after {} ms; {settled} wishes \
            answered later",
            if held { " with the lock" } else { "" },
            gap.as_millis(),
            back.unwrap_or(BACK).as_millis()
        );
        Ok(Paused { gap, held, told })
    }

    /// Opens orders that expire in a minute.
    async fn orders(&self, round: u64) -> io::Result<()> {
        let merchant = &self.trial.world.merchants[0];
        for number in 0..ORDERS {
            let order = json!({"amount": {"amount": "1.00", "currency": "CNY"}, "reference": format!("o-{round}-{number}"),
                "expires_in": 60});
            self.desk.send_as(&merchant.token, Method::POST, ("/v1/orders", Some(order))).await?;
        }
        Ok(())
    }

    /// Stops the process, if it can be met so, while its unit stands open; whether it was.
    async fn put_to_sleep(&self, process: u32, draw: &mut Chance) -> io::Result<bool> {
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(5 + draw.below(30))).await;
            signal("STOP", &[process])?;
            // What the server had to do for it is done by then; what stands open stays.
            tokio::time::sleep(Duration::from_millis(60)).await;
            if self.stands_open()? {
                return Ok(true);
            }
            signal("CONT", &[process])?;
        }
        signal("STOP", &[process])?;
        Ok(false)
    }

    /// Whether some unit that has written or locked stands still.
    fn stands_open(&self) -> io::Result<bool> {
        let question = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND backend_xid IS NOT NULL \
            AND now() - state_change > interval '50 ms'";
        Ok(self.primary.ask(question)? != "0")
    }

    /// Every order that was due has expired once.
    fn jobs(&self, round: u64, tally: &mut Tally) -> io::Result<()> {
        let due = u64::from(ORDERS) * round;
        let told = "SELECT count(*) || ' ' || count(DISTINCT subject) FROM event WHERE kind = 'order.expired'";
        let expected = format!("{due} {due}");
        if let Err(error) = self.primary.until(told, &expected) {
            tally.wrong(format!("orders expired (events, and different ones): {error}"));
        }
        Ok(())
    }
}

/// The longest time without a granted wish, from a moment until now.
fn longest_gap(from: Instant, tide: &Tide) -> Duration {
    let (mut last, mut longest) = (from, Duration::ZERO);
    let mut moments = tide.granted_since(from);
    moments.push(now());
    for moment in moments {
        longest = longest.max(moment.saturating_duration_since(last));
        last = moment;
    }
    longest
}

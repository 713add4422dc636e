//! A machine's clock jumps under load, by a minute, by hours and by days, forward and back.
//!
//! The executable runs under a small library (`shim/clock.c`) that adds to its calendar clock what the harness says. A round on
//! the embedded bank, and then one on a server with two nodes of which only one jumps: each round begins three days after
//! the one before; orders are opened that expire in a minute; then the clock jumps about under traffic. What must hold: rows
//! and book agree, whatever was acknowledged when; journal and events are in the order of their moments; each order expired
//! once; a session that had ended by the bank's clock does not come back to life when the machine's clock goes back; and once
//! people have signed in again, everything without an answer is answered.
//!
//! What the bank does: its time never goes back. After a jump back it stands still until the machine's clock has caught up,
//! and so does everything that waits for a moment. After a jump forward it goes along, on every node: whoever lets a node's
//! clock run days ahead lets holds and sessions end early for good.

use crate::chance::Chance;
use crate::crash::book::Told;
use crate::crash::people;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::traffic::Tide;
use crate::crash::verdict;
use crate::faults::desk::Desk;
use crate::faults::postgres::{cluster, fleet};
use crate::faults::{How, Tally};
use crate::powercut::session;
use reqwest::Method;
use serde_json::json;
use sql::{Database, SqlError};
use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The defect: the bank's time goes back with the machine's.
pub const DEFECT: &str = "clock-goes-back";

const SOURCE: &str = include_str!("../../shim/clock.c");
const CLIENTS: u32 = 6;
const ORDERS: u32 = 20;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Seconds by which the clock is wrong, one after the other.
const JUMPS: [i64; 8] = [0, 90, -2 * MINUTE, 3 * HOUR, -3 * HOUR, 2 * DAY, -2 * DAY, 0];
/// From a round to the next.
const ROUND: i64 = 3 * DAY;
/// What is asked for late may be refused for that.
const LATE: [&str; 3] = ["confirmation_required", "hold_expired", "quote_expired"];

/// The wrong clock of one node.
struct Wrong {
    file: std::fs::File,
    environment: Vec<(String, String)>,
}

impl Wrong {
    fn new(library: &Path, file: &Path) -> io::Result<Self> {
        std::fs::write(file, [0; 8])?;
        let pairs = [("LD_PRELOAD", library), ("CLOCK_OFFSET", file)];
        let environment = pairs.map(|(name, path)| (name.to_owned(), path.display().to_string())).to_vec();
        Ok(Self { file: std::fs::File::options().write(true).open(file)?, environment })
    }

    fn is_wrong_by(&self, seconds: i64) -> io::Result<()> {
        self.file.write_all_at(&(seconds * 1_000_000).to_ne_bytes(), 0)
    }
}

/// Lets clocks jump `rounds` times, on the embedded bank and on a server.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let library = session::compile(place.path(), "clock", SOURCE)?;
    let mut tally = Tally::default();
    embedded(how, (&library, &place.path().join("embedded")), &mut tally).await?;
    on_server(how, (&library, &place.path().join("server")), &mut tally).await?;
    Ok(tally)
}

async fn embedded(how: &How, (library, place): (&Path, &Path), tally: &mut Tally) -> io::Result<()> {
    std::fs::create_dir_all(place)?;
    let clock = Wrong::new(library, &place.join("offset"))?;
    let mut trial = Trial::prepare(place, how.defect.clone()).await?;
    trial.start.environment.clone_from(&clock.environment);
    for round in 1..=how.rounds {
        clock.is_wrong_by(later(round))?;
        let server = Server::start(&trial.start, &trial.client).await?;
        let scene = Scene { clocks: [&clock, &clock], nodes: [&server, &server], top_ups: true };
        let settled = scene.play(&mut trial, (round, &Chance::new(how.seed).branch(round)), tally).await?;
        server.kill()?;
        let copy = tempfile::tempdir()?;
        let file = verdict::copy(&trial.start.directory, copy.path())?;
        let judged = verdict::judge(&file, &trial.book.lock().unwrap_or_else(PoisonError::into_inner));
        judged.unwrap_or_else(|wrong| tally.wrong(wrong));
        in_order(&Database::File(file), round, tally).map_err(io::Error::other)?;
        tally.rounds += 1;
        println!("  embedded, round {round}: {settled} wishes answered later; {} so far", fleet::acknowledged(&trial));
    }
    tally.fact(format!("embedded: {} jumps, {}", how.rounds * JUMPS.len() as u64, fleet::acknowledged(&trial)));
    Ok(())
}

async fn on_server(how: &How, (library, place): (&Path, &Path), tally: &mut Tally) -> io::Result<()> {
    std::fs::create_dir_all(place)?;
    open_to_all(place)?;
    let clocks = [Wrong::new(library, &place.join("one"))?, Wrong::new(library, &place.join("two"))?];
    let primary = cluster::Server::create(place, "a")?;
    let mut trial = fleet::prepare(place, (&primary.url(), &primary), how.defect.clone()).await?;
    let mut other = fleet::another(&trial, 2, &primary.url())?;
    trial.start.environment.clone_from(&clocks[0].environment);
    other.start.environment.clone_from(&clocks[1].environment);
    let server = Server::start(&trial.start, &trial.client).await?;
    let second = Server::start(&other.start, &trial.client).await?;
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        let scene = Scene { clocks: [&clocks[0], &clocks[1]], nodes: [&server, &second], top_ups: false };
        let settled = scene.play(&mut trial, (round, &chance), tally).await?;
        let database = fleet::books(&primary)?;
        let judged = verdict::judge_server(&database, &trial.book.lock().unwrap_or_else(PoisonError::into_inner));
        judged.unwrap_or_else(|wrong| tally.wrong(wrong));
        in_order(&database, round, tally).map_err(io::Error::other)?;
        tally.rounds += 1;
        println!("  two nodes, round {round}: {settled} wishes answered later; {} so far", fleet::acknowledged(&trial));
    }
    tally.fact(format!("two nodes: {} jumps of one, {}", how.rounds * JUMPS.len() as u64, fleet::acknowledged(&trial)));
    Ok(())
}

/// The server's user has to get through.
fn open_to_all(place: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let parents: Vec<PathBuf> = place.ancestors().take(2).map(Path::to_owned).collect();
    parents.iter().try_for_each(|path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)))
}

/// How much later than the machine's own clock a round begins.
fn later(round: u64) -> i64 {
    ROUND * i64::try_from(round).unwrap_or(0)
}

struct Scene<'a> {
    /// The second one jumps.
    clocks: [&'a Wrong; 2],
    nodes: [&'a Server; 2],
    top_ups: bool,
}

impl Scene<'_> {
    /// Jumps about; how many wishes were answered only afterwards.
    async fn play(&self, trial: &mut Trial, (round, chance): (u64, &Chance), tally: &mut Tally) -> io::Result<usize> {
        let begin = later(round);
        self.clocks.iter().try_for_each(|clock| clock.is_wrong_by(begin))?;
        let ended = trial.world.customers[0].token.clone();
        self.sign_in(trial).await?;
        self.open_orders(trial, round).await?;
        let tides = [0, 1].map(|node: usize| {
            let address = &self.nodes[node].address;
            Tide::start(trial, address, (CLIENTS, self.top_ups), &chance.branch(node as u64))
        });
        let mut draw = chance.branch(2);
        for jump in JUMPS {
            self.clocks[1].is_wrong_by(begin + jump)?;
            tokio::time::sleep(Duration::from_millis(300 + draw.below(400))).await;
            self.stays_ended(trial, &ended, tally).await?;
        }
        for tide in tides {
            tide.stop().await?;
        }
        self.sign_in(trial).await?;
        let mut found = Found::default();
        trial.settle(self.nodes[0], &mut found).await;
        found.wrong.drain(..).for_each(|wrong| tally.wrong(wrong));
        self.expired(trial, round, tally).await?;
        Ok(found.settled)
    }

    /// Everybody has a session again; what was turned away at the door for want of one is without an answer.
    async fn sign_in(&self, trial: &mut Trial) -> io::Result<()> {
        let world = people::sign_in_again(&trial.world, &self.nodes[0].address, &trial.client).await?;
        let (before, after) = (&trial.world.customers, &world.customers);
        let tokens: HashMap<&str, &str> =
            before.iter().zip(after).map(|(old, new)| (old.token.as_str(), new.token.as_str())).collect();
        let mut book = trial.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.also_expected = LATE.to_vec();
        for wish in &mut book.wishes {
            if wish.refusal() == Some("unauthenticated") {
                wish.told = Told::Nothing;
            }
            if let Some(token) = tokens.get(wish.call.token.as_str()) {
                wish.call.token = (*token).to_owned();
            }
        }
        drop(book);
        trial.world = Arc::new(world);
        Ok(())
    }

    async fn open_orders(&self, trial: &Trial, round: u64) -> io::Result<()> {
        let desk = Desk::new(trial, &self.nodes[0].address);
        let merchant = &trial.world.merchants[0];
        for number in 0..ORDERS {
            // The desk's own keys begin anew with each desk.
            let order = json!({"amount": {"amount": "1.00", "currency": "CNY"}, "reference": format!("o-{round}-{number}"),
                "expires_in": 60});
            let key = format!("order-{round}-{number}");
            desk.send_under(&key, &merchant.token, (Method::POST, "/v1/orders", Some(order))).await?;
        }
        Ok(())
    }

    /// A session that began three days ago is over, on both nodes.
    async fn stays_ended(&self, trial: &Trial, token: &str, tally: &mut Tally) -> io::Result<()> {
        for node in self.nodes {
            let request = trial.client.get(format!("{}/v1/wallet", node.address)).bearer_auth(token);
            let status = request.send().await.map_err(io::Error::other)?.status().as_u16();
            // Who knocks too often is not even asked.
            if status != 401 && status != 429 {
                tally.wrong(format!("a session that had ended opens the door: status {status}"));
            }
        }
        Ok(())
    }

    /// Waits until the orders of all rounds have expired, as the events tell.
    async fn expired(&self, trial: &Trial, round: u64, tally: &mut Tally) -> io::Result<()> {
        let desk = Desk::new(trial, &self.nodes[0].address);
        for _ in 0..300 {
            let open =
                desk.send_as(&trial.world.merchants[0].token, Method::GET, ("/v1/orders?limit=100", None)).await?;
            let rows = open.get("data").and_then(|rows| rows.as_array()).cloned().unwrap_or_default();
            let of_round = |row: &&serde_json::Value| {
                let reference = row.get("reference").and_then(|text| text.as_str()).unwrap_or_default();
                reference.starts_with(&format!("o-{round}-"))
            };
            let mut mine = rows.iter().filter(of_round);
            if mine.all(|row| row.get("state").is_some_and(|state| state == "expired")) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tally.wrong(format!("orders of round {round} are open though their minute is long over"));
        Ok(())
    }
}

/// Journal and events are in the order of their moments, and every order has expired once.
fn in_order(database: &Database, round: u64, tally: &mut Tally) -> Result<(), SqlError> {
    let connection = database.open_reader()?;
    for (table, number) in [("journal", "seq"), ("event", "no")] {
        let question = format!(
            "SELECT count(*) FROM (SELECT at, lag(at) OVER (ORDER BY {number}) AS before FROM {table} WHERE at IS NOT NULL) AS \
            moments WHERE at < before"
        );
        let back = connection.number(&question, &[])?;
        if back > 0 {
            tally.wrong(format!("{back} rows of {table} are of an earlier moment than the row before them"));
        }
    }
    let due = i64::try_from(round * u64::from(ORDERS)).unwrap_or(0);
    let events = connection.number("SELECT count(*) FROM event WHERE kind = 'order.expired'", &[])?;
    let orders = connection.number("SELECT count(DISTINCT subject) FROM event WHERE kind = 'order.expired'", &[])?;
    if (events, orders) != (due, due) {
        tally.wrong(format!("{due} orders were to expire; {orders} did, and {events} events tell of it"));
    }
    Ok(())
}

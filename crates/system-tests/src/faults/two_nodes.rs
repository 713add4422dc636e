//! Two nodes of one bank on a PostgreSQL server; one is killed in the middle of it, and the other goes on.
//!
//! A round: both nodes run, and clients take turns between them. Some wishes are sent to both nodes at once under one key, and
//! those that got no answer are sent to the other node under their key: whatever both say must be the same. Customers sign
//! out on one node and are refused on the other: where something would be decided at once, and else after the bound that
//! ARCHITECTURE states. At a moment drawn by chance one node is killed (SIGKILL); the other must grant something within a few
//! seconds. Then every open wish is sent to the survivor, the checker reads the server, and rows and the book must agree.
//!
//! Each node of a sandbox has a bank of its own beside it, so nobody here tops up or pays out once there are two.

use crate::chance::Chance;
use crate::crash::book::{Aim, Call, Told, key_of};
use crate::crash::client::exchange;
use crate::crash::people;
use crate::crash::round::{Found, Trial};
use crate::crash::server::{self, Server, Start};
use crate::crash::verdict;
use crate::faults::{How, Tally, now};
use serde_json::{Value, json};
use sql::testing::cluster::Cluster;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The defect: whoever sends to the other node takes a new key.
pub const DEFECT: &str = "new-keys";
/// The defect, built in: a node does not hear what others change.
pub const DEAF: &str = "deaf";
const CLIENTS: u64 = 12;
/// A node is killed after at least so long, and at most twice as long.
const BEFORE: Duration = Duration::from_millis(1_500);
const GOES_ON: Duration = Duration::from_secs(5);
/// What ARCHITECTURE states, and a little for the way.
const BOUND: Duration = Duration::from_millis(100);

/// Kills one of two nodes `rounds` times.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let (cluster, none) = (Cluster::start(&[])?, sql::Passwords::default());
    let url = cluster.url("postgres");
    let (trial, other) = prepare(place.path(), &url, how).await?;
    let database = sql::Database::parse(&url, &none).map_err(io::Error::other)?;
    let (mut tally, scene) = (Tally::default(), Scene { trial, other, fresh: how.has(DEFECT) });
    for round in 1..=how.rounds {
        let told = scene.one(&database, &Chance::new(how.seed).branch(round), &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        tally.fact(told);
    }
    Ok(tally)
}

/// A bank with people in it, made by one node; and how to start the other.
async fn prepare(place: &Path, url: &str, how: &How) -> io::Result<(Trial, Start)> {
    let (executable, directory) = (server::executable()?, place.join("node-1"));
    let client = reqwest::Client::builder().build().map_err(io::Error::other)?;
    let config = place.join("node.toml");
    std::fs::write(&config, "caller_rate = 0\naddress_rate = 0\n")?;
    let arguments = ["--config".to_owned(), config.display().to_string()].to_vec();
    let defect = how.defect.clone().filter(|defect| defect != DEFECT);
    let environment = [("JIAOZI_DATABASE".to_owned(), url.to_owned())].to_vec();
    let start = Start { executable, directory, defect: None, environment, arguments };
    let staff = people::staff_token(&start)?;
    let node = Server::start(&start, &client).await?;
    let (world, book) = people::settle(&node, &client, &staff).await?;
    node.kill()?;
    let start = Start { defect, ..start };
    let other = Start { directory: place.join("node-2"), ..start.clone() };
    std::fs::create_dir(&other.directory)?;
    // Nodes of one bank have the same keys.
    std::fs::copy(start.directory.join("vault.key"), other.directory.join("vault.key"))?;
    let (world, book) = (Arc::new(world), Arc::new(Mutex::new(book)));
    let books = sql::Database::parse(url, &sql::Passwords::default()).map_err(io::Error::other)?;
    Ok((Trial { start, client, staff, world, book, books: Some(books) }, other))
}

struct Scene {
    trial: Trial,
    other: Start,
    fresh: bool,
}

/// What the clients of a round share.
struct Round {
    trial: Trial,
    addresses: [String; 2],
    stop: AtomicBool,
    fresh: bool,
    answered: AtomicU64,
    both: AtomicU64,
    differ: Mutex<Vec<String>>,
}

impl Scene {
    async fn one(&self, database: &sql::Database, chance: &Chance, tally: &mut Tally) -> io::Result<String> {
        let client = &self.trial.client;
        let mut nodes =
            vec![Server::start(&self.trial.start, client).await?, Server::start(&self.other, client).await?];
        let round = Arc::new(Round {
            trial: self.trial.clone(),
            addresses: [0, 1].map(|node: usize| nodes[node].address.clone()),
            stop: AtomicBool::new(false),
            fresh: self.fresh,
            answered: AtomicU64::new(0),
            both: AtomicU64::new(0),
            differ: Mutex::default(),
        });
        let clients = (0..CLIENTS).map(|number| tokio::spawn(Arc::clone(&round).client(chance.branch(number))));
        let clients: Vec<_> = clients.collect();
        let mut chance = chance.branch(99);
        round.sign_outs(&mut chance, tally).await?;
        let more = chance.below(u64::try_from(BEFORE.as_millis()).unwrap_or(0));
        tokio::time::sleep(BEFORE + Duration::from_millis(more)).await;
        let killed = chance.place(2);
        nodes.remove(killed).kill()?;
        let (at, before) = (now(), round.answered.load(Ordering::SeqCst));
        while round.answered.load(Ordering::SeqCst) < before + CLIENTS && at.elapsed() < GOES_ON {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let on = at.elapsed();
        if on >= GOES_ON {
            tally.wrong(format!("the survivor granted nothing for {} s", GOES_ON.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        round.stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        }
        let survivor = nodes.remove(0);
        let settled = self.judge(&survivor, database, &mut chance, tally).await;
        round.differ.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|wrong| tally.wrong(wrong));
        survivor.kill()?;
        let [done, refused] = self.trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
        Ok(format!(
            "node {} killed; the other granted again after {} ms; {} wishes on both nodes, {settled} settled later; so far \
            {done} done and {refused} refused",
            killed + 1,
            on.as_millis(),
            round.both.load(Ordering::SeqCst)
        ))
    }

    /// Sends what is open to the survivor, asks for answered wishes once more, and compares rows and book.
    async fn judge(
        &self,
        survivor: &Server,
        database: &sql::Database,
        chance: &mut Chance,
        tally: &mut Tally,
    ) -> usize {
        let mut found = Found::default();
        self.trial.settle(survivor, &mut found).await;
        self.trial.ask_again(survivor, chance, &mut found).await;
        let book = self.trial.book.lock().unwrap_or_else(PoisonError::into_inner);
        found.wrong.extend(verdict::judge_server(database, &book).err());
        found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
        found.settled
    }
}

/// A payment that can still be captured or voided, and whose.
type Held = (String, String);

impl Round {
    async fn client(self: Arc<Self>, mut chance: Chance) {
        let mut held: Vec<Held> = Vec::new();
        while !self.stop.load(Ordering::SeqCst) {
            let (aim, call, merchant) = self.draw(&mut chance, &mut held);
            let hold = aim == Aim::Hold;
            let told = self.send(&mut chance, aim, call).await;
            if let (true, Told::Done(answer)) = (hold, &told)
                && let Some(id) = answer.get("id").and_then(Value::as_str)
            {
                held.push((id.to_owned(), merchant));
            }
        }
    }

    /// The next wish, and the key of the merchant that it is for.
    fn draw(&self, chance: &mut Chance, held: &mut Vec<Held>) -> (Aim, Call, String) {
        let world = &self.trial.world;
        if chance.percent(30)
            && let Some((payment, token)) = held.pop()
        {
            let void = chance.percent(50);
            let path = format!("/v1/payments/{payment}/{}", if void { "void" } else { "capture" });
            let aim = if void { Aim::Void { payment } } else { Aim::Capture { payment, amount: 1 } };
            return (aim, Call { path, token: token.clone(), body: json!({}) }, token);
        }
        let customer = &world.customers[chance.place(world.customers.len())];
        let merchant = &world.merchants[chance.place(world.merchants.len())];
        let hold = chance.percent(40);
        let body = json!({"merchant": merchant.id, "reference": "", "hold": hold,
            "amount": {"amount": "0.01", "currency": "CNY"}});
        let call = Call { path: "/v1/payments".to_owned(), token: customer.token.clone(), body };
        (if hold { Aim::Hold } else { Aim::Pay }, call, merchant.token.clone())
    }

    /// Sends a wish to a node, sometimes to both at once; to the other one when there is no answer.
    async fn send(&self, chance: &mut Chance, aim: Aim, mut call: Call) -> Told {
        let (number, key) = {
            let mut book = self.trial.book.lock().unwrap_or_else(PoisonError::into_inner);
            let key = key_of(book.wishes.len());
            if let Some(reference) = call.body.get_mut("reference") {
                *reference = Value::from(key.as_str());
            }
            (book.send(aim, call.clone()), key)
        };
        let first = chance.place(2);
        let mut again = call.clone();
        let other_key = if self.fresh { format!("{key}-again") } else { key.clone() };
        if self.fresh && again.body.get("reference").is_some() {
            again.body["reference"] = Value::from(other_key.as_str());
        }
        let client = &self.trial.client;
        let here = exchange(client, &self.addresses[first], &key, &call);
        let there = exchange(client, &self.addresses[1 - first], &other_key, &again);
        let told = if chance.percent(25) {
            let (here, there) = tokio::join!(here, there);
            self.compare(&key, &here.told, &there.told);
            if here.told == Told::Nothing { there.told } else { here.told }
        } else {
            match here.await.told {
                Told::Nothing => there.await.told,
                told => told,
            }
        };
        if told == Told::Nothing {
            tokio::time::sleep(Duration::from_millis(20)).await;
        } else {
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
        self.trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = told.clone();
        told
    }

    /// One key, two nodes: one answer.
    fn compare(&self, key: &str, here: &Told, there: &Told) {
        let what = |told: &Told| match told {
            Told::Nothing => None,
            Told::Done(answer) => Some(answer.get("id").cloned()),
            Told::Refused(problem) => Some(problem.get("code").cloned()),
        };
        let (Some(here), Some(there)) = (what(here), what(there)) else { return };
        self.both.fetch_add(1, Ordering::SeqCst);
        if here != there {
            let told = format!("{key} was answered {here:?} by one node and {there:?} by the other");
            self.differ.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
    }

    /// Customers sign out on one node and ask the other.
    async fn sign_outs(&self, chance: &mut Chance, tally: &mut Tally) -> io::Result<()> {
        let name = format!("+86139{:08}", chance.below(100_000_000));
        let new = json!({"sign_in": name, "display_name": "Two Nodes", "password": PASSWORD, "currencies": ["CNY"]});
        self.ask(0, reqwest::Method::POST, "/v1/customers", ("", new)).await?;
        for turn in 0..4_usize {
            let (here, there) = (turn % 2, 1 - turn % 2);
            let sign_in = json!({"sign_in": name, "password": PASSWORD});
            let (_, session) = self.ask(there, reqwest::Method::POST, "/v1/sessions", ("", sign_in)).await?;
            let token = session.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
            let seen = async |node: usize| {
                Ok::<_, io::Error>(self.ask(node, reqwest::Method::GET, "/v1/wallet", (&token, Value::Null)).await?.0)
            };
            if (seen(there).await?, seen(here).await?) != (200, 200) {
                tally.wrong("a fresh session is not good on both nodes".to_owned());
            }
            let (status, _) =
                self.ask(here, reqwest::Method::DELETE, "/v1/sessions/current", (&token, Value::Null)).await?;
            let bank_account = json!({"number": "DE89370400440532013000"});
            let (acted, _) =
                self.ask(there, reqwest::Method::POST, "/v1/bank-accounts", (&token, bank_account)).await?;
            tokio::time::sleep(BOUND).await;
            let after = seen(there).await?;
            if (status, acted, after) != (204, 401, 401) {
                tally.wrong(format!("signed out with {status}, then acted with {acted} and read with {after}"));
            }
        }
        Ok(())
    }

    /// A request of a node: status and body.
    async fn ask(
        &self,
        node: usize,
        method: reqwest::Method,
        path: &str,
        (token, body): (&str, Value),
    ) -> io::Result<(u16, Value)> {
        let mut request = self.trial.client.request(method, format!("{}{path}", self.addresses[node]));
        request = request.header("idempotency-key", format!("{path}-{token}-{}", body["sign_in"]));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.timeout(Duration::from_secs(10)).send().await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.unwrap_or_default()))
    }
}

const PASSWORD: &str = "a password on two nodes";

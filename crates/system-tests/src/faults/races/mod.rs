//! Races over HTTP, on the embedded bank and across two nodes on PostgreSQL: exactly once, no floor and no limit broken, one
//! answer for a key.
//!
//! `--rounds` counts keys and `--clients` requests at once. On each of the two banks: ten payments a key to one merchant by
//! `--clients` clients; every key sent by all of them at once, then refunds of more than was paid, captures and voids of one
//! hold, payments of more than a customer has, and transfers to somebody of more than he may hold, each by all at once. On two
//! nodes neighbours go to different ones. Afterwards open wishes are asked for again, and the checker and the book of wishes
//! look at the rows. A wallet cannot be closed over HTTP, so nobody races for that.

mod contests;

use crate::chance::Chance;
use crate::crash::book::{Aim, Call, Told, key_of};
use crate::crash::client::{Exchange, exchange_within};
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::faults::postgres::{cluster, fleet};
use crate::faults::{How, Tally, now};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The defect: of those who send the same wish every second one takes a key of his own.
pub const DEFECT: &str = "new-keys";
/// Payments to one merchant for each key.
const HOT: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// Races on both banks.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How, clients: usize) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let config = place.path().join("races.toml");
    std::fs::write(&config, "caller_rate = 0\naddress_rate = 0\n")?;
    let arguments = ["--config".to_owned(), config.display().to_string()];
    let mut tally = Tally::default();
    embedded(&place.path().join("one"), (how, clients), &arguments, &mut tally).await?;
    two_nodes(&place.path().join("two"), (how, clients), &arguments, &mut tally).await?;
    Ok(tally)
}

async fn embedded(
    place: &Path,
    (how, clients): (&How, usize),
    arguments: &[String],
    tally: &mut Tally,
) -> io::Result<()> {
    std::fs::create_dir_all(place)?;
    let mut trial = Trial::prepare(place, None).await?;
    trial.start.arguments.extend_from_slice(arguments);
    let server = Server::start(&trial.start, &trial.client).await?;
    let field = Field { trial, addresses: vec![server.address.clone()], clients, fresh: how.has(DEFECT) };
    field.play(how, "embedded", tally).await?;
    let mut found = Found::default();
    field.trial.settle(&server, &mut found).await;
    field.trial.ask_again(&server, &mut Chance::new(how.seed), &mut found).await;
    server.kill()?;
    field.trial.examine(&mut found)?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(format!("embedded: {wrong}")));
    Ok(())
}

async fn two_nodes(
    place: &Path,
    (how, clients): (&How, usize),
    arguments: &[String],
    tally: &mut Tally,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(place)?;
    // The server's user has to get through.
    for path in place.ancestors().take(2) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711))?;
    }
    let mut primary = cluster::Server::create(place, "a")?;
    let mut trial = fleet::prepare(place, (&primary.url(), &primary), None).await?;
    let mut other = fleet::another(&trial, 2, &primary.url())?;
    trial.start.arguments.extend_from_slice(arguments);
    other.start.arguments.extend_from_slice(arguments);
    let (one, two) =
        (Server::start(&trial.start, &trial.client).await?, Server::start(&other.start, &other.client).await?);
    let addresses = vec![one.address.clone(), two.address.clone()];
    let field = Field { trial, addresses, clients, fresh: how.has(DEFECT) };
    field.play(how, "two nodes", tally).await?;
    let mut found = Found::default();
    field.trial.settle(&two, &mut found).await;
    field.trial.ask_again(&one, &mut Chance::new(how.seed), &mut found).await;
    one.kill()?;
    two.kill()?;
    field.trial.examine(&mut found)?;
    primary.kill()?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(format!("two nodes: {wrong}")));
    Ok(())
}

/// A bank, and who races there.
struct Field {
    trial: Trial,
    /// Its nodes.
    addresses: Vec<String>,
    /// Requests at once.
    clients: usize,
    fresh: bool,
}

/// What is sent under a key.
type Sent = (String, Call);

impl Field {
    async fn play(&self, how: &How, name: &str, tally: &mut Tally) -> io::Result<()> {
        // What those are told who come too late for a hold.
        self.trial.book.lock().unwrap_or_else(PoisonError::into_inner).also_expected =
            vec!["hold_already_captured", "hold_already_voided"];
        let keys = usize::try_from(how.rounds).unwrap_or(usize::MAX);
        let begun = now();
        let (paid, tried) = self.hot(HOT * keys).await?;
        let took = begun.elapsed();
        tally.fact(format!("{name}: {paid} payments to one account in {} ms, {tried} requests", took.as_millis()));
        println!("  {name}: {paid} payments to one account in {} ms", took.as_millis());
        let (begun, mut answered) = (now(), 0);
        for _ in 0..keys {
            answered += self.one_key(tally).await?;
            tally.rounds += 1;
        }
        let told = format!(
            "{name}: {keys} keys by {} at once: {answered} answers the same, in {} ms",
            self.clients,
            begun.elapsed().as_millis()
        );
        println!("  {told}");
        tally.fact(told);
        let told = format!("{name}: {}", self.contests(tally).await?);
        println!("  {told}");
        tally.fact(told);
        Ok(())
    }

    /// So many payments to one merchant; how many were granted, and how many requests that took.
    async fn hot(&self, payments: usize) -> io::Result<(usize, usize)> {
        let (next, tries) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let client = |number: usize| {
            let (trial, addresses) = (self.trial.clone(), self.addresses.clone());
            let (next, tries) = (Arc::clone(&next), Arc::clone(&tries));
            tokio::spawn(async move {
                let mut granted = 0;
                while next.fetch_add(1, Ordering::SeqCst) < payments {
                    let (wish, (key, call)) = cent(&trial, number);
                    for attempt in 0.. {
                        let address = &addresses[(number + attempt) % addresses.len()];
                        tries.fetch_add(1, Ordering::SeqCst);
                        let answer = exchange_within(PATIENCE, (&trial.client, address), &key, &call).await;
                        if answer.told != Told::Nothing || attempt == 20 {
                            granted += usize::from(matches!(answer.told, Told::Done(_)));
                            note(&trial, wish, answer.told);
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                granted
            })
        };
        let mut granted = 0;
        for client in (0..self.clients).map(client).collect::<Vec<_>>() {
            granted += client.await.map_err(failed)?;
        }
        Ok((granted, tries.load(Ordering::SeqCst)))
    }

    /// One wish by everybody at once; how many were answered.
    async fn one_key(&self, tally: &mut Tally) -> io::Result<usize> {
        let (wish, (key, call)) = cent(&self.trial, tally.rounds as usize);
        let sent = |number: usize| {
            let (mut key, mut call) = (key.clone(), call.clone());
            if self.fresh && number % 2 == 1 {
                key = format!("{key}-{number}");
                call.body["reference"] = Value::from(key.as_str());
            }
            (key, call)
        };
        let answers = self.all_at_once((0..self.clients).map(sent).collect()).await?;
        let told: Vec<&Told> =
            answers.iter().map(|answer| &answer.told).filter(|told| **told != Told::Nothing).collect();
        if let Some(first) = told.first() {
            if let Some(other) = told.iter().find(|other| what(other) != what(first)) {
                tally.wrong(format!("{key} was answered {:?} and {:?}", what(first), what(other)));
            }
            note(&self.trial, wish, (*first).clone());
        }
        let odd = answers.iter().find(|answer| answer.status >= 500 && answer.status != 503 || answer.status == 0);
        if let Some(odd) = odd {
            tally.wrong(format!("{key} was answered with status {}", odd.status));
        }
        Ok(told.len())
    }

    /// Sends all of these at once, neighbours to different nodes.
    async fn all_at_once(&self, sent: Vec<Sent>) -> io::Result<Vec<Exchange>> {
        let tasks = sent.into_iter().enumerate().map(|(number, (key, call))| {
            let (client, address) = (self.trial.client.clone(), self.addresses[number % self.addresses.len()].clone());
            tokio::spawn(async move { exchange_within(PATIENCE, (&client, &address), &key, &call).await })
        });
        let mut answers = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            answers.push(task.await.map_err(failed)?);
        }
        Ok(answers)
    }
}

fn failed(error: tokio::task::JoinError) -> io::Error {
    io::Error::other(format!("a client failed: {error}"))
}

/// What an answer says: the id of what was made, or why not.
fn what(told: &Told) -> Option<Value> {
    match told {
        Told::Nothing => None,
        Told::Done(answer) => answer.get("id").cloned(),
        Told::Refused(problem) => problem.get("code").cloned(),
    }
}

fn note(trial: &Trial, wish: usize, told: Told) {
    trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[wish].told = told;
}

/// Notes a wish; its number and what is sent. A reference becomes its key.
fn wish(trial: &Trial, aim: Aim, mut call: Call) -> (usize, Sent) {
    let mut book = trial.book.lock().unwrap_or_else(PoisonError::into_inner);
    let key = key_of(book.wishes.len());
    if let Some(reference) = call.body.get_mut("reference") {
        *reference = Value::from(key.as_str());
    }
    (book.send(aim, call.clone()), (key, call))
}

/// A payment of the smallest amount to the first merchant, by one customer or another.
fn cent(trial: &Trial, payer: usize) -> (usize, Sent) {
    let customer = &trial.world.customers[payer % trial.world.customers.len()];
    let body = json!({"merchant": trial.world.merchants[0].id, "reference": "", "hold": false, "amount": money(1)});
    wish(trial, Aim::Pay, Call { path: "/v1/payments".to_owned(), token: customer.token.clone(), body })
}

fn money(minor: i64) -> Value {
    json!({"amount": format!("{}.{:02}", minor / 100, minor % 100), "currency": "CNY"})
}

//! The receiver of webhooks refuses for a while: at the end it has every event at least once.
//!
//! A round: the bank's own endpoint, which wants everything, answers 503 while people move money; halfway the server is
//! killed and started again. Then the receiver takes what comes, and the sandbox's clock moves past the pauses between
//! attempts. The receiver must end with every number of the sequence that `GET /v1/events` tells, each with the same content
//! under the same message id however often it came, and nothing else. Messages may come in any order (the number in them tells
//! theirs), which is what is documented.

use crate::chance::Chance;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::traffic;
use crate::faults::desk::Desk;
use crate::faults::{How, Tally, now};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The defect: the receiver says that it took a message, and has not.
pub const DEFECT: &str = "lost-message";

/// A receiver.
#[derive(Default)]
struct Receiver {
    down: AtomicBool,
    forget: AtomicBool,
    refused: AtomicU64,
    /// By the event's number: message id, content, how often.
    taken: Mutex<BTreeMap<u64, (String, Value, u64)>>,
    wrong: Mutex<Vec<String>>,
}

impl Receiver {
    /// Listens on a port of this machine until the process ends.
    fn listen(self: &Arc<Self>) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/hooks", listener.local_addr()?);
        let receiver = Arc::clone(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let receiver = Arc::clone(&receiver);
                std::thread::spawn(move || receiver.serve(&stream));
            }
        });
        Ok(url)
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut length, mut id, mut line) = (0, String::new(), String::new());
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                    "webhook-id" => value.trim().clone_into(&mut id),
                    _ => {}
                }
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let status = if self.down.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            "503 Service Unavailable"
        } else {
            self.take(id, &body);
            "204 No Content"
        };
        (&*stream).write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
    }

    fn take(&self, id: String, body: &[u8]) {
        let content: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(number) = content.get("number").and_then(Value::as_u64) else {
            return self.complain(format!("a message without a number: {content}"));
        };
        if self.forget.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let known = taken.entry(number).or_insert_with(|| (id.clone(), content.clone(), 0));
        known.2 += 1;
        if known.0 != id || known.1 != content {
            self.complain(format!("event {number} came as {} and as {id}, or with another content", known.0));
        }
    }

    fn complain(&self, what: String) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn count(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Lets the receiver be down `rounds` times, each time on a bank of its own.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for round in 1..=how.rounds {
        let told = one(how, &Chance::new(how.seed).branch(round), &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        tally.fact(told);
    }
    Ok(tally)
}

async fn one(how: &How, chance: &Chance, tally: &mut Tally) -> io::Result<String> {
    let place = tempfile::tempdir()?;
    let trial = Trial::prepare(place.path(), None).await?;
    let receiver = Arc::new(Receiver::default());
    receiver.down.store(true, Ordering::SeqCst);
    receiver.forget.store(how.has(DEFECT), Ordering::SeqCst);
    let server = Server::start(&trial.start, &trial.client).await?;
    let hook = json!({"url": receiver.listen()?, "types": []});
    let hook = Desk::new(&trial, &server.address).send(Method::POST, "/v1/webhooks", Some(hook)).await?;
    let from = hook.get("cursor").and_then(Value::as_u64).unwrap_or(0);
    let mut found = Found::default();
    load_and_kill(&trial, server, chance).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    trial.settle(&server, &mut found).await;
    let clients = traffic::start(&trial, &server.address, 4, &chance.branch(2));
    tokio::time::sleep(Duration::from_millis(700)).await;
    // The traffic goes on while the receiver comes back.
    receiver.down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.kill()?;
    for client in clients {
        client.await.map_err(io::Error::other)?;
    }
    let server = Server::start(&trial.start, &trial.client).await?;
    trial.settle(&server, &mut found).await;
    let desk = Desk::new(&trial, &server.address);
    let events = until_all_came(&desk, &receiver, from).await?;
    server.kill()?;
    trial.examine(&mut found)?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    compare(&receiver, &events, tally);
    let taken = receiver.taken.lock().unwrap_or_else(PoisonError::into_inner);
    let again: u64 = taken.values().map(|(_, _, times)| times - 1).sum();
    let refused = receiver.refused.load(Ordering::SeqCst);
    Ok(format!("{} events, {refused} attempts refused, {} came, {again} more than once", events.len(), taken.len()))
}

async fn load_and_kill(trial: &Trial, server: Server, chance: &Chance) -> io::Result<()> {
    let clients = traffic::start(trial, &server.address, 4, chance);
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill()?;
    for client in clients {
        client.await.map_err(io::Error::other)?;
    }
    Ok(())
}

/// Moves the clock past the pauses between attempts until everything that there is to tell has come, a minute at most.
async fn until_all_came(desk: &Desk<'_>, receiver: &Receiver, from: u64) -> io::Result<BTreeMap<u64, Value>> {
    let begun = now();
    for pause in [10, 310, 1_810, 7_210].into_iter().cycle() {
        // Only the first three pauses are needed; sessions end after twelve hours.
        if begun.elapsed() < Duration::from_secs(20) || pause < 7_000 {
            desk.pass(pause).await?;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let events = events_after(desk, from).await?;
        if events.len() <= receiver.count() || begun.elapsed() > Duration::from_secs(60) {
            return Ok(events);
        }
    }
    Ok(BTreeMap::new())
}

async fn events_after(desk: &Desk<'_>, from: u64) -> io::Result<BTreeMap<u64, Value>> {
    let (mut events, mut last) = (BTreeMap::new(), from);
    loop {
        let answer = desk.send(Method::GET, &format!("/v1/events?after={last}&limit=500"), None).await?;
        let rows = answer.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        for row in &rows {
            let number = row.get("number").and_then(Value::as_u64);
            events.insert(number.ok_or_else(|| io::Error::other(format!("no number: {row}")))?, row.clone());
        }
        let next = answer.get("last").and_then(Value::as_u64).unwrap_or(last);
        if rows.is_empty() || next == last {
            return Ok(events);
        }
        last = next;
    }
}

fn compare(receiver: &Receiver, events: &BTreeMap<u64, Value>, tally: &mut Tally) {
    receiver.wrong.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|wrong| tally.wrong(wrong));
    let taken = receiver.taken.lock().unwrap_or_else(PoisonError::into_inner);
    if events.is_empty() {
        tally.wrong("there were no events: nothing was tested".to_owned());
    }
    let missing: Vec<u64> = events.keys().filter(|number| !taken.contains_key(number)).copied().collect();
    if !missing.is_empty() {
        tally.wrong(format!("{} of {} events never came: {missing:?}", missing.len(), events.len()));
    }
    for (number, (_, content, _)) in taken.iter() {
        match events.get(number) {
            Some(event) if event == content => {}
            // What happened after the sequence was read the last time.
            None if events.keys().last().is_none_or(|last| last < number) => {}
            other => tally.wrong(format!("event {number} came as {content} and is told as {other:?}")),
        }
    }
}

//! Memory: what clients can make the process hold is bounded; and when there truly is none, nothing is lost.

use super::{BACK, DEFECT, Regulars, bank_under, connected, judged, limit, pay, until_a_newcomer_is_granted};
use crate::chance::Chance;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::traffic;
use crate::faults::vitals::Vitals;
use crate::faults::{How, Tally, now};
use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// Clients that send nearly all of a body, and then no more.
const SLOW: usize = 400;
/// Bytes of it; the largest that is taken is 64 KiB.
const BODY: usize = 60 * 1_024;
/// Streams of all events from the first, of which nothing is read.
const DEAF: usize = 100;
/// What one such connection may cost, KiB: its body, what was read ahead, what is to be sent.
const EACH: u64 = 256;
/// And all of the rest while it pays, KiB.
const BESIDE: u64 = 128 * 1_024;
/// Waves: what one leaves behind the next must not add to.
const WAVES: usize = 3;
/// That everybody has gone is noticed within so long: a silent stream is written to every fifteen seconds.
const NOTICED: Duration = Duration::from_secs(20);
/// Descriptors that are open then, at most.
const FEW: u64 = 128;
/// So much more than it has the process may take when memory runs out, bytes.
const LEFT: u64 = 512 << 10;

pub(super) async fn one(how: &How, chance: &Chance, tally: &mut Tally) -> io::Result<String> {
    let place = tempfile::tempdir()?;
    let trial = bank_under(place.path(), "").await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found::default();
    trial.settle(&server, &mut found).await;
    let regulars = Regulars::start(&trial, &server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = Vitals::of(server.process())?.resident;
    let (mut peaks, mut held) = (Vec::new(), Vec::new());
    for _ in 0..WAVES {
        held.append(&mut crowd(&trial, &server)?);
        tokio::time::sleep(Duration::from_secs(1)).await;
        peaks.push(Vitals::of(server.process())?.resident);
        if !how.has(DEFECT) {
            held.clear();
        }
    }
    let bound = before + (SLOW + DEAF) as u64 * EACH + BESIDE;
    let most = peaks.iter().copied().max().unwrap_or(0);
    if most > bound {
        tally.wrong(format!("{most} KiB resident, more than {bound}"));
    }
    let (gone, mut open) = (now(), u64::MAX);
    while open > FEW && gone.elapsed() < NOTICED {
        tokio::time::sleep(Duration::from_millis(100)).await;
        open = Vitals::of(server.process())?.descriptors;
    }
    if open > FEW {
        tally.wrong(format!("{open} descriptors are open after everybody has gone"));
    }
    let noticed = gone.elapsed();
    let back = until_a_newcomer_is_granted(&trial, &server).await?;
    if back.is_none() {
        tally.wrong(format!("memory: no newcomer was granted within {} s", BACK.as_secs()));
    }
    let granted = regulars.granted();
    regulars.stop(tally).await?;
    drop(held);
    let ended = run_out(&trial, server, chance).await?;
    judged(&trial, Server::start(&trial.start, &trial.client).await?, tally).await?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    Ok(format!(
        "{before} KiB resident, in waves of {SLOW} slow bodies and {DEAF} deaf streams {peaks:?} (bound {bound}), gone from \
         the descriptors {} ms after they went; {granted} granted meanwhile; when there truly was none left the process {}",
        noticed.as_millis(),
        if ended { "ended, and nothing was lost" } else { "stayed, and nothing was lost" }
    ))
}

/// Connections that cost memory.
fn crowd(trial: &Trial, server: &Server) -> io::Result<Vec<TcpStream>> {
    let host = server.address.trim_start_matches("http://");
    let customer = &trial.world.customers[0].token;
    let head = format!(
        "POST /v1/payments HTTP/1.1\r\nhost: {host}\r\nidempotency-key: slow\r\ncontent-type: application/json\r\n"
    );
    let slow =
        format!("{head}authorization: Bearer {customer}\r\ncontent-length: {}\r\n\r\n{}", BODY + 1, " ".repeat(BODY));
    let head = format!("GET /v1/events/stream?after=0 HTTP/1.1\r\nhost: {host}\r\n");
    let deaf = format!("{head}authorization: Bearer {}\r\n\r\n", trial.staff);
    let all = (0..SLOW).map(|_| slow.as_bytes()).chain((0..DEAF).map(|_| deaf.as_bytes()));
    all.map(|bytes| connected(server, bytes)).collect()
}

/// No more memory for the process, under traffic; whether it ended of it.
async fn run_out(trial: &Trial, mut server: Server, chance: &Chance) -> io::Result<bool> {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", server.process()))?;
    // The sixth is what may be written, which is what this limit counts (proc(5), setrlimit(2)).
    let pages: u64 = statm.split_whitespace().nth(5).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    limit("", server.process(), &format!("--data={}:", pages * 4_096 + LEFT))?;
    let clients = traffic::start(trial, &server.address, 32, chance);
    // The process may end of it before the last one has come.
    let held = crowd(trial, &server);
    let begun = now();
    while begun.elapsed() < Duration::from_secs(3) && server.runs()? {
        // What is answered now may be anything but a false grant, which the books show.
        pay(trial, &trial.client, &server.address).await;
    }
    let ended = !server.runs()?;
    if !ended {
        server.kill()?;
    }
    drop(held);
    for client in clients {
        client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
    }
    Ok(ended)
}

//! The soak: a steady mixed load for a long time, after which the server holds no more than it did at the beginning.
//!
//! A round: paced clients wish for everything, a guest comes and goes, backups are made, jobs run; every few seconds resident
//! memory, descriptors, threads, the length of the database's log and of what the server prints are sampled. A first third, ten
//! minutes at most, is warm-up. Of the rest the median of the last third may be above that of the first third by a tenth and a
//! constant ([`MEASURES`]) at most. The database's log may grow to [`LONGEST_LOG`] and must start anew once it is longer than
//! [`STARTS_ANEW`]; what is printed may grow by [`PRINTED`] a minute. Then the server is killed, the checker and the book of
//! wishes look at what is there, and what was left open is asked for again.

use crate::chance::Chance;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::traffic::Tide;
use crate::faults::guest::Guest;
use crate::faults::vitals::Vitals;
use crate::faults::{How, Tally, now};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

/// The defect: whoever follows the events never closes the stream. To the server that is what a leak looks like: what a guest
/// had is not given back.
pub const DEFECT: &str = "kept-streams";
const CLIENTS: u32 = 8;
/// So long a client rests after each answer.
const PACE: Duration = Duration::from_millis(200);
/// What is sampled and must stay flat, and how much above a tenth it may grow: room for caches and for connections that come
/// and go.
const MEASURES: [(&str, u64); 4] =
    [("KiB resident", 24 * 1_024), ("descriptors", 16), ("threads", 8), ("bytes of the database's log", 64 << 20)];
/// What is allowed for memory after a warm-up of less than [`LONGEST_WARM_UP`]: KiB.
const STILL_WARMING_UP: u64 = 96 * 1_024;
/// A log file longer than this is cut by the writer (`sql`, `checkpoint.rs`).
const LONGEST_LOG: u64 = 512 << 20;
/// A log as long as this was to start anew (three times 4,096 frames), and a little.
const STARTS_ANEW: u64 = 64 << 20;
/// Bytes that may be printed in a minute.
const PRINTED: u64 = 16 << 10;
const LONGEST_WARM_UP: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// In the order of [`MEASURES`].
    flat: [u64; 4],
    /// How often the database's log was started anew in this file (the format's checkpoint sequence number).
    log: u32,
    /// Bytes that the server has printed.
    printed: u64,
    /// Bytes of the database file.
    database: u64,
}

/// Soaks one bank `rounds` times for so long.
///
/// # Errors
/// When the harness itself fails, or the time is too short for thirty samples half a second apart.
pub async fn run(how: &How, time: Duration) -> io::Result<Tally> {
    if time < Duration::from_secs(15) {
        return Err(io::Error::other("a soak needs a quarter of a minute at least"));
    }
    let place = tempfile::tempdir()?;
    let mut trial = Trial::prepare(place.path(), None).await?;
    let config = place.path().join("soak.toml");
    // A cache that is full after the warm-up, so that it looks like no leak.
    std::fs::write(&config, "caller_rate = 0\naddress_rate = 0\ncache_mib = 16\n")?;
    trial.start.arguments = vec!["--config".to_owned(), config.display().to_string()];
    let mut tally = Tally::default();
    for round in 1..=how.rounds {
        let chance = Chance::new(how.seed).branch(round);
        one(&trial, how, (time, &chance), &mut tally).await?;
        tally.rounds += 1;
    }
    let last = trial.close().await?;
    last.wrong.into_iter().for_each(|wrong| tally.wrong(format!("at the end: {wrong}")));
    let [done, refused] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    tally.fact(format!("{done} done and {refused} refused in {} s a round", time.as_secs()));
    Ok(tally)
}

async fn one(trial: &Trial, how: &How, (time, chance): (Duration, &Chance), tally: &mut Tally) -> io::Result<()> {
    let mut server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found::default();
    trial.settle(&server, &mut found).await;
    let tide = Tide::paced(trial, &server.address, (CLIENTS, PACE), chance);
    let mut guest = Guest::new(trial, &server, how.has(DEFECT));
    let every = Duration::from_secs(5).min(time / 30);
    let (begun, mut samples, mut told) = (now(), Vec::new(), 0);
    while begun.elapsed() < time {
        let next = now() + every;
        if let Err(error) = guest.visit().await {
            tally.wrong(format!("a guest was refused: {error}"));
        }
        if !server.runs()? {
            tally.wrong("the server has ended".to_owned());
            break;
        }
        let sample = sample(&server, &trial.start.directory)?;
        if begun.elapsed().as_secs() / 60 >= told {
            told = begun.elapsed().as_secs() / 60 + 1;
            println!("  after {} s: {sample:?}", begun.elapsed().as_secs());
        }
        samples.push(sample);
        tokio::time::sleep(next.saturating_duration_since(now())).await;
    }
    let (warm, half) = (LONGEST_WARM_UP.min(time / 3), time / 2);
    if tide.granted_since(begun + half).is_empty() {
        tally.wrong("nothing was granted in the second half".to_owned());
    }
    tide.stop().await?;
    tally.fact(format!("{} backups", guest.backups));
    // By their number: each visit takes about as long as any other.
    let skipped = usize::try_from(samples.len() as u128 * warm.as_millis() / time.as_millis().max(1)).unwrap_or(0);
    judge(&samples[skipped..], time, tally);
    server.kill()?;
    trial.examine(&mut found)?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    Ok(())
}

fn sample(server: &Server, data: &Path) -> io::Result<Sample> {
    let database = data.join(sql::FILE_NAME);
    let wal = PathBuf::from(format!("{}-wal", database.display()));
    let Vitals { resident, descriptors, threads } = Vitals::of(server.process())?;
    let mut head = [0; 16];
    let mut file = std::fs::File::open(&wal)?;
    let length = file.metadata()?.len();
    // A log that was just cut has no head.
    let log = match file.read_exact(&mut head) {
        Ok(()) => u32::from_be_bytes([head[12], head[13], head[14], head[15]]),
        Err(_) => 0,
    };
    let printed = std::fs::metadata(data.with_extension("log"))?.len();
    let database = std::fs::metadata(&database)?.len();
    Ok(Sample { flat: [resident, descriptors, threads, length], log, printed, database })
}

fn judge(steady: &[Sample], time: Duration, tally: &mut Tally) {
    let third = steady.len() / 3;
    if third == 0 {
        return tally.wrong(format!("{} samples are too few", steady.len()));
    }
    for (place, (name, room)) in MEASURES.iter().enumerate() {
        let value = |sample: &Sample| sample.flat[place];
        let (first, last) = (median(&steady[..third], value), median(&steady[steady.len() - third..], value));
        let most = steady.iter().map(value).max().unwrap_or(0);
        tally.fact(format!("{name}: {first} in the first third, {last} in the last, {most} at most"));
        let warming_up = place == 0 && time < 3 * LONGEST_WARM_UP;
        let room = if warming_up { STILL_WARMING_UP } else { *room };
        if last > first + first / 10 + room {
            tally.wrong(format!("{name}: {first} became {last}"));
        }
    }
    let (first, last) = (steady[0], steady[steady.len() - 1]);
    let longest = steady.iter().map(|sample| sample.flat[3]).max().unwrap_or(0);
    if longest > LONGEST_LOG || longest > STARTS_ANEW && first.log == last.log {
        tally.wrong(format!("the database's log grew to {longest} bytes, started anew {} times", last.log - first.log));
    }
    let printed = last.printed.saturating_sub(first.printed);
    if printed > PRINTED * (1 + time.as_secs() / 60) {
        tally.wrong(format!("{printed} bytes were printed"));
    }
    tally.fact(format!(
        "log number {} to {}; {printed} bytes printed; database {} to {} KiB; {} samples after the warm-up",
        first.log,
        last.log,
        first.database >> 10,
        last.database >> 10,
        steady.len()
    ));
}

fn median(samples: &[Sample], value: impl Fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(value).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

//! The herd: thousands of clients at once, each sending again as soon as it is turned away.
//!
//! A round: the goodput of a few clients is measured; then the disk becomes slow ([`SLOW`]; else two cores shared with the herd
//! never let the queue fill) and the herd comes, each client paying again and again for a while,
//! each payment sent under its key until it is answered, without manners and without patience; then the disk is as it was and the few are measured again. Somebody
//! is turned away, and whoever is, is told when to come again (`Retry-After`); no answer is another error of the server; within thirty seconds after the herd
//! the goodput is back at nine tenths; and at the end every payment stands in the books at most once, and exactly once when
//! it was acknowledged.

use crate::chance::Chance;
use crate::crash::book::{Told, key_of};
use crate::crash::client::exchange_within;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::faults::disk_full::{pay, wish_to_pay};
use crate::faults::{How, Tally, now, shim};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The defect: whoever sends again takes a new key.
pub const DEFECT: &str = "new-keys";
const FEW: usize = 16;
/// How long the storm lasts in a whole row; [`SHORT`] with fewer than a thousand clients.
const STORM: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_secs(6);
/// How much longer each flush takes during the storm, milliseconds: longer than a wish may wait in the queue.
const SLOW: u64 = 600;
const BACK: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(3);

/// Answers by status, and how many of 503 or 429 did not say when to come again.
#[derive(Default)]
struct Answers {
    statuses: BTreeMap<u16, u64>,
    mute: u64,
    answered: u64,
}

/// Lets the herd come `rounds` times.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How, clients: usize) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let mut trial = Trial::prepare(place.path(), None).await?;
    // Limits per caller and fair shares would turn the herd away before it reaches what is tested here.
    let config = place.path().join("herd.toml");
    std::fs::write(&config, "caller_rate = 0\ncredential_rate = 0\naddress_rate = 0\nfair_share = 0\n")?;
    trial.start.arguments = vec!["--config".to_owned(), config.display().to_string()];
    let (library, slow) = (shim::build(place.path())?, place.path().join("slow"));
    trial.start.environment = shim::slow_disk(&library, &trial.start.directory, (&slow, SLOW));
    let (mut tally, weather) = (Tally::default(), Weather { slow, fresh: how.has(DEFECT) });
    for round in 1..=how.rounds {
        let told = one(&trial, &weather, (clients, &Chance::new(how.seed).branch(round)), &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        tally.fact(told);
    }
    let last = trial.close().await?;
    last.wrong.into_iter().for_each(|wrong| tally.wrong(format!("at the end: {wrong}")));
    Ok(tally)
}

/// What a round is made of beside its clients.
struct Weather {
    /// The disk is slow while this file exists.
    slow: PathBuf,
    /// Whoever sends again takes a new key.
    fresh: bool,
}

async fn one(
    trial: &Trial,
    weather: &Weather,
    (clients, chance): (usize, &Chance),
    tally: &mut Tally,
) -> io::Result<String> {
    let mut server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found::default();
    goodput(trial, &server.address).await;
    let before = goodput(trial, &server.address).await;
    std::fs::write(&weather.slow, "")?;
    let end = now() + if clients < 1_000 { SHORT } else { STORM };
    let herd = (0..clients).map(|number| {
        let (trial, address, chance) = (trial.clone(), server.address.clone(), chance.branch(number as u64));
        let fresh = weather.fresh;
        tokio::spawn(async move { member(&trial, &address, (chance, end, fresh)).await })
    });
    let mut all = Answers::default();
    for member in herd.collect::<Vec<_>>() {
        let answers = member.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        answers.statuses.into_iter().for_each(|(status, count)| *all.statuses.entry(status).or_default() += count);
        all.mute += answers.mute;
        all.answered += answers.answered;
    }
    std::fs::remove_file(&weather.slow)?;
    let (over, mut after) = (now(), 0.0);
    while over.elapsed() < BACK && after < 0.9 * before {
        after = goodput(trial, &server.address).await;
    }
    let back = over.elapsed();
    if after < 0.9 * before {
        tally.wrong(format!("the goodput was {before:.0}/s and is {after:.0}/s after {} s", BACK.as_secs()));
    }
    if !all.statuses.contains_key(&503) {
        tally.wrong("nobody was turned away, so nothing was tested".to_owned());
    }
    if all.mute > 0 {
        tally.wrong(format!("{} were turned away and not told when to come again", all.mute));
    }
    if let Some((status, count)) = all.statuses.iter().find(|(status, _)| **status >= 500 && **status != 503) {
        tally.wrong(format!("{count} answers were {status}"));
    }
    if !server.runs()? {
        tally.wrong("the server has ended".to_owned());
    }
    trial.settle(&server, &mut found).await;
    server.kill()?;
    trial.examine(&mut found)?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    let statuses: Vec<String> = all.statuses.iter().map(|(status, count)| format!("{count} of {status}")).collect();
    Ok(format!(
        "{clients} clients, {} answered in the storm ({}; 0 is none); goodput {before:.0}/s, then {after:.0}/s {:.1} s after it",
        all.answered,
        statuses.join(", "),
        back.as_secs_f64()
    ))
}

/// Payments a second that a few clients get through in a window.
async fn goodput(trial: &Trial, address: &str) -> f64 {
    let begun = now();
    let few = (0..FEW).map(|_| {
        let (trial, address) = (trial.clone(), address.to_owned());
        tokio::spawn(async move {
            let mut answered = 0_u32;
            while begun.elapsed() < WINDOW {
                answered += u32::from(pay(&trial, &address).await.told != Told::Nothing);
            }
            answered
        })
    });
    let mut answered = 0;
    for one in few.collect::<Vec<_>>() {
        answered += one.await.unwrap_or(0);
    }
    f64::from(answered) / begun.elapsed().as_secs_f64()
}

/// One client of the herd: pays again and again until the time is over. It hangs up when it has waited a second or so, and sends
/// the same again at once.
async fn member(trial: &Trial, address: &str, (mut chance, end, fresh): (Chance, Instant, bool)) -> Answers {
    let mut answers = Answers::default();
    while now() < end {
        let (number, mut call) = wish_to_pay(trial);
        let mut key = key_of(number);
        let mut again = fresh;
        while now() < end {
            let patience = Duration::from_millis(500 + chance.below(1_000));
            let answer = exchange_within(patience, (&trial.client, address), &key, &call).await;
            *answers.statuses.entry(answer.status).or_default() += 1;
            answers.mute += u64::from(matches!(answer.status, 503 | 429) && !answer.retry_after);
            if std::mem::take(&mut again) {
                // The merchant's reference would be recognised too.
                key = format!("{key}-again");
                call.body["reference"] = key.as_str().into();
            } else if answer.told != Told::Nothing {
                trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = answer.told;
                answers.answered += 1;
                break;
            }
            tokio::time::sleep(Duration::from_millis(chance.below(100))).await;
        }
    }
    answers
}

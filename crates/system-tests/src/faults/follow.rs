//! The server is killed under load while a copy goes on (`backup --follow`), and a bank is made of the copy.
//!
//! A round: the real executable serves and copies, clients pay as fast as they are answered. Every third round the destination
//! is away for a second. The harness notes what had been acknowledged at one moment, and what had been sent a second later;
//! then what had been acknowledged a second before the kill (SIGKILL, which ends the copying with the server: it lives there).
//! `jiaozi restore` makes two banks of the copy, the last moment and the moment in between. In both everything must be there
//! that had been acknowledged a second before, nothing that had not been sent, and the checker must find nothing. The next
//! round goes on with the same bank and the same copy.

use crate::chance::Chance;
use crate::crash::book::{Book, Told};
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::{traffic, verdict};
use crate::faults::{How, Tally, now};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::PoisonError;
use std::time::Duration;
use vocabulary::Timestamp;

/// The defect: some frames of the log are passed over.
pub const DEFECT: &str = "skip-frames";
const CLIENTS: u32 = 16;
/// So much younger than the fault may be what is missing.
const POINT: Duration = Duration::from_secs(1);
/// Within so long a copy is whole, or has caught up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kills and restores `rounds` times.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let trial = Trial::prepare(place.path(), how.defect.clone()).await?;
    let to = place.path().join("copy");
    let mut follow = Command::new(&trial.start.executable);
    follow.arg("backup").arg("--follow").arg(&to).arg("--data").arg(&trial.start.directory);
    told(follow.args(["--base-every", "20s"]))?;
    let (mut tally, mut oldest) = (Tally::default(), 0);
    for round in 1..=how.rounds {
        let (wrong, behind) = one(&trial, &to, round, Chance::new(how.seed).branch(round)).await?;
        tally.rounds += 1;
        oldest = oldest.max(behind);
        wrong.into_iter().for_each(|wrong| tally.wrong(format!("round {round}: {wrong}")));
        println!("  round {round}: the copy's last moment is {behind} ms before the kill");
    }
    if how.defect.is_none() {
        let last = trial.close().await?;
        last.wrong.into_iter().for_each(|wrong| tally.wrong(format!("at the end: {wrong}")));
    }
    let [done, refused] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    tally.fact(format!(
        "{done} done and {refused} refused; a copy's last moment was at most {oldest} ms before the kill"
    ));
    Ok(tally)
}

/// One round; what is wrong, and how many milliseconds lay between the copy's last moment and the kill.
async fn one(trial: &Trial, to: &Path, round: u64, mut chance: Chance) -> io::Result<(Vec<String>, i64)> {
    let server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found::default();
    trial.settle(&server, &mut found).await;
    caught_up(to).await?;
    let clients = traffic::start(trial, &server.address, CLIENTS, &chance);
    tokio::time::sleep(Duration::from_millis(300 + chance.below(1_500))).await;
    if round.is_multiple_of(3) {
        let away = to.with_extension("away");
        std::fs::rename(to, &away)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        std::fs::rename(&away, to)?;
        caught_up(to).await?;
    }
    let early = snapshot(trial);
    tokio::time::sleep(POINT).await;
    let between = wall_clock();
    let sent = snapshot(trial).wishes.len();
    let early = as_known(&early, &snapshot(trial), sent);
    tokio::time::sleep(Duration::from_millis(chance.below(1_000))).await;
    let late = snapshot(trial);
    tokio::time::sleep(POINT).await;
    let killed = wall_clock();
    server.kill()?;
    for client in clients {
        client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
    }
    trial.examine(&mut found)?;
    let all = snapshot(trial);
    let late = as_known(&late, &all, all.wishes.len());
    let place = tempfile::tempdir()?;
    let last = restored(trial, to, &place.path().join("last"), None);
    let at = Timestamp::from_micros(between).to_string();
    let then = restored(trial, to, &place.path().join("then"), Some(&at));
    for (what, restored, book) in [("the last moment", &last, &late), ("the moment between", &then, &early)] {
        let wrong = restored
            .as_ref()
            .map_err(String::clone)
            .and_then(|(data, _)| verdict::judge(&data.join(sql::FILE_NAME), book));
        found.wrong.extend(wrong.err().map(|wrong| format!("{what}: {wrong}")));
    }
    let behind = last.map_or(0, |(_, moment)| (killed - moment) / 1_000);
    Ok((found.wrong, behind))
}

/// Waits until everything that is committed now is in the copy.
async fn caught_up(to: &Path) -> io::Result<()> {
    let (begun, moment) = (now(), wall_clock());
    while sql::copy_state(to).ok().flatten().is_none_or(|state| state.covered <= moment) {
        if begun.elapsed() > PATIENCE {
            return Err(io::Error::other("the copy has not caught up in a minute"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// The book as it is now.
pub(crate) fn snapshot(trial: &Trial) -> Book {
    trial.book.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The first wishes of a later book, as far as they had been answered in the earlier one: the others may have been granted.
pub(crate) fn as_known(earlier: &Book, later: &Book, sent: usize) -> Book {
    let mut wishes = later.wishes[..sent].to_vec();
    for (number, wish) in wishes.iter_mut().enumerate() {
        wish.told = earlier.wishes.get(number).map_or(Told::Nothing, |known| known.told.clone());
    }
    Book { wishes, also_expected: later.also_expected.clone() }
}

type Restored = Result<(std::path::PathBuf, i64), String>;

/// Makes a bank of the copy with the real command; its directory and its moment.
fn restored(trial: &Trial, to: &Path, data: &Path, at: Option<&str>) -> Restored {
    let mut command = Command::new(&trial.start.executable);
    command.arg("restore").arg("--from").arg(to).arg(data).arg("--json");
    command.arg("--key").arg(trial.start.directory.join("vault.key"));
    command.args(at.iter().flat_map(|at| ["--at", at]));
    let said = told(&mut command).map_err(|error| error.to_string())?;
    let said: serde_json::Value = serde_json::from_str(&said).map_err(|error| format!("{error}: {said}"))?;
    let moment = said["moment"].as_str().and_then(|moment| Timestamp::parse(moment).ok());
    let moment = moment.ok_or_else(|| format!("no moment in {said}"))?;
    Ok((data.to_owned(), moment.micros()))
}

/// Runs a command to its end; what it printed.
pub(crate) fn told(command: &mut Command) -> io::Result<String> {
    let ended = command.stdin(Stdio::null()).output()?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&ended.stderr))))
}

#[expect(clippy::disallowed_methods, reason = "moments of a copy are the machine's time")]
fn wall_clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

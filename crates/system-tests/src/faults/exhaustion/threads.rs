//! Threads run out: the process may start no more of them, and then may again.
//!
//! The limit counts all threads of a user, so the server gets a user of its own where the harness may choose one.

use super::{BACK, BOUND, DEFECT, Regulars, bank_under, judged, limit, until_a_newcomer_is_granted};
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::faults::vitals::Vitals;
use crate::faults::{How, Tally, now};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A user that no machine has.
const NOBODY: u32 = 61_234;
/// So long there are none to be had.
const OUT: Duration = Duration::from_secs(4);
/// A thread that waits for work ends after ten seconds: then none is left over from the start.
const IDLE: Duration = Duration::from_secs(11);

pub(super) async fn one(how: &How, tally: &mut Tally) -> io::Result<String> {
    let place = tempfile::tempdir()?;
    let root = std::fs::metadata(place.path())?.uid() == 0;
    let prefix = if root { format!("setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups") } else { String::new() };
    let trial = bank_under(place.path(), &prefix).await?;
    if root {
        give(place.path())?;
    }
    let server = Server::start(&trial.start, &trial.client).await?;
    let mut found = Found::default();
    trial.settle(&server, &mut found).await;
    tokio::time::sleep(IDLE).await;
    let threads = Vitals::of(server.process())?.threads;
    let usual = most_threads(server.process())?;
    limit(&prefix, server.process(), "--nproc=1:")?;
    let (regulars, begun) = (Regulars::start(&trial, &server), now());
    let (mut answered, mut turned_away) = (0, 0);
    while begun.elapsed() < OUT {
        let statuses = crowd(&trial, &server).await?;
        answered += statuses.iter().filter(|status| (200..500).contains(*status)).count();
        turned_away += statuses.iter().filter(|status| **status == 503).count();
        for odd in statuses.into_iter().filter(|status| *status == 0 || *status >= 500 && *status != 503) {
            tally.wrong(format!("a reader was told {odd} while threads were out"));
        }
    }
    let (most, meanwhile) = (Vitals::of(server.process())?.threads, regulars.granted());
    if most > threads {
        tally.wrong(format!("{threads} threads became {most}: the limit did nothing"));
    }
    if !how.has(DEFECT) {
        limit(&prefix, server.process(), &format!("--nproc={usual}:"))?;
    }
    let back = until_a_newcomer_is_granted(&trial, &server).await?;
    if back.is_none() {
        tally.wrong(format!("threads: no newcomer was granted within {} s", BACK.as_secs()));
    }
    let after = crowd(&trial, &server).await?;
    if let Some(odd) = after.into_iter().find(|status| !(200..500).contains(status)) {
        tally.wrong(format!("a reader was told {odd} after threads were to be had again"));
    }
    regulars.stop(tally).await?;
    judged(&trial, server, tally).await?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    Ok(format!(
        "{threads} threads and no more ({most} at the end); {meanwhile} payments granted, {answered} reads answered and \
         {turned_away} turned away meanwhile; a newcomer after {} ms",
        back.unwrap_or(BACK).as_millis()
    ))
}

/// How many threads the user may have now.
fn most_threads(process: u32) -> io::Result<String> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits"))?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max processes"));
    let soft = line.and_then(|rest| rest.split_whitespace().next());
    soft.map(str::to_owned).ok_or_else(|| io::Error::other("the machine does not tell the limit of threads"))
}

/// The server's user has to get through to the data, and own it.
fn give(place: &Path) -> io::Result<()> {
    std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755))?;
    let owner = format!("{NOBODY}:{NOBODY}");
    let status = Command::new("chown").args(["-R", &owner]).arg(place).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("the data cannot be given to another user")) }
}

/// Reads and sign-ins at once, which take threads; the statuses, 0 for none within the bound.
async fn crowd(trial: &Trial, server: &Server) -> io::Result<Vec<u16>> {
    let ask = |number: usize| {
        let customer = &trial.world.customers[number % trial.world.customers.len()];
        let request = match number % 3 {
            0 => trial.client.get(format!("{}/v1/wallet", server.address)).bearer_auth(&customer.token),
            1 => trial.client.get(format!("{}/v1/staff/trial-balance", server.address)).bearer_auth(&trial.staff),
            _ => {
                let body = serde_json::json!({"sign_in": format!("+86136{number:08}"), "password": "not this one"});
                trial.client.post(format!("{}/v1/sessions", server.address)).json(&body)
            }
        };
        tokio::spawn(request.timeout(BOUND).send())
    };
    let mut statuses = Vec::new();
    for asked in (0..30).map(ask).collect::<Vec<_>>() {
        let answer = asked.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        statuses.push(answer.map_or(0, |answer| answer.status().as_u16()));
    }
    Ok(statuses)
}

//! `jiaozi backup --follow`: tells the process that serves a bank to copy every change, and waits until the copy is whole.

use crate::failure::{Ended, Failure};
use crate::output;
use crate::place::Place;
use crate::progress::Progress;
use crate::restore;
use crate::system::SystemEntropy;
use serde_json::json;
use sql::{CopyState, DirectoryLock, LockError, Wish};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vocabulary::{Entropy, Timestamp};

/// Reads a length of time such as `90s`, `15m`, `12h`, `7d`.
pub fn time(text: &str) -> Result<Duration, String> {
    let what = || "write a number and a unit: 90s, 15m, 12h or 7d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(what)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(what()),
    };
    let number: u64 = number.parse().map_err(|_| what())?;
    number.checked_mul(seconds).filter(|all| *all > 0).map(Duration::from_secs).ok_or_else(what)
}

/// Writes the wish, and waits for the copy while the bank is served.
pub fn begin(place: &Place, to: &Path, (keep, base_every): (Duration, Duration), json: bool) -> Result<Ended, Failure> {
    place.database()?;
    let cannot = || format!("{} cannot take the copy", to.display());
    let to = absolute(to).map_err(|error| Failure::because(cannot(), error))?;
    let data = absolute(&place.data).map_err(|error| Failure::because(cannot(), error))?;
    if to.starts_with(&data) || data.starts_with(&to) {
        return Err(Failure::usage(format!(
            "{} and {} are on one disk, one within the other; name a directory on another disk",
            to.display(),
            data.display()
        )));
    }
    let mut number = [0; 16];
    SystemEntropy.fill(&mut number);
    let id = format!("{:032x}", u128::from_be_bytes(number));
    let wish = Wish { to: to.clone(), id, keep, base_every };
    let begun = covered(&to);
    sql::copy_wish(&data, &wish).map_err(|error| Failure::because(cannot(), error))?;
    match DirectoryLock::take(&data) {
        Err(LockError::InUse) => wait(&to, begun, json)?,
        Ok(lock) => {
            drop(lock);
            if json {
                output::json(&json!({ "to": to, "whole": false }));
            } else {
                output::line(&format!("{}: the copy begins when the bank is served", to.display()));
            }
        }
        Err(error) => return Err(Failure::because(cannot(), error)),
    }
    if !json {
        output::diagnostic(&restore::about_keys(&place.data));
    }
    Ok(Ended::Fine)
}

/// Takes the wish back.
pub fn end(place: &Place, json: bool) -> Result<Ended, Failure> {
    if !place.data.is_dir() {
        place.database()?;
    }
    let was = Wish::take_back(&place.data)
        .map_err(|error| Failure::because(format!("the copy of {} cannot be ended", place.data.display()), error))?;
    if json {
        output::json(&json!({ "ended": was }));
    } else {
        output::line(if was {
            "changes are not copied any more; what was copied stays"
        } else {
            "no copy of this bank was asked for"
        });
    }
    Ok(Ended::fine_if(was))
}

fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    std::fs::canonicalize(path).or_else(|_| std::path::absolute(path))
}

fn covered(to: &Path) -> i64 {
    sql::copy_state(to).ok().flatten().map_or(0, |state| state.covered)
}

/// Waits until the copy goes beyond where it was.
fn wait(to: &Path, begun: i64, json: bool) -> Result<(), Failure> {
    let mut progress = Progress::new("copy");
    let (mut state, mut looked): (Option<CopyState>, u32) = (None, 0);
    while state.is_none_or(|state| state.covered <= begun) {
        std::thread::sleep(Duration::from_millis(100));
        // While files change a look at them may fail: the next one tells.
        state = sql::copy_state(to).ok().flatten();
        progress.at("bytes", bytes(to), 0);
        looked += 1;
        if looked == 100 && sql::copy_state(to).is_ok_and(|state| state.is_none()) && bytes(to) < 4_096 {
            output::diagnostic("nothing has arrived in ten seconds: the log of the serving process says why");
        }
    }
    progress.finish();
    let Some(state) = state else { return Ok(()) };
    let moment = |micros| Timestamp::from_micros(micros).to_string();
    let (oldest, newest) = (moment(state.oldest), moment(state.newest));
    if json {
        output::json(&json!({ "to": to, "whole": true, "oldest": oldest, "newest": newest }));
    } else {
        output::line(&format!("{}: the copy is whole and goes on; moments from {oldest}", to.display()));
    }
    Ok(())
}

fn bytes(directory: &Path) -> u64 {
    let items = std::fs::read_dir(directory).into_iter().flatten().flatten();
    items
        .map(|item| if item.path().is_dir() { bytes(&item.path()) } else { item.metadata().map_or(0, |m| m.len()) })
        .sum()
}

//! The n-th write or flush fails, once or from there on, for n = 1, 2, 3 … until a whole load passes without reaching it.
//!
//! A round is one n of one series: a fresh small bank, loaded in a process of its own, that meets the failure. It must then
//! end, or say that it cannot; never may it acknowledge what is not there. A flush of the log that fails under the writer must
//! end the process: the kernel has forgotten the pages by then, and a second flush would say yes. The bank is opened again
//! without the fault; everything acknowledged is there once, nothing else that was never sent, and it moves money.

use crate::faults::{How, Tally, shim};
use crate::powercut::disk::Files;
use crate::powercut::history::{self, History, Marks};
use crate::powercut::loader::{self, Load};
use crate::powercut::{session, verdict};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The series: the call, the error, and whether it stays.
const CALLS: [&str; 3] = ["write", "fsync", "fdatasync"];
/// `errno` on Linux.
const ERRORS: [(&str, i32); 2] = [("EIO", 5), ("ENOSPC", 28)];

struct Series {
    call: &'static str,
    error: (&'static str, i32),
    stays: bool,
}

/// A load that ended under a fault.
struct Ended {
    status: ExitStatus,
    /// Thread and file of the call that failed first, if one did.
    hit: Option<(String, String)>,
    /// The load went on to its end after that.
    went_on: bool,
    history: History,
}

/// What the process under the fault does: the load, then a mark that it has come to the end of it.
///
/// # Errors
/// When the bank does not open, or the history cannot be written.
pub fn child(directory: &Path, load: &Load) -> io::Result<()> {
    let store = loader::open(directory).map_err(io::Error::other)?;
    let marks = Marks::open(directory)?;
    loader::run_on(&store, &marks, load)?;
    std::fs::File::options().append(true).open(directory.join(history::FILE))?.write_all(b"e\n")
}

/// Runs every series; `rounds` bounds n in each (0: until a load passes).
///
/// # Errors
/// When the harness itself fails.
pub fn run(how: &How, load: &Load) -> io::Result<Tally> {
    let place = tempfile::tempdir()?;
    let library = shim::build(place.path())?;
    let fresh = place.path().join("fresh");
    loader::prepare(&fresh)?;
    let base = session::files_of(&fresh)?;
    let mut tally = Tally::default();
    for call in CALLS {
        for error in ERRORS {
            for stays in [false, true] {
                let series = Series { call, error, stays };
                let told = run_series(how, load, &series, (&library, &base, &mut tally))?;
                println!("  {told}");
                tally.fact(told);
            }
        }
    }
    Ok(tally)
}

fn run_series(
    how: &How,
    load: &Load,
    series: &Series,
    (library, base, tally): (&Path, &Files, &mut Tally),
) -> io::Result<String> {
    let name = format!("{} {}{}", series.call, series.error.0, if series.stays { " from there on" } else { "" });
    let (mut ended, mut answered) = (0, 0);
    for n in 1.. {
        if how.rounds > 0 && n > how.rounds {
            return Ok(format!("{name}: stopped after n = {}, {ended} ended, {answered} acknowledged", how.rounds));
        }
        let place = tempfile::tempdir()?;
        for (file, content) in base {
            std::fs::write(place.path().join(file), content)?;
        }
        let end = load_under(how, load, series, (library, place.path(), n))?;
        tally.rounds += 1;
        answered += end.history.acknowledged();
        let Some((thread, file)) = &end.hit else {
            if !end.status.success() {
                tally.wrong(format!("{name}, n = {n}: no call failed, and the load ended with {}", end.status));
            }
            return Ok(format!("{name}: passed at n = {n}, {ended} ended, {answered} acknowledged"));
        };
        ended += u64::from(!end.status.success());
        if series.call != "write" && thread == "writer" && file.ends_with("-wal") && end.went_on {
            tally.wrong(format!("{name}, n = {n}: the bank went on after a flush of its log had failed"));
        }
        if let Err(finding) = verdict::judge(place.path(), &end.history) {
            tally.wrong(format!("{name}, n = {n} ({file}, {thread}): {finding}"));
            if how.defect.is_some() {
                return Ok(format!("{name}: noticed at n = {n}"));
            }
        }
    }
    Ok(name)
}

fn load_under(how: &How, load: &Load, series: &Series, (library, data, n): (&Path, &Path, u64)) -> io::Result<Ended> {
    let file = data.join(history::FILE);
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["nth-io", "--load"]).arg(data).args(["--seed", &load.seed.to_string()]);
    child.args(["--clients", &load.clients.to_string(), "--wishes", &load.wishes.to_string()]);
    child.env("LD_PRELOAD", library).env("FAULTS_DIR", data).env("FAULTS_CALL", series.call);
    child.env("FAULTS_NTH", n.to_string()).env("FAULTS_ERROR", series.error.1.to_string()).env("FAULTS_HISTORY", &file);
    child.env("FAULTS_STAYS", i32::from(series.stays).to_string());
    if let Some(defect) = &how.defect {
        child.env("JIAOZI_DEFECT", defect);
    }
    let status = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let text = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    read(status, &text)
}

/// Takes the marks of the shim and of the end out of the history.
fn read(status: ExitStatus, text: &str) -> io::Result<Ended> {
    let mut ended = Ended { status, hit: None, went_on: false, history: History::default() };
    for line in text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("x"), Some(thread), Some(file)) => ended.hit = Some((thread.to_owned(), file.to_owned())),
            (Some("e"), None, None) => ended.went_on = ended.hit.is_some(),
            _ => ended.history.add(line.as_bytes())?,
        }
    }
    Ok(ended)
}

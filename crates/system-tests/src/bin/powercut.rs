//! Cuts the power of a loaded bank, again and again, and checks what is left: see `system_tests::powercut`.

use clap::Parser;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use system_tests::chance::Chance;
use system_tests::powercut::disk::{Disk, Fate, Files};
use system_tests::powercut::loader::{self, Load};
use system_tests::powercut::session::{self, Session};
use system_tests::powercut::trace::Event;
use system_tests::powercut::verdict;

/// Cuts the power of a loaded bank again and again; writes that were not flushed are lost, torn or reordered.
#[derive(Parser)]
#[command(after_help = "Examples:\n  powercut --rounds 200\n  powercut --rounds 50 --seed 7 --defect no-sync")]
struct Arguments {
    /// How many cuts.
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// Decides loads, places and fates.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many cuts each loaded session serves.
    #[arg(long, default_value_t = 50)]
    cuts: u64,
    /// How long a session is loaded.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Clients at once.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// How many wishes each client has at most.
    #[arg(long, default_value_t = u64::MAX)]
    wishes: u64,
    /// Run on a defect (answer-before-commit, no-sync): then the harness must find something, or it fails.
    #[arg(long)]
    defect: Option<String>,
    /// Where disks of failed rounds are kept.
    #[arg(long, default_value = "powercut-failures")]
    keep: PathBuf,
    /// Load this directory and end: what a session does in its own process.
    #[arg(long, hide = true)]
    load: Option<PathBuf>,
}

#[derive(Default)]
struct Score {
    passed: u64,
    failed: u64,
    acknowledged: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let time = Duration::from_secs(arguments.seconds);
    let load = Load { seed: arguments.seed, clients: arguments.clients, time, wishes: arguments.wishes };
    if let Some(directory) = &arguments.load {
        return finish(loader::run(directory, &load).map(|()| true));
    }
    if arguments.defect.is_some() && !cfg!(feature = "seeded-defects") {
        eprintln!("powercut: this build has no defects in it; build it with --features seeded-defects");
        return ExitCode::from(2);
    }
    finish(rounds(&arguments, load).map(|score| report(&arguments, &score)))
}

fn finish(result: io::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("powercut: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(arguments: &Arguments, score: &Score) -> bool {
    println!("answers that came before a cut and were looked for: {}", score.acknowledged);
    println!("{} passed, {} failed", score.passed, score.failed);
    match &arguments.defect {
        None => score.failed == 0,
        Some(defect) => {
            let noticed = score.failed > 0;
            println!("defect {defect}: {}", if noticed { "noticed" } else { "NOT noticed" });
            noticed
        }
    }
}

fn rounds(arguments: &Arguments, load: Load) -> io::Result<Score> {
    let place = tempfile::tempdir()?;
    let shim = session::build_shim(place.path())?;
    let mut score = Score::default();
    let (mut left, mut number) = (arguments.rounds, 0);
    while left > 0 {
        number += 1;
        let mut chance = Chance::new(arguments.seed).branch(number);
        let directory = tempfile::tempdir_in(place.path())?;
        let load = Load { seed: chance.next(), ..load };
        let session = session::record(directory.path(), &shim, &load, arguments.defect.as_deref())?;
        let cuts = left.min(arguments.cuts);
        left -= cuts;
        println!("session {number}: {cuts} cuts in {}", told_trace(&session));
        cut(&session, cuts, arguments, &mut chance, &mut score)?;
    }
    Ok(score)
}

/// Places in the trace, in order: half of them anywhere, half right before or after a flush, a cut of a file or an answer.
fn places(session: &Session, cuts: u64, chance: &mut Chance) -> Vec<usize> {
    let events = &session.trace.events;
    let turns =
        |event: &Event| matches!(event, Event::SyncBegun { .. } | Event::SyncEnded { .. } | Event::Truncate { .. });
    let turning: Vec<usize> = (0..events.len()).filter(|place| turns(&events[*place])).collect();
    let mut places: Vec<usize> = Vec::new();
    for _ in 0..cuts {
        let anywhere = 1 + chance.place(events.len());
        let near = turning.get(chance.place(turning.len())).map_or(anywhere, |turn| turn + chance.place(3));
        places.push(if chance.percent(50) { anywhere } else { near }.min(events.len()));
    }
    places.sort_unstable();
    places
}

fn cut(session: &Session, cuts: u64, arguments: &Arguments, chance: &mut Chance, score: &mut Score) -> io::Result<()> {
    let mut disk = Disk::new(&session.trace, &session.base);
    for place in places(session, cuts, chance) {
        disk.advance(place)?;
        let (files, fates) = disk.cut(chance);
        let directory = tempfile::tempdir()?;
        write_files(directory.path(), &files)?;
        score.acknowledged += disk.history.acknowledged();
        let round = score.passed + score.failed + 1;
        match verdict::judge(directory.path(), &disk.history) {
            Ok(()) => score.passed += 1,
            Err(finding) => {
                score.failed += 1;
                println!("round {round}, event {place}: {finding}\n  {}", told(&fates));
                if arguments.defect.is_none() {
                    let kept = arguments.keep.join(format!("seed-{}-round-{round}", arguments.seed));
                    std::fs::create_dir_all(&kept)?;
                    write_files(&kept, &files)?;
                    println!("  the disk is kept in {}", kept.display());
                }
            }
        }
        if round.is_multiple_of(10) {
            println!("{round} rounds, {} failed", score.failed);
            io::stdout().flush()?;
        }
    }
    Ok(())
}

fn told_trace(session: &Session) -> String {
    let (mut writes, mut flushes) = (0, 0);
    for event in &session.trace.events {
        match event {
            Event::Write { .. } => writes += 1,
            Event::SyncEnded { .. } => flushes += 1,
            Event::Truncate { .. } | Event::SyncBegun { .. } | Event::Unlink { .. } => {}
        }
    }
    let megabytes = session.trace.bytes.len() >> 20;
    format!("{writes} writes and {flushes} flushes ({megabytes} MB)")
}

fn told(fates: &[(String, Fate)]) -> String {
    let told: Vec<String> = fates.iter().map(|(name, fate)| format!("{name}: unflushed writes {fate:?}")).collect();
    if told.is_empty() { "nothing was unflushed".to_owned() } else { told.join(", ") }
}

fn write_files(directory: &Path, files: &Files) -> io::Result<()> {
    files.iter().try_for_each(|(name, content)| std::fs::write(directory.join(name), content))
}

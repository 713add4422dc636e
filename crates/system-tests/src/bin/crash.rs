//! Kills a loaded server again and again and checks what it had promised: see `system_tests::crash`.

use clap::Parser;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::PoisonError;
use std::time::Duration;
use system_tests::chance::Chance;
use system_tests::crash::round::{Found, Load, Trial};

/// Kills (-9) a loaded server again and again; everything that was acknowledged must be there exactly once.
#[derive(Parser)]
#[command(after_help = "Examples:\n  crash --rounds 20\n  crash --rounds 10 --seed 7 --defect answer-before-commit")]
struct Arguments {
    /// How many kills.
    #[arg(long, default_value_t = 10)]
    rounds: u64,
    /// Decides wishes and moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients at once.
    #[arg(long, default_value_t = 32)]
    clients: u32,
    /// Kill after at least so many milliseconds of load.
    #[arg(long, default_value_t = 200)]
    at_least: u64,
    /// And at most so many.
    #[arg(long, default_value_t = 1500)]
    at_most: u64,
    /// Run on a defect (answer-before-commit) of an executable that has it built in: then the harness must find something.
    #[arg(long)]
    defect: Option<String>,
}

#[derive(Default)]
struct Score {
    passed: u64,
    failed: u64,
    settled: usize,
    slowest_start: Duration,
}

impl Score {
    fn add(&mut self, round: u64, found: &Found) {
        for wrong in &found.wrong {
            println!("round {round}: {wrong}");
        }
        if found.wrong.is_empty() {
            self.passed += 1
        } else {
            self.failed += 1
        }
        self.settled += found.settled;
        self.slowest_start = self.slowest_start.max(found.ready_after);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> io::Result<bool> {
    let place = tempfile::tempdir()?;
    let trial = Trial::prepare(place.path(), arguments.defect.clone()).await?;
    let load = Load {
        clients: arguments.clients,
        at_least: Duration::from_millis(arguments.at_least),
        at_most: Duration::from_millis(arguments.at_most.max(arguments.at_least)),
    };
    let (seed, mut score) = (Chance::new(arguments.seed), Score::default());
    for round in 1..=arguments.rounds {
        let found = trial.round(&load, seed.branch(round)).await?;
        score.add(round, &found);
        let [done, refused] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
        println!("round {round}: {done} done and {refused} refused so far, {} failed", score.failed);
        io::stdout().flush()?;
    }
    if arguments.defect.is_none() {
        let last = trial.close().await?;
        score.slowest_start = score.slowest_start.max(last.ready_after);
        score.settled += last.settled;
        if !last.wrong.is_empty() {
            println!("at the end: {:?}", last.wrong);
            score.failed += 1;
        }
    }
    if score.failed > 0 && arguments.defect.is_none() {
        let kept = place.keep();
        println!("the data directory is kept in {}", kept.display());
    }
    Ok(report(arguments, &trial, &score))
}

/// The codes of refusals and how often each came.
fn refusals(trial: &Trial) -> String {
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for wish in &trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes {
        if let Some(code) = wish.refusal() {
            *codes.entry(code.to_owned()).or_default() += 1;
        }
    }
    let told: Vec<String> = codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
    told.join(", ")
}

fn report(arguments: &Arguments, trial: &Trial, score: &Score) -> bool {
    let [done, refused] = trial.book.lock().unwrap_or_else(PoisonError::into_inner).acknowledged();
    println!("acknowledged: {done} done, {refused} refused; {} answered only after a restart", score.settled);
    println!("refused with: {}", refusals(trial));
    println!("slowest start: {} ms", score.slowest_start.as_millis());
    println!("{} passed, {} failed", score.passed, score.failed);
    match &arguments.defect {
        None => score.failed == 0,
        Some(defect) => {
            println!("defect {defect}: {}", if score.failed > 0 { "noticed" } else { "NOT noticed" });
            score.failed > 0
        }
    }
}

//! Simulates a bank from seeds, thousands of times: see `system_tests::simulate`.

use clap::Parser;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use system_tests::faults::shim;
use system_tests::powercut::session;
use system_tests::simulate::disk::SimDisk;
use system_tests::simulate::run::{Failure, Plan, Ran, Run};
use system_tests::simulate::world::World;

/// Simulates clients, the bank, the bank beside it, clock and disk in one process; a seed decides everything.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  simulate --seeds 2000\n  simulate --seeds 1 --seed 17 --steps 300 --aloud\n  simulate --seeds 50 --defect no-sync"
)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps of each before everything is healed.
    #[arg(long, default_value_t = 300)]
    steps: u64,
    /// Each seed of which this is a divisor runs twice, and both histories must be the same; 0 for none.
    #[arg(long, default_value_t = 25)]
    twice: u64,
    /// Processes at once; as many as there are processors unless told.
    #[arg(long)]
    processes: Option<u64>,
    /// Tell every step.
    #[arg(long)]
    aloud: bool,
    /// Run on a defect (answer-before-commit, no-sync, ignore-io-errors): then a seed must fail, or this does.
    #[arg(long)]
    defect: Option<String>,
    /// Run these seeds in this process, at this place, every so manieth.
    #[arg(long, hide = true)]
    place: Option<PathBuf>,
    #[arg(long, hide = true, default_value_t = 1)]
    stride: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    seeds: u64,
    failed: u64,
    first_failed: u64,
    twice: u64,
    steps: u64,
    done: u64,
    refused: u64,
    deaths: u64,
    cuts: u64,
}

impl Score {
    fn add(&mut self, ran: &Ran) {
        self.steps += ran.steps;
        self.done += ran.acknowledged[0] as u64;
        self.refused += ran.acknowledged[1] as u64;
        self.deaths += ran.deaths;
        self.cuts += ran.cuts;
    }

    fn numbers(&mut self) -> [&mut u64; 9] {
        let Self { seeds, failed, first_failed, twice, steps, done, refused, deaths, cuts } = self;
        [seeds, failed, first_failed, twice, steps, done, refused, deaths, cuts]
    }

    fn write(mut self, to: &Path) -> io::Result<()> {
        let texts: Vec<String> = self.numbers().map(|number| number.to_string()).to_vec();
        std::fs::write(to, texts.join(" "))
    }

    /// Adds what a process has written; of the first seed that failed, the lowest.
    fn join(&mut self, from: &Path) -> io::Result<()> {
        let text = std::fs::read_to_string(from)?;
        let lowest = self.first_failed;
        let read = text.split(' ').map(|number| number.parse::<u64>().unwrap_or(0));
        for (mine, theirs) in self.numbers().into_iter().zip(read) {
            *mine += theirs;
        }
        let theirs = self.first_failed - lowest;
        self.first_failed = if lowest == 0 || theirs == 0 { lowest + theirs } else { lowest.min(theirs) };
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.defect.is_some() && !cfg!(feature = "seeded-defects") {
        eprintln!("simulate: this build has no defects in it; build it with --features seeded-defects");
        return ExitCode::from(2);
    }
    let result = match &arguments.place {
        Some(place) => work(&arguments, place).map_err(io::Error::other),
        None => share(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A directory in memory where there is one: what is flushed there is flushed at once.
fn scratch() -> io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

/// Shares the seeds among processes of this executable under the two libraries.
fn share(arguments: &Arguments) -> io::Result<bool> {
    let begun = now();
    let scratch = scratch()?;
    let libraries = [session::build_shim(scratch.path())?, shim::build(scratch.path())?];
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let processes = arguments.processes.unwrap_or(processors).clamp(1, arguments.seeds.max(1));
    let mut children = Vec::new();
    for number in 0..processes {
        let place = scratch.path().join(number.to_string());
        std::fs::create_dir_all(SimDisk::node(&place))?;
        children.push((place.clone(), spawn(arguments, (number, processes), &place, &libraries)?));
    }
    let (mut score, mut well) = (Score::default(), true);
    for (place, mut child) in children {
        let status = child.wait()?;
        // 0 and 1 are verdicts; anything else is an end before the verdict.
        if !matches!(status.code(), Some(0 | 1)) {
            println!("a process of the simulation ended with {status}; its seeds were begun at {}", place.display());
            well = false;
        }
        score.join(&place.join("score")).inspect_err(|_| println!("a process left no score"))?;
    }
    Ok(report(arguments, score, begun.elapsed()) && well)
}

fn spawn(
    arguments: &Arguments,
    (number, processes): (u64, u64),
    place: &Path,
    libraries: &[PathBuf; 2],
) -> io::Result<Child> {
    let mut child = Command::new(std::env::current_exe()?);
    let (first, seeds) = (arguments.seed + number, arguments.seeds.saturating_sub(number).div_ceil(processes));
    for (name, value) in [
        ("--seed", first),
        ("--seeds", seeds),
        ("--stride", processes),
        ("--steps", arguments.steps),
        ("--twice", arguments.twice),
    ] {
        child.args([name, &value.to_string()]);
    }
    child.arg("--place").arg(place);
    if arguments.aloud {
        child.arg("--aloud");
    }
    if let Some(defect) = &arguments.defect {
        child.args(["--defect", defect]).env("JIAOZI_DEFECT", defect);
    }
    child.envs(SimDisk::environment(place, [&libraries[0], &libraries[1]]));
    child.stdin(Stdio::null()).spawn()
}

fn report(arguments: &Arguments, score: Score, took: Duration) -> bool {
    let Score { seeds, failed, first_failed, twice, steps, done, refused, deaths, cuts } = score;
    let rate = seeds as f64 / took.as_secs_f64().max(0.001);
    println!("{seeds} seeds, {steps} steps in {:.1} s ({rate:.1} seeds/s)", took.as_secs_f64());
    println!("{done} wishes done, {refused} refused; the process died {deaths} times, {cuts} of them with the power");
    println!("{twice} seeds were run twice; {failed} seeds failed");
    match &arguments.defect {
        None => failed == 0 && seeds == arguments.seeds,
        Some(defect) => {
            let told =
                if failed > 0 { format!("noticed, first by seed {first_failed}") } else { "NOT noticed".to_owned() };
            println!("defect {defect}: {told}");
            failed > 0
        }
    }
}

/// Runs seeds in this process.
fn work(arguments: &Arguments, place: &Path) -> Result<bool, String> {
    let world = World::make(place)?;
    let mut score = Score::default();
    for number in 0..arguments.seeds {
        let seed = arguments.seed + number * arguments.stride;
        let plan = Plan { seed, steps: arguments.steps, aloud: arguments.aloud };
        score.seeds += 1;
        match one(&world, place, &plan, arguments.twice) {
            Ok((ran, twice)) => {
                score.add(&ran);
                score.twice += u64::from(twice);
            }
            Err(what) => {
                score.failed += 1;
                score.first_failed = if score.first_failed == 0 { seed } else { score.first_failed };
                tell(arguments, seed, &what)?;
                if arguments.defect.is_some() {
                    break;
                }
            }
        }
    }
    score.write(&place.join("score")).map_err(|error| error.to_string())?;
    Ok(score.failed == 0)
}

/// Runs a seed, and some of them again: the same seed makes the same history, or nothing here can be replayed.
fn one(world: &World, place: &Path, plan: &Plan, twice: u64) -> Result<(Ran, bool), String> {
    let once = || {
        let run = std::panic::catch_unwind(|| Run::of(world, place, plan));
        let outcome = run.map_err(|_| "a panic of the scheduler or the writer, told above\n".to_owned())?;
        let told = |failure: Box<Failure>| {
            format!("step {}: {}\nthe last steps:\n{}", failure.step, failure.what, failure.last)
        };
        outcome.map_err(told)
    };
    let ran = once()?;
    let again = twice > 0 && plan.seed.is_multiple_of(twice);
    if again && once()? != ran {
        return Err("the same seed made another history: something is not decided by it".to_owned());
    }
    Ok((ran, again))
}

fn tell(arguments: &Arguments, seed: u64, what: &str) -> Result<(), String> {
    let defect = arguments.defect.as_ref().map_or_else(String::new, |defect| format!(" --defect {defect}"));
    let mut out = io::stdout().lock();
    let told = writeln!(
        out,
        "seed {seed} FAILED in {what}replay: ./x simulate --seeds 1 --seed {seed} --steps {}{defect} --aloud\n",
        arguments.steps
    );
    told.map_err(|error| error.to_string())
}

#[expect(clippy::disallowed_methods, reason = "how long it took is the machine's time")]
fn now() -> Instant {
    Instant::now()
}

//! Payments in process: many callers, each awaiting one payment after another, every check on.

use crate::machine::{Dice, resident_mib};
use crate::population::Population;
use crate::report::{Report, histogram};
use bank::Bank;
use bank::Principal;
use bank::entries::Channel;
use bank::payments::{self, MOST, PayCommand, RowOutcome, Target};
use hdrhistogram::Histogram;
use money::Money;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How to pay.
#[derive(Clone, Copy, Debug)]
pub struct PaymentOptions {
    /// Callers at the same time.
    pub clients: u64,
    /// For so long.
    pub time: Duration,
    /// All to one merchant.
    pub hot: bool,
}

/// What a caller needs to choose payments.
#[derive(Clone)]
struct Chooser {
    people: Arc<Population>,
    dice: u64,
    hot: bool,
    run: u64,
}

impl Chooser {
    fn command(&mut self, turn: u64, client: u64) -> PayCommand {
        let mut dice = Dice(self.dice);
        let payer = self.people.payers[place(dice.below(self.people.payers.len() as u64))];
        let shop = if self.hot { 0 } else { dice.below(self.people.merchants.len() as u64) };
        self.dice = dice.0;
        PayCommand {
            principal: Principal::Customer(payer.customer),
            key: Some(format!("b{:x}-{client}-{turn}", self.run)),
            channel: Channel::Api,
            wallet: payer.wallet,
            target: Target::Merchant(self.people.merchants[place(shop)], None),
            amount: Money::new(100, self.people.currency).ok(),
            reference: None,
            description: None,
            quote: None,
        }
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Makes so many payments, many to a unit of work; `progress` is told how many there are. Blocks.
///
/// # Errors
/// When the bank has trouble.
pub fn preload(
    bank: &Bank,
    people: &Arc<Population>,
    count: u64,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, String> {
    const WORKERS: u64 = 4;
    let left = AtomicU64::new(count);
    let paid = AtomicU64::new(0);
    let run = bank.now().micros().unsigned_abs();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let chooser = Chooser { people: Arc::clone(people), dice: 0x9E37 + worker, hot: false, run };
                let (left, paid) = (&left, &paid);
                scope.spawn(move || preload_part(bank, chooser, (worker, left), paid))
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(100));
            progress(paid.load(Ordering::Relaxed));
        }
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".to_owned())))
    })?;
    Ok(paid.into_inner())
}

fn preload_part(
    bank: &Bank,
    mut chooser: Chooser,
    (worker, left): (u64, &AtomicU64),
    paid: &AtomicU64,
) -> Result<(), String> {
    for round in 0.. {
        let most = MOST as u64;
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(most)));
        let size = before.unwrap_or(0).min(most);
        if size == 0 {
            break;
        }
        let rows = (0..size).map(|row| chooser.command(round * most + row, 1_000_000 + worker)).collect();
        let outcomes = payments::pay_many(bank, rows).map_err(|error| error.to_string())?;
        let good = outcomes.iter().filter(|outcome| matches!(outcome, RowOutcome::Paid(..))).count();
        paid.fetch_add(good as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// Runs the benchmark: callers take turns at the nodes of one bank.
///
/// # Errors
/// When no payment succeeds.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub async fn payments(nodes: &[Bank], people: &Arc<Population>, options: PaymentOptions) -> Result<Report, String> {
    let Some(first) = nodes.first() else { return Err("there is no node".to_owned()) };
    let run = first.now().micros().unsigned_abs();
    let begun = Instant::now();
    let callers: Vec<_> = (0..options.clients)
        .zip(nodes.iter().cycle())
        .map(|(client, bank)| {
            let chooser = Chooser { people: Arc::clone(people), dice: 0xBEEF + client * 7919, hot: options.hot, run };
            tokio::spawn(caller(bank.clone(), (chooser, client), (begun, options.time)))
        })
        .collect();
    let mut latencies = histogram();
    let mut others = Vec::new();
    for caller in callers {
        let (own, not_paid) = caller.await.map_err(|error| error.to_string())?;
        latencies.add(&own).map_err(|error| error.to_string())?;
        others.extend(not_paid);
    }
    let seconds = begun.elapsed().as_secs_f64();
    if latencies.is_empty() {
        return Err("no payment succeeded".to_owned());
    }
    let (now, peak) = resident_mib();
    Ok(Report::new("payments", latencies.len(), seconds, &latencies)
        .with("clients", options.clients)
        .with("nodes", nodes.len())
        .with("accounts", people.payers.len())
        .with("merchants", if options.hot { 1 } else { people.merchants.len() })
        .with("not_paid", others.len())
        .with("not_paid_because", others.first().map_or("", String::as_str))
        .with("resident_mib", now)
        .with("resident_peak_mib", peak))
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn caller(
    bank: Bank,
    (mut chooser, client): (Chooser, u64),
    (begun, time): (Instant, Duration),
) -> (Histogram<u64>, Vec<String>) {
    let mut latencies = histogram();
    let mut others = Vec::new();
    for turn in 0.. {
        let asked = Instant::now();
        if asked - begun >= time {
            break;
        }
        match payments::pay(&bank, chooser.command(turn, client)).await {
            Ok(answer) if answer.result.is_ok() => {
                latencies.saturating_record(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            Ok(answer) => others.extend(answer.result.err().map(|refusal| refusal.code.as_str().to_owned())),
            Err(error) => others.push(chain(&error)),
        }
    }
    (latencies, others)
}

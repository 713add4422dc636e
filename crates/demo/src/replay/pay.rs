//! The second pass: every good row is paid, in units of many rows, with several units on their way at a time.

use super::parties::Payer;
use super::{BadRow, Progress, Replay, ReplayError, Summary, pass};
use bank::entries::Channel;
use bank::payments::{MOST, PayCommand, RowOutcome, Target, pay_many};
use bank::{Bank, BankError, Principal};
use formats::card_rows::{CardRow, CardRowsError};
use std::fs::File;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use vocabulary::{Id, kinds};

/// How many units are on their way: enough that the writer always has the next one.
const WORKERS: usize = 4;

/// Rows for one unit: their lines, and what is asked of the bank.
type Chunk = Vec<(u64, PayCommand)>;

/// What a thread has to tell.
enum News {
    /// A row could not be read.
    Bad(BadRow),
    /// A unit was done.
    Done(Vec<(u64, RowOutcome)>),
    /// The bank had trouble.
    Trouble(BankError),
    /// The file had trouble.
    File(ReplayError),
}

pub(super) fn run(bank: &Bank, replay: &Replay, progress: &mut dyn FnMut(Progress)) -> Result<Summary, ReplayError> {
    let census = &replay.census;
    let mut summary = Summary {
        rows: census.rows,
        customers: census.customers.len() as u64,
        merchants: census.terminals.len() as u64,
        ..Summary::default()
    };
    let (chunks, waiting) = sync_channel::<Chunk>(WORKERS);
    let (tell, news) = channel();
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        let of_reader = tell.clone();
        scope.spawn(move || read(replay, &chunks, &of_reader));
        for _ in 0..WORKERS {
            let (waiting, tell) = (&waiting, tell.clone());
            scope.spawn(move || work(bank, waiting, &tell));
        }
        drop(tell);
        let mut seen = 0;
        let mut failure = None;
        for item in &news {
            match item {
                News::Bad(row) => {
                    seen += 1;
                    summary.bad += 1;
                    summary.note(row);
                }
                News::Done(rows) => {
                    seen += rows.len() as u64;
                    rows.into_iter().for_each(|(line, outcome)| count(&mut summary, line, outcome));
                }
                News::Trouble(error) => failure = failure.or(Some(ReplayError::Bank(error))),
                News::File(error) => failure = failure.or(Some(error)),
            }
            progress(Progress { stage: "rows", done: seen, of: census.rows });
        }
        failure.map_or(Ok(()), Err)
    })?;
    summary.first_bad.sort_by_key(|row| row.line);
    Ok(summary)
}

fn count(summary: &mut Summary, line: u64, outcome: RowOutcome) {
    match outcome {
        RowOutcome::Paid(_, true) => summary.already += 1,
        RowOutcome::Paid(view, false) => {
            summary.payments += 1;
            summary.total_minor += i128::from(view.amount);
        }
        RowOutcome::Refused(refusal, _) => {
            let code = refusal.code.as_str();
            *summary.refused.entry(code.to_owned()).or_default() += 1;
            summary.note(BadRow { line, code, message: refusal.detail });
        }
        RowOutcome::KeyReused => {
            summary.bad += 1;
            let message = "the same customer's TRANSACTION_ID was replayed before with other content";
            summary.note(BadRow { line, code: "idempotency_key_reused", message: message.to_owned() });
        }
    }
}

fn work(bank: &Bank, waiting: &Mutex<Receiver<Chunk>>, tell: &Sender<News>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(chunk) = next else { return };
        let (lines, commands): (Vec<u64>, Vec<PayCommand>) = chunk.into_iter().unzip();
        let told = match pay_many(bank, commands) {
            Ok(outcomes) => tell.send(News::Done(lines.into_iter().zip(outcomes).collect())),
            Err(error) => {
                // The reader stops when nobody takes its chunks.
                let _ = tell.send(News::Trouble(error));
                return;
            }
        };
        if told.is_err() {
            return;
        }
    }
}

fn read(replay: &Replay, chunks: &SyncSender<Chunk>, tell: &Sender<News>) {
    if let Err(error) = read_rows(replay, chunks, tell) {
        let _ = tell.send(News::File(error));
    }
}

fn read_rows(replay: &Replay, chunks: &SyncSender<Chunk>, tell: &Sender<News>) -> Result<(), ReplayError> {
    let mut rows = pass::open(File::open(&replay.options.file).map_err(ReplayError::File)?)?;
    let mut chunk = Chunk::with_capacity(MOST);
    while let Some(row) = rows.next_row() {
        let asked = match row {
            Ok(row) => command(replay, &row).map(|command| (row.line, command)),
            Err(CardRowsError::Io(error)) => return Err(ReplayError::File(error)),
            Err(error) => {
                let (line, code) = (error.line(), error.code().as_str());
                let message = error.to_string();
                let message = message.strip_prefix(&format!("line {line}: ")).unwrap_or(&message).to_owned();
                Err(BadRow { line, code, message })
            }
        };
        match asked {
            Ok(asked) => chunk.push(asked),
            Err(bad) => drop(tell.send(News::Bad(bad))),
        }
        if chunk.len() == MOST && chunks.send(std::mem::replace(&mut chunk, Chunk::with_capacity(MOST))).is_err() {
            return Ok(());
        }
    }
    let _ = chunks.send(chunk);
    Ok(())
}

/// What a row asks of the bank.
fn command(replay: &Replay, row: &CardRow<'_>) -> Result<PayCommand, BadRow> {
    let amount = pass::amount(row, replay.options.currency).map_err(|error| BadRow {
        line: row.line,
        code: "csv_row_invalid",
        message: format!("TX_AMOUNT {}: {error}", row.amount),
    })?;
    let known = payer(replay, row.customer).zip(merchant(replay, row.terminal));
    let Some((payer, merchant)) = known else {
        // The file changed between the two passes.
        let message = "the row was not there when the file was read first; replay the file again".to_owned();
        return Err(BadRow { line: row.line, code: "csv_row_invalid", message });
    };
    let key = match row.transaction {
        Some(id) => format!("replay-id-{id}"),
        None => format!("replay-{}-{}", replay.census.digest, row.line),
    };
    Ok(PayCommand {
        principal: Principal::Customer(payer.customer),
        key: Some(key),
        channel: Channel::CommandLine,
        wallet: payer.wallet,
        target: Target::Merchant(merchant, None),
        amount: Some(amount),
        reference: None,
        description: None,
        quote: None,
    })
}

fn payer(replay: &Replay, label: &str) -> Option<Payer> {
    replay.parties.payers.get(*replay.census.customer_places.get(label)?).copied()
}

fn merchant(replay: &Replay, label: &str) -> Option<Id<kinds::Merchant>> {
    replay.parties.merchants.get(*replay.census.terminal_places.get(label)?).copied()
}

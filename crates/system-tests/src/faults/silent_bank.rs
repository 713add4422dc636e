//! The bank beside us has bad manners under load: at the end our books say what its statement says.
//!
//! A round goes through the manners of the sandbox bank (slow, silent, everything twice, late, contradictory, an answer lost on
//! the way, money taken back, out of order, not reached, refused). Under each, customers top up and pay out at once, some
//! wishes sent twice under one key. Then the bank is well-mannered again, the clock passes every deadline, and the server is
//! killed. What our nostro accounts hold must be what the statement adds up to, line by line; no instruction moved money other
//! than its state says; nothing final is open; and the checker reads the books.

use crate::chance::Chance;
use crate::crash::book::{Aim, Call, Told, key_of};
use crate::crash::client::exchange;
use crate::crash::round::{Found, Trial};
use crate::crash::server::Server;
use crate::crash::verdict;
use crate::faults::desk::Desk;
use crate::faults::{How, Tally};
use reqwest::Method;
use serde_json::json;
use sql::{Connection, SqlError};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use vocabulary::{Id, kinds};

/// The defect: money moves at the bank that its statement does not tell.
pub const DEFECT: &str = "stray-money";

/// Behaviour, seconds, and how many seconds pass after it.
const MANNERS: [(&str, Option<u32>); 12] = [
    ("normal", None),
    ("slow", Some(60)),
    ("silent", None),
    ("twice", None),
    ("late", Some(600)),
    ("contradicting", None),
    ("answer_lost", None),
    ("returning", Some(60)),
    ("after_return", Some(60)),
    ("backwards", Some(60)),
    ("unreachable", None),
    ("reject_funds", None),
];
const CLIENTS: u64 = 8;
const EACH: u64 = 4;

/// Goes through the manners `rounds` times, each time with a bank of its own.
///
/// # Errors
/// When the harness itself fails.
pub async fn run(how: &How) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for round in 1..=how.rounds {
        let told = one(how, &Chance::new(how.seed).branch(round), &mut tally).await?;
        tally.rounds += 1;
        println!("  round {round}: {told}");
        tally.fact(told);
    }
    Ok(tally)
}

async fn one(how: &How, chance: &Chance, tally: &mut Tally) -> io::Result<String> {
    let place = tempfile::tempdir()?;
    let trial = Trial::prepare(place.path(), None).await?;
    let server = Server::start(&trial.start, &trial.client).await?;
    let desk = Desk::new(&trial, &server.address);
    for (number, (behaviour, seconds)) in MANNERS.iter().enumerate() {
        tell(&desk, behaviour, *seconds).await?;
        under(&trial, &server.address, &chance.branch(number as u64)).await?;
        desk.pass(20).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tell(&desk, "normal", None).await?;
    // Past what the manners take, the hour after which a statement comes, and the hour and the day by which all is decided.
    for seconds in [60, 60, 600, 600, 3_600, 3_600, 3_600, 90_000, 3_600] {
        desk.pass(seconds).await?;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    server.kill()?;
    let mut found = Found::default();
    trial.examine(&mut found)?;
    found.wrong.into_iter().for_each(|wrong| tally.wrong(wrong));
    if how.has(DEFECT) {
        steal(&trial.start.directory).map_err(io::Error::other)?;
    }
    let copy = tempfile::tempdir()?;
    let file = verdict::copy(&trial.start.directory, copy.path())?;
    let told = compare(&file, &beside(&trial.start.directory), tally).map_err(io::Error::other)?;
    Connection::open_reader(&file).and_then(|books| nobody_twice(&books, tally)).map_err(io::Error::other)?;
    Ok(told)
}

async fn tell(desk: &Desk<'_>, behaviour: &str, seconds: Option<u32>) -> io::Result<()> {
    let manners = json!({"behaviour": behaviour, "seconds": seconds});
    desk.send(Method::PUT, "/v1/sandbox/bank", Some(manners)).await.map(drop)
}

/// Customers top up and pay out, all at once; every third wish is sent twice at the same time.
async fn under(trial: &Trial, address: &str, chance: &Chance) -> io::Result<()> {
    let trial = Arc::new(trial.clone());
    let clients = (0..CLIENTS).map(|number| {
        let (trial, address, mut chance) = (Arc::clone(&trial), address.to_owned(), chance.branch(number));
        tokio::spawn(async move {
            for _ in 0..EACH {
                let customer = &trial.world.customers[chance.place(trial.world.customers.len())];
                let cents = 1 + chance.below(200);
                let body = json!({"bank_account": customer.bank_account,
                    "amount": {"amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": "CNY"}});
                let top_up = chance.percent(50);
                let path = if top_up { "/v1/top-ups" } else { "/v1/payouts" };
                let call = Call { path: path.to_owned(), token: customer.token.clone(), body };
                let number = {
                    let mut book = trial.book.lock().unwrap_or_else(PoisonError::into_inner);
                    let aim = if top_up { Aim::TopUp } else { Aim::Payout };
                    book.send(aim, call.clone())
                };
                let key = key_of(number);
                let once = exchange(&trial.client, &address, &key, &call);
                let told = if number.is_multiple_of(3) {
                    let (one, other) = tokio::join!(once, exchange(&trial.client, &address, &key, &call));
                    if one.told == Told::Nothing { other.told } else { one.told }
                } else {
                    once.await.told
                };
                trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = told;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.map_err(io::Error::other)?;
    }
    Ok(())
}

/// The books of the bank beside ours.
fn beside(directory: &Path) -> std::path::PathBuf {
    directory.join("sandbox-bank").join("sandbox-bank.db")
}

fn steal(directory: &Path) -> Result<(), SqlError> {
    let bank = Connection::open_writer(&beside(directory), 1024)?;
    bank.execute("UPDATE outside_account SET balance = balance - 1 WHERE number = 'OURS'", &[]).map(drop)
}

/// The lines of the bank's statement: one that it tells twice has the same reference and is one.
const STATED: &str = "(SELECT DISTINCT reference, end_to_end, incoming, amount FROM statement_line)";

/// What moved for an instruction by the statement: money in less money out.
///
/// # Errors
/// When it cannot be read.
pub fn moved(bank: &Connection) -> Result<BTreeMap<String, i64>, SqlError> {
    let sql = format!(
        "SELECT end_to_end, sum(CASE incoming WHEN 1 THEN amount ELSE -amount END) FROM {STATED} \
        WHERE end_to_end IS NOT NULL GROUP BY end_to_end"
    );
    Ok(bank.query(&sql, &[], |row| Ok((row.text(0)?, row.int(1)?)))?.into_iter().collect())
}

/// Compares our books with those of the bank beside, in words.
///
/// # Errors
/// When either cannot be read.
pub fn compare(file: &Path, beside: &Path, tally: &mut Tally) -> Result<String, SqlError> {
    let (books, bank) = (Connection::open_reader(file)?, Connection::open_reader(beside)?);
    let nostro = books.number("SELECT sum(posted) FROM balance WHERE gl_code = '1010'", &[])?;
    let sum = "SELECT sum(CASE incoming WHEN 1 THEN amount ELSE -amount END) FROM";
    let theirs = bank.number("SELECT balance FROM outside_account WHERE number = 'OURS'", &[])?;
    let stated = bank.number(&format!("{sum} {STATED}"), &[])?;
    let read = books.number(&format!("{sum} bank_statement_line"), &[])?;
    if [theirs, stated, read] != [nostro; 3] {
        tally.wrong(format!("our books say {nostro}, theirs {theirs}, their statement {stated}, and we read {read}"));
    }
    let moved = moved(&bank)?;
    let cases = books.query("SELECT subject FROM case_record", &[], |row| row.text(0))?;
    let mut told = Vec::new();
    let top_up = |id| Id::<kinds::TopUp>::from_u128(id).to_string();
    let payout = |id| Id::<kinds::Payout>::from_u128(id).to_string();
    for (table, incoming, amount) in [("top_up", true, "credited"), ("payout", false, "paid")] {
        let sql = format!("SELECT id, state, {amount} FROM {table}");
        let rows = books.query(&sql, &[], |row| Ok((row.u128(0)?, row.int(1)?, row.int(2)?)))?;
        let mut states: BTreeMap<i64, usize> = BTreeMap::new();
        for (id, state, amount) in rows {
            *states.entry(state).or_default() += 1;
            let name = if incoming { top_up(id) } else { payout(id) };
            // As instructions name what caused them.
            let net = moved.get(&name.replace('_', "")).copied().unwrap_or(0);
            // Created and instructed are open; under investigation may be anything; then failed, done, returned.
            let right = match state {
                3 => true,
                4 => net == 0,
                // What the bank executes after it has said that it came back waits in suspense, and people have a case.
                6 => net == 0 || cases.contains(&name),
                5 => net == if incoming { amount } else { -amount },
                _ => false,
            };
            if !right {
                tally.wrong(format!("{table} {name} of {amount} stands in state {state}, and {net} moved"));
            }
        }
        told.push(format!("{table} by state {states:?}"));
    }
    Ok(format!("{}; nostro {nostro} = statement", told.join(", ")))
}

/// Nothing but top-ups and payouts moved money here: each wallet holds what was credited less what was paid out. A payout
/// that was given back and then executed all the same is owed to the bank, not taken twice.
fn nobody_twice(books: &Connection, tally: &mut Tally) -> Result<(), SqlError> {
    let sql = "SELECT b.no, b.posted,
        (SELECT coalesce(sum(credited), 0) FROM top_up WHERE account = b.no AND state = 5)
        - (SELECT coalesce(sum(amount), 0) FROM payout WHERE source = b.no AND state IN (1, 2, 3, 5) AND late = 0)
        FROM balance b WHERE b.no IN (SELECT account FROM top_up)";
    let wallets = books.query(sql, &[], |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?)))?;
    for (account, holds, due) in wallets.into_iter().filter(|(_, holds, due)| holds != due) {
        tally.wrong(format!("account {account} holds {holds}, and {due} are its owner's"));
    }
    Ok(())
}

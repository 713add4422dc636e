//! The sandbox bank: books of its own, asynchronous results, statements, and every kind of bad manners on demand.
//!
//! Life of an instruction: taken (recorded with a plan of deeds) → when a deed's time has come it is booked, reported or
//! stated. Deeds happen when somebody asks, never by themselves, so a moved clock moves the bank with it. How it behaves is
//! chosen by the amount ([`MAGIC_AMOUNTS`]) or by what it was told last ([`TellManners::tell`]).
//!
//! Races closed here: the same end-to-end id instructed twice (a crash between our commit and the bank's answer) finds the
//! recorded one and plans nothing; a restart finds plan, books and sequences as they were, because each call is one unit
//! on the bank's own file. It knows nothing of our ledger: account numbers, amounts, ids.

mod behaviour;
mod records;
#[cfg(test)]
mod tests;

pub use behaviour::{MAGIC_AMOUNTS, magic};
pub use ports::Behaviour;

use ports::{BankRail, Instruction, Manners, RailError, Report, StatementLine, TellManners};
use records::{Due, OURS, Planned};
use sql::{Connection, DirectoryLock, SqlError};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use vocabulary::Timestamp;

/// Why the sandbox bank cannot open its books.
#[derive(Debug)]
pub enum OpenError {
    /// Its directory is in use or unusable.
    Lock(sql::LockError),
    /// Its file cannot be opened.
    File(SqlError),
    /// Its tables cannot be brought up to date.
    Tables(sql::MigrationError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox bank cannot open its books")
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lock(error) => Some(error),
            Self::File(error) => Some(error),
            Self::Tables(error) => Some(error),
        }
    }
}

struct Books {
    connection: Connection,
    _lock: DirectoryLock,
}

/// The sandbox bank.
pub struct SandboxBank {
    books: Mutex<Books>,
}

const FILE: &str = "sandbox-bank.db";

impl SandboxBank {
    /// Opens, and when new creates, the bank's books in a directory of their own.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let lock = DirectoryLock::take(directory).map_err(OpenError::Lock)?;
        let connection = Connection::open_writer(&directory.join(FILE), 1024).map_err(OpenError::File)?;
        sql::migrate(&connection, records::MIGRATIONS).map_err(OpenError::Tables)?;
        let books = Books { connection, _lock: lock };
        Ok(Self { books: Mutex::new(books) })
    }

    /// The balance of an outside account, minor units.
    ///
    /// # Errors
    /// When the bank's file fails.
    pub fn balance(&self, number: &str, currency: u16) -> Result<i64, RailError> {
        records::balance(&self.lock().connection, number, currency).map_err(no_answer)
    }

    /// The balance of our account there, minor units.
    ///
    /// # Errors
    /// When the bank's file fails.
    pub fn our_balance(&self, currency: u16) -> Result<i64, RailError> {
        self.balance(OURS, currency)
    }

    /// Sets the balance of an outside account, minor units.
    ///
    /// # Errors
    /// When the bank's file fails.
    pub fn set_balance(&self, number: &str, currency: u16, balance: i64) -> Result<(), RailError> {
        records::set_balance(&self.lock().connection, number, currency, balance).map_err(no_answer)
    }

    /// Books money that nobody instructed into (or out of) our account, for statements that match nothing.
    ///
    /// # Errors
    /// When the bank's file fails.
    pub fn book_stray(&self, incoming: bool, amount: i64, currency: u16, now: Timestamp) -> Result<(), RailError> {
        let books = self.lock();
        unit(&books.connection, |connection| {
            let change = if incoming { amount } else { -amount };
            let ours = records::balance(connection, OURS, currency)?;
            records::set_balance(connection, OURS, currency, ours + change)?;
            let no = records::next_line(connection)?;
            let text = "booked without an instruction".to_owned();
            let reference = format!("SB{no:012}");
            let line = StatementLine { no: 0, reference, end_to_end: None, incoming, amount, currency, at: now, text };
            records::add_line(connection, &line)
        })
        .map_err(no_answer)
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_answer(error: SqlError) -> RailError {
    RailError::NoAnswer(error.to_string())
}

/// One unit on the bank's file.
fn unit<T>(connection: &Connection, body: impl FnOnce(&Connection) -> Result<T, SqlError>) -> Result<T, SqlError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = body(connection).and_then(|value| connection.execute_batch("COMMIT").map(|()| value));
    if result.is_err() {
        // When COMMIT itself failed the unit may be over already: then there is nothing to roll back.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}

/// Does every deed whose time has come.
fn catch_up(connection: &Connection, now: Timestamp) -> Result<(), SqlError> {
    let due = records::due(connection, now)?;
    if due.is_empty() {
        return Ok(());
    }
    unit(connection, |connection| {
        for planned in &due {
            perform(connection, planned)?;
            records::end_plan(connection, planned.no)?;
        }
        Ok(())
    })
}

fn perform(connection: &Connection, planned: &Planned) -> Result<(), SqlError> {
    match planned.read()? {
        Due::Say(outcome) => records::add_report(connection, &planned.end_to_end, &outcome, planned.due),
        Due::Book { amount, lines } => book(connection, planned, amount, lines),
        Due::TakeBack { amount } => book(connection, planned, -amount, 1),
    }
}

/// Moves an amount in the instruction's way (against it when negative) and states it `lines` times under one reference.
fn book(connection: &Connection, planned: &Planned, amount: i64, lines: u8) -> Result<(), SqlError> {
    let id = planned.end_to_end.as_str();
    let found = records::instruction(connection, id)?.ok_or(SqlError::Corrupt("a plan without an instruction"))?;
    let incoming = found.incoming == (amount > 0);
    let change = if incoming { amount.abs() } else { -amount.abs() };
    let ours = records::balance(connection, OURS, found.currency)?;
    let theirs = records::balance(connection, &found.account, found.currency)?;
    records::set_balance(connection, OURS, found.currency, ours + change)?;
    records::set_balance(connection, &found.account, found.currency, theirs - change)?;
    let reference = format!("SB{:012}", records::next_line(connection)?);
    for _ in 0..lines {
        let line = StatementLine {
            no: 0,
            reference: reference.clone(),
            end_to_end: Some(id.to_owned()),
            incoming,
            amount: amount.abs(),
            currency: found.currency,
            at: planned.due,
            text: if amount > 0 { "executed" } else { "returned" }.to_owned(),
        };
        records::add_line(connection, &line)?;
    }
    Ok(())
}

impl BankRail for SandboxBank {
    fn instruct(&self, instruction: &Instruction, now: Timestamp) -> Result<(), RailError> {
        let books = self.lock();
        let told = records::manners(&books.connection).map_err(no_answer)?;
        if told.behaviour == Behaviour::Unreachable {
            records::set_manners(&books.connection, used(told)).map_err(no_answer)?;
            return Err(RailError::Unreachable("the line is down".to_owned()));
        }
        let id = instruction.end_to_end.as_str();
        if id.is_empty() || id.len() > 35 || instruction.amount <= 0 {
            return Err(RailError::Refused("the message is malformed".to_owned()));
        }
        if let Some(found) = records::instruction(&books.connection, id).map_err(no_answer)? {
            let same = found.incoming == behaviour::incoming(instruction.order)
                && found.account == instruction.account
                && found.amount == instruction.amount
                && found.currency == instruction.currency.number();
            return if same { Ok(()) } else { Err(RailError::Refused("the id names another instruction".to_owned())) };
        }
        let chosen = match told.left {
            Some(_) => told.behaviour,
            None => magic(instruction.amount).unwrap_or(told.behaviour),
        };
        let chosen = short_of_money(&books.connection, instruction)?.unwrap_or(chosen);
        unit(&books.connection, |connection| {
            records::add_instruction(connection, instruction, now)?;
            records::set_manners(connection, used(told))?;
            for (seconds, deed) in behaviour::plan(chosen, instruction) {
                records::add_plan(connection, id, now.plus_seconds(seconds), &deed)?;
            }
            Ok(())
        })
        .map_err(no_answer)?;
        match chosen {
            Behaviour::AnswerLost => Err(RailError::NoAnswer("the answer was lost".to_owned())),
            _ => Ok(()),
        }
    }

    fn knows(&self, end_to_end: &str, _now: Timestamp) -> Result<bool, RailError> {
        Ok(records::instruction(&self.lock().connection, end_to_end).map_err(no_answer)?.is_some())
    }

    fn reports(&self, after: u64, limit: u32, now: Timestamp) -> Result<Vec<Report>, RailError> {
        let books = self.lock();
        catch_up(&books.connection, now).map_err(no_answer)?;
        records::reports(&books.connection, after, limit).map_err(no_answer)
    }

    fn statement(&self, after: u64, limit: u32, now: Timestamp) -> Result<Vec<StatementLine>, RailError> {
        let books = self.lock();
        catch_up(&books.connection, now).map_err(no_answer)?;
        records::lines(&books.connection, after, limit).map_err(no_answer)
    }

    fn manners(&self) -> Option<&dyn TellManners> {
        Some(self)
    }
}

impl TellManners for SandboxBank {
    fn told(&self) -> Result<Manners, RailError> {
        records::manners(&self.lock().connection).map_err(no_answer)
    }

    fn tell(&self, manners: Manners) -> Result<(), RailError> {
        records::set_manners(&self.lock().connection, manners).map_err(no_answer)
    }
}

/// What is left of manners after one more instruction.
fn used(told: Manners) -> Manners {
    match told.left {
        Some(0 | 1) => Manners { behaviour: Behaviour::Prompt, left: None },
        left => Manners { left: left.map(|left| left - 1), ..told },
    }
}

/// A collection from an account that has less than asked is rejected like anywhere else.
fn short_of_money(connection: &Connection, instruction: &Instruction) -> Result<Option<Behaviour>, RailError> {
    if !behaviour::incoming(instruction.order) {
        return Ok(None);
    }
    let balance =
        records::balance(connection, &instruction.account, instruction.currency.number()).map_err(no_answer)?;
    Ok((balance < instruction.amount).then_some(Behaviour::RejectFunds))
}

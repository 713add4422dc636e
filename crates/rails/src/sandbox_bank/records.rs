//! The sandbox bank's own tables, in a file of its own. The only file here that has SQL.

use crate::sandbox_bank::behaviour::{self, Deed};
use ports::{Behaviour, Instruction, Manners, Order, Outcome, Report, StatementLine};
use sql::{Connection, Migration, Row, SqlError, params};
use vocabulary::Timestamp;

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "sandbox bank", sql: TABLES },
    Migration { version: 2, name: "manners", sql: MANNERS },
];

const MANNERS: &str = "
CREATE TABLE manners(
  one INTEGER PRIMARY KEY CHECK (one = 1), behaviour TEXT NOT NULL, seconds INTEGER NOT NULL, left INTEGER
) STRICT;
";

const TABLES: &str = "
CREATE TABLE outside_account(
  number TEXT NOT NULL, currency INTEGER NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (number, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE instruction(
  end_to_end TEXT PRIMARY KEY, incoming INTEGER NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL,
  currency INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE plan(
  no INTEGER PRIMARY KEY, due INTEGER NOT NULL, end_to_end TEXT NOT NULL, deed INTEGER NOT NULL, amount INTEGER NOT NULL,
  lines INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX plan_due ON plan(due, no);
CREATE TABLE report(
  no INTEGER PRIMARY KEY, end_to_end TEXT NOT NULL, outcome INTEGER NOT NULL, amount INTEGER NOT NULL, reason TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE TABLE statement_line(
  no INTEGER PRIMARY KEY, reference TEXT NOT NULL, end_to_end TEXT, incoming INTEGER NOT NULL, amount INTEGER NOT NULL,
  currency INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL
) STRICT;
";

/// The number of our account in the sandbox bank's books.
pub(crate) const OURS: &str = "OURS";

/// What every outside account has when it is first heard of, minor units.
const OPENING: i64 = 1_000_000_000;

/// A recorded instruction.
pub(crate) struct Recorded {
    pub(crate) incoming: bool,
    pub(crate) account: String,
    pub(crate) amount: i64,
    pub(crate) currency: u16,
}

/// A planned deed.
pub(crate) struct Planned {
    pub(crate) no: u64,
    pub(crate) due: Timestamp,
    pub(crate) end_to_end: String,
    deed: i64,
    amount: i64,
    lines: u8,
    reason: String,
}

/// A planned deed, read.
pub(crate) enum Due {
    Book { amount: i64, lines: u8 },
    TakeBack { amount: i64 },
    Say(Outcome),
}

impl Planned {
    pub(crate) fn read(&self) -> Result<Due, SqlError> {
        let (amount, reason) = (self.amount, self.reason.clone());
        Ok(match self.deed {
            1 => Due::Book { amount, lines: self.lines },
            2 => Due::TakeBack { amount },
            3 => Due::Say(Outcome::Done { amount }),
            4 => Due::Say(Outcome::Rejected { reason }),
            5 => Due::Say(Outcome::Returned { amount, reason }),
            _ => return Err(SqlError::Corrupt("a deed of the sandbox bank")),
        })
    }
}

pub(crate) fn instruction(connection: &Connection, end_to_end: &str) -> Result<Option<Recorded>, SqlError> {
    let sql = "SELECT incoming, account, amount, currency FROM instruction WHERE end_to_end = ?1";
    connection.query_opt(sql, params![end_to_end], |row| {
        Ok(Recorded { incoming: row.flag(0)?, account: row.text(1)?, amount: row.int(2)?, currency: row.small(3)? })
    })
}

pub(crate) fn add_instruction(connection: &Connection, new: &Instruction, now: Timestamp) -> Result<(), SqlError> {
    let sql = "INSERT INTO instruction(end_to_end, incoming, account, amount, currency, at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let incoming = new.order == Order::Collect;
    let params =
        params![new.end_to_end.as_str(), incoming, new.account.as_str(), new.amount, new.currency.number(), now];
    connection.execute(sql, params).map(drop)
}

pub(crate) fn add_plan(connection: &Connection, id: &str, due: Timestamp, deed: &Deed) -> Result<(), SqlError> {
    let (number, amount, lines, reason) = match deed {
        Deed::Book { amount, lines } => (1, *amount, *lines, ""),
        Deed::TakeBack { amount } => (2, *amount, 1, ""),
        Deed::SayDone { amount } => (3, *amount, 0, ""),
        Deed::SayRejected { reason } => (4, 0, 0, *reason),
        Deed::SayReturned { amount } => (5, *amount, 0, "returned by the account's holder"),
    };
    let sql = "INSERT INTO plan(due, end_to_end, deed, amount, lines, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.execute(sql, params![due, id, number, amount, lines, reason]).map(drop)
}

pub(crate) fn due(connection: &Connection, now: Timestamp) -> Result<Vec<Planned>, SqlError> {
    let sql = "SELECT no, due, end_to_end, deed, amount, lines, reason FROM plan WHERE due <= ?1 ORDER BY due, no";
    connection.query(sql, params![now], |row| {
        Ok(Planned {
            no: row.small(0)?,
            due: row.time(1)?,
            end_to_end: row.text(2)?,
            deed: row.int(3)?,
            amount: row.int(4)?,
            lines: row.small(5)?,
            reason: row.text(6)?,
        })
    })
}

pub(crate) fn end_plan(connection: &Connection, no: u64) -> Result<(), SqlError> {
    connection.execute("DELETE FROM plan WHERE no = ?1", params![no]).map(drop)
}

pub(crate) fn balance(connection: &Connection, number: &str, currency: u16) -> Result<i64, SqlError> {
    let opening = if number == OURS { 0 } else { OPENING };
    let sql = "SELECT balance FROM outside_account WHERE number = ?1 AND currency = ?2";
    Ok(connection.query_opt(sql, params![number, currency], |row| row.int(0))?.unwrap_or(opening))
}

pub(crate) fn set_balance(connection: &Connection, number: &str, currency: u16, balance: i64) -> Result<(), SqlError> {
    let sql = "INSERT INTO outside_account(number, currency, balance) VALUES (?1, ?2, ?3) \
        ON CONFLICT(number, currency) DO UPDATE SET balance = excluded.balance";
    connection.execute(sql, params![number, currency, balance]).map(drop)
}

pub(crate) fn add_report(
    connection: &Connection,
    end_to_end: &str,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<(), SqlError> {
    let (number, amount, reason) = match outcome {
        Outcome::Done { amount } => (1, *amount, ""),
        Outcome::Rejected { reason } => (2, 0, reason.as_str()),
        Outcome::Returned { amount, reason } => (3, *amount, reason.as_str()),
    };
    let sql = "INSERT INTO report(end_to_end, outcome, amount, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.execute(sql, params![end_to_end, number, amount, reason, at]).map(drop)
}

pub(crate) fn reports(connection: &Connection, after: u64, limit: u32) -> Result<Vec<Report>, SqlError> {
    let sql = "SELECT no, end_to_end, outcome, amount, reason, at FROM report WHERE no > ?1 ORDER BY no LIMIT ?2";
    connection.query(sql, params![after, limit], read_report)
}

fn read_report(row: &Row<'_>) -> Result<Report, SqlError> {
    let (amount, reason) = (row.int(3)?, row.text(4)?);
    let outcome = match row.int(2)? {
        1 => Outcome::Done { amount },
        2 => Outcome::Rejected { reason },
        3 => Outcome::Returned { amount, reason },
        _ => return Err(SqlError::Corrupt("a report of the sandbox bank")),
    };
    Ok(Report { no: row.small(0)?, end_to_end: row.text(1)?, outcome, at: row.time(5)? })
}

pub(crate) fn add_line(connection: &Connection, line: &StatementLine) -> Result<(), SqlError> {
    let sql = "INSERT INTO statement_line(reference, end_to_end, incoming, amount, currency, at, text) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let params = params![
        line.reference.as_str(),
        line.end_to_end.as_deref(),
        line.incoming,
        line.amount,
        line.currency,
        line.at,
        line.text.as_str()
    ];
    connection.execute(sql, params).map(drop)
}

pub(crate) fn lines(connection: &Connection, after: u64, limit: u32) -> Result<Vec<StatementLine>, SqlError> {
    let sql = "SELECT no, reference, end_to_end, incoming, amount, currency, at, text FROM statement_line \
        WHERE no > ?1 ORDER BY no LIMIT ?2";
    connection.query(sql, params![after, limit], |row| {
        Ok(StatementLine {
            no: row.small(0)?,
            reference: row.text(1)?,
            end_to_end: row.opt_text(2)?,
            incoming: row.flag(3)?,
            amount: row.int(4)?,
            currency: row.small(5)?,
            at: row.time(6)?,
            text: row.text(7)?,
        })
    })
}

/// What the bank was told last; prompt when nothing.
pub(crate) fn manners(connection: &Connection) -> Result<Manners, SqlError> {
    let sql = "SELECT behaviour, seconds, left FROM manners";
    let found = connection.query_opt(sql, &[], |row| {
        let behaviour = behaviour::read(&row.text(0)?, row.small(1)?);
        let behaviour = behaviour.ok_or(SqlError::Corrupt("the manners of the sandbox bank"))?;
        let left = row.opt_int(2)?.map(|left| u32::try_from(left).unwrap_or_default());
        Ok(Manners { behaviour, left })
    })?;
    Ok(found.unwrap_or(Manners { behaviour: Behaviour::Prompt, left: None }))
}

pub(crate) fn set_manners(connection: &Connection, manners: Manners) -> Result<(), SqlError> {
    let sql = "INSERT INTO manners(one, behaviour, seconds, left) VALUES (1, ?1, ?2, ?3) \
        ON CONFLICT(one) DO UPDATE SET behaviour = excluded.behaviour, seconds = excluded.seconds, left = excluded.left";
    let (name, seconds) = behaviour::written(manners.behaviour);
    connection.execute(sql, params![name, seconds, manners.left]).map(drop)
}

/// A number that no earlier line has, for references.
pub(crate) fn next_line(connection: &Connection) -> Result<i64, SqlError> {
    Ok(connection.number("SELECT max(no) FROM statement_line", &[])? + 1)
}

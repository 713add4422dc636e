//! Listening to the bank: results and statement lines become evidence for top-ups and payouts; what matches nothing, a case.
//!
//! Two numbered feeds are read from a cursor. The cursor moves in the unit in which what was read takes effect, so a crash
//! between reading and acting reads the same again, and a crash after acting does not. A line that the bank states twice
//! bears its reference twice and is kept once. The bank is asked outside of any unit.
//!
//! Invariant: after a line took effect, the books' nostro has moved by what the line says, or an open case says why not.

mod ear;
mod reconcile;
pub(crate) mod records;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use ear::{Ear, listen_a_moment};
pub use reconcile::{Reconciliation, reconciliation};
pub use records::MIGRATIONS;

use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::instructions::hear as hear_of;
use crate::payouts::Payout;
use crate::topups::TopUp;
use ports::{RailError, Report, StatementLine};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{Id, Kind, kinds};

/// The job that listens again and again.
pub const JOB_LISTEN: &str = "rail.listen";

const LISTEN_SECONDS: i64 = 2;
const PAGE: u32 = 200;
const REPORTS: &str = "reports";
const STATEMENT: &str = "statement";

/// Where a word of the bank stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A result.
    Report,
    /// A line of the statement.
    Statement,
}

/// The end-to-end id of an instruction: the id that causes it, without the underscore (29 of ISO 20022's 35 characters).
/// Ids are never drawn twice, so neither are these.
pub(crate) fn end_to_end<K: Kind>(id: Id<K>) -> String {
    id.to_string().replace('_', "")
}

fn id_of<K: Kind>(end_to_end: &str) -> Option<Id<K>> {
    let digits = end_to_end.strip_prefix(K::PREFIX)?;
    Id::parse(&format!("{}_{digits}", K::PREFIX)).ok()
}

/// Whose an end-to-end id is.
pub(crate) enum Named {
    TopUp(Id<kinds::TopUp>),
    Payout(Id<kinds::Payout>),
    Nothing,
}

pub(crate) fn named(end_to_end: Option<&str>) -> Named {
    let Some(text) = end_to_end else { return Named::Nothing };
    match (id_of(text), id_of(text)) {
        (Some(id), _) => Named::TopUp(id),
        (None, Some(id)) => Named::Payout(id),
        (None, None) => Named::Nothing,
    }
}

/// Makes sure that somebody listens: schedules the job anew. Call it once when the bank is opened.
///
/// # Errors
/// When the database fails.
pub fn begin(uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
    uow.cancel_jobs(JOB_LISTEN, 0)?;
    let now = uow.now();
    uow.schedule(now, JOB_LISTEN, 0)
}

/// The listening job: listens, and is due again a moment later.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_listen(bank: &Bank, job: &Job) -> Result<(), BankError> {
    listen(bank)?;
    let claim = job.claim;
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            let due = uow.now().plus_seconds(LISTEN_SECONDS);
            uow.schedule(due, JOB_LISTEN, 0)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// Hears everything that is to be heard now; returns how many reports and lines took effect. A bank that does not answer is
/// asked again the next time.
///
/// # Errors
/// Trouble with the store.
pub fn listen(bank: &Bank) -> Result<usize, BankError> {
    let reports = hear_all(bank, REPORTS, |after| bank.rail().reports(after, PAGE, bank.now()), take_report)?;
    let lines = hear_all(bank, STATEMENT, |after| bank.rail().statement(after, PAGE, bank.now()), take_line)?;
    Ok(reports + lines)
}

trait Numbered {
    fn no(&self) -> u64;
}

impl Numbered for Report {
    fn no(&self) -> u64 {
        self.no
    }
}

impl Numbered for StatementLine {
    fn no(&self) -> u64 {
        self.no
    }
}

type Take<T> = fn(&Desk, &mut Uow<'_, '_>, &T) -> Result<(), StoreError>;

fn hear_all<T: Numbered + Send + 'static>(
    bank: &Bank,
    feed: &'static str,
    ask: impl Fn(u64) -> Result<Vec<T>, RailError>,
    take: Take<T>,
) -> Result<usize, BankError> {
    let mut heard = 0;
    let mut after = bank.store().read_blocking(|snapshot| Ok(records::cursor(snapshot.reading(), feed)?))?;
    loop {
        let page = match ask(after) {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(feed, %error, "the bank rail does not answer");
                return Ok(heard);
            }
        };
        let Some(last) = page.last().map(Numbered::no) else { return Ok(heard) };
        heard += page.len();
        for item in page {
            hear(bank, feed, item, take)?;
        }
        after = last;
    }
}

/// One item in one unit with its cursor. The cursor is read again inside: a listener that lost the race does nothing.
fn hear<T: Numbered + Send + 'static>(
    bank: &Bank,
    feed: &'static str,
    item: T,
    take: Take<T>,
) -> Result<(), BankError> {
    let desk = bank.desk();
    bank.store().write_blocking(move |uow| {
        if item.no() > records::cursor(uow.reading(), feed)? {
            take(&desk, uow, &item)?;
            records::set_cursor(uow, feed, item.no())?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn take_report(desk: &Desk, uow: &mut Uow<'_, '_>, report: &Report) -> Result<(), StoreError> {
    let known = match named(Some(&report.end_to_end)) {
        Named::TopUp(id) => hear_of::<TopUp>(desk, uow, id, (&report.outcome, Source::Report))?,
        Named::Payout(id) => hear_of::<Payout>(desk, uow, id, (&report.outcome, Source::Report))?,
        Named::Nothing => false,
    };
    if !known {
        // No money is shown by a report: the statement will show it if there is any.
        tracing::warn!(no = report.no, "the bank reported on an instruction that is not ours");
    }
    Ok(())
}

fn take_line(desk: &Desk, uow: &mut Uow<'_, '_>, line: &StatementLine) -> Result<(), StoreError> {
    let known = records::kept(uow.reading(), &line.reference)?;
    if !known {
        let matched = reconcile::take(desk, uow, line)?;
        records::keep_line(uow, line, matched)?;
    }
    Ok(())
}

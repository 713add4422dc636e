//! The independent checker: recomputes everything that follows from the journal and compares it with what the tables say.
//!
//! It reads rows and nothing else: neither the rules of posting nor the store's code, so that a mistake there cannot hide
//! itself here. It streams; memory grows with accounts, limit groups and open holds, never with the journal. It reads one
//! snapshot, so that it works beside a running bank, on a backup, and on what a crash left behind.
//!
//! The journal is the truth. `account_slice` and `group_slice` may lag behind it: each of their rows is right for the line that
//! it names as its last, and every later line lies behind the watermark, from where a start folds on. What is checked, by the invariants' names:
//!
//! - I1 the balances of each book (currency and legal entity) add up to nothing;
//! - I4 one record for each idempotency key, found by its index;
//! - I5 the balances on every line, the rows of account slices and the chains of lines equal the fold of the postings;
//! - I6 no line that is not forced leaves an account below its floor, holds counted. Floors have no history: today's is
//!   used, and accounts that are frozen in any way today are passed over. A credit line withdrawn after it was drawn is
//!   therefore reported;
//! - I7 captures stay within their hold, refunds and disputes within what was captured; I8 nothing happens to a hold after its end, nor a capture after its time;
//! - I10 event numbers run from 1 without gaps;
//! - I2, I12 every effect of a payment, capture and refund has its row, and every row its effect;
//! - the usage of limit groups equals the fold of the lines that count;
//! - "form": numbers without gaps, entries with their headers, indexes complete, references that lead somewhere.
//!
//! What nothing else repeats cannot be recomputed: an entry's type, dates, actor, channel, cause and policy.

mod accounts;
mod business;
mod difference;
mod events;
mod holds;
mod indexes;
mod journal;
mod limits;
mod scan;
mod slices;
mod sums;

pub use difference::{CheckError, Difference};

use accounts::Accounts;
use business::pairs::Pairs;
use difference::Stop;
use holds::Holds;
use journal::Folds;
use limits::Groups;
use scan::Snapshot;
use sql::Database;
use std::path::Path;

/// What to check beyond the invariants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Also read every page and index of the file, as after a restore. Slow on a large bank.
    pub pages: bool,
}

/// How far the check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The table being read.
    pub table: &'static str,
    /// Rows read.
    pub done: u64,
    /// Rows there are.
    pub of: u64,
}

/// The sums of one book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookSum {
    /// The legal entity, from 0.
    pub entity: u16,
    /// The currency's number.
    pub currency: u16,
    /// The currency's code, for a tenant's own unit its number.
    pub code: String,
    /// Accounts in the book.
    pub accounts: u64,
    /// Everything ever debited, minor units.
    pub debits: i128,
    /// Everything ever credited, minor units.
    pub credits: i128,
}

/// What was read, and the first difference if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Accounts read.
    pub accounts: u64,
    /// Journal lines read.
    pub lines: u64,
    /// Journal entries read.
    pub entries: u64,
    /// Holds read.
    pub holds: u64,
    /// Holds that are open.
    pub open_holds: u64,
    /// Idempotency records read.
    pub keys: u64,
    /// Events read.
    pub events: u64,
    /// Payments read.
    pub payments: u64,
    /// The sums of each book.
    pub books: Vec<BookSum>,
    /// The first difference found; nothing when the books are right.
    pub difference: Option<Difference>,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.difference.is_none()
    }
}

/// Checks the bank in a data directory, running or not, or in a database file such as a backup.
///
/// A backup's pages are compared with the sums that it carries, always.
///
/// It holds one read snapshot for as long as it runs, and meanwhile the bank's log cannot shrink: of a large busy bank, check
/// a backup.
///
/// # Errors
/// When the database cannot be read. What is wrong *in* it is in the report.
pub fn check(path: &Path, options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Report, CheckError> {
    let file = scan::file_of(path)?;
    let sums = sql::check_sums(&file).map(drop);
    if options.pages || sums.is_err() {
        match sums.and_then(|()| sql::check_file(&file)) {
            Ok(()) => {}
            Err(sql::BackupError::Damaged(finding)) => {
                let difference = Difference::new(("form", "file"), "pages", "integrity", "ok", &finding);
                return Ok(Report { difference: Some(difference), ..Report::default() });
            }
            Err(sql::BackupError::Exists | sql::BackupError::OfServer) => {}
            Err(sql::BackupError::Sql(error)) => return Err(CheckError::Sql(error)),
        }
    }
    check_database(&Database::File(file), progress)
}

/// Checks the bank in a database, on a server too.
///
/// # Errors
/// When the database cannot be read. What is wrong *in* it is in the report.
pub fn check_database(database: &Database, progress: &mut dyn FnMut(Progress)) -> Result<Report, CheckError> {
    let snapshot = Snapshot::open(database)?;
    let mut report = Report::default();
    match run(&snapshot, &mut report, progress) {
        Ok(()) => Ok(report),
        Err(Stop::Difference(difference)) => {
            report.difference = Some(*difference);
            Ok(report)
        }
        Err(Stop::Sql(sql::SqlError::DamagedPage(page))) => {
            let place = ("form", "file");
            report.difference = Some(Difference::new(place, page, "page", "as it was written", "something else"));
            Ok(report)
        }
        Err(Stop::Sql(error)) => Err(CheckError::Sql(error)),
    }
}

fn run(snapshot: &Snapshot, report: &mut Report, progress: &mut dyn FnMut(Progress)) -> Result<(), Stop> {
    let groups = Groups::read(snapshot)?;
    let accounts = Accounts::read(snapshot, &groups)?;
    report.accounts = accounts.count();
    let pairs = Pairs::new(snapshot)?;
    let mut folds = Folds { accounts, groups, holds: Holds::default(), pairs };
    journal::fold(snapshot, &mut folds, report, progress)?;
    let Folds { mut accounts, mut groups, holds, pairs } = folds;
    accounts.finish(report.lines)?;
    groups.finish(report.lines)?;
    (report.holds, report.open_holds) = holds.finish(snapshot, &accounts)?;
    report.books = accounts.sums();
    accounts::check_sums(&report.books)?;
    report.keys = indexes::check_keys(snapshot, progress)?;
    report.events = events::check(snapshot, progress)?;
    pairs.finish(snapshot)?;
    report.payments = business::payments::check(snapshot)?;
    Ok(())
}

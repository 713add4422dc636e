//! Reading: one snapshot of everything that was committed at a moment.

use crate::accounts::{self, AccountId, AccountRow};
use crate::error::StoreError;
use crate::groups::{self, GroupRow};
use crate::jobs::{self, Job};
use crate::journal::{self, JournalLine};
use crate::outbox::{self, Event};
use crate::published::Published;
use crate::slices;
use ledger::{Account, AccountNo, After, Group, GroupNo, Hold, LimitSet, Line};
use sql::{Connection, Deadline, Reading};
use std::cell::Cell;
use vocabulary::Timestamp;

/// A snapshot. Everything read from it belongs to one moment.
pub struct Snapshot<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) published: &'a Published,
    pub(crate) until: Deadline,
    pub(crate) last_line: u64,
    pub(crate) now: Timestamp,
    /// See [`Snapshot::lines_read`].
    pub(crate) read: Cell<u64>,
}

/// Lines of a chain, and lines of the journal, that are looked at in turn: a page of the journal costs a few look-ups by key.
const CHAIN: u32 = 64;
const SCAN: u64 = 1_024;

impl<'a> Snapshot<'a> {
    /// For queries on business tables, until the snapshot's time is over.
    #[must_use]
    pub fn reading(&self) -> Reading<'a> {
        Reading::until(self.connection, self.until)
    }

    /// The present moment, read when the snapshot was opened.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The last journal line in the snapshot.
    #[must_use]
    pub fn last_line(&self) -> u64 {
        self.last_line
    }

    /// The account by its id. Its counters may lag: see [`Snapshot::balance`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn account_by_id(&self, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
        Ok(accounts::by_id(self.connection, id)?)
    }

    /// The account by its number. Its counters may lag: see [`Snapshot::balance`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn account(&self, no: AccountNo) -> Result<Option<AccountRow>, StoreError> {
        Ok(accounts::by_no(self.connection, no)?)
    }

    /// Accounts in the order of their numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub fn accounts_after(&self, after: AccountNo, limit: u32) -> Result<Vec<AccountRow>, StoreError> {
        Ok(accounts::page(self.connection, after, limit)?)
    }

    /// The number of the account's last line in this snapshot, 0 when it has none.
    ///
    /// # Errors
    /// `Contended` when the account changed after the snapshot was opened: [`crate::Store::read`] then starts again.
    pub fn head(&self, no: AccountNo) -> Result<u64, StoreError> {
        match self.published.head(no.0) {
            // Not touched since the start: the table is exact.
            0 => Ok(slices::read_one::<Account>(self.connection, no.0)?.map_or(0, |account| account.last)),
            head if head <= self.last_line => Ok(head),
            _ => Err(StoreError::Contended),
        }
    }

    /// The account's posted and held balance in this snapshot, in its normal direction.
    ///
    /// # Errors
    /// As [`Snapshot::head`].
    pub fn balance(&self, no: AccountNo) -> Result<After, StoreError> {
        match self.head(no)? {
            0 => Ok(After::default()),
            head => Ok(after_of(&self.line(head)?.line, no)),
        }
    }

    /// The account's balance as it was after the last line posted before a moment.
    ///
    /// # Errors
    /// As [`Snapshot::head`].
    pub fn balance_before(&self, no: AccountNo, moment: Timestamp) -> Result<After, StoreError> {
        match self.line_before(no, self.first_since(moment)?)? {
            0 => Ok(After::default()),
            seq => Ok(after_of(&self.line(seq)?.line, no)),
        }
    }

    /// The number of the first line posted at a moment or after it; one after the last when there is none. Time never runs
    /// back in the journal.
    fn first_since(&self, moment: Timestamp) -> Result<u64, StoreError> {
        let (mut from, mut to) = (1, self.last_line + 1);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.header_of(&self.line(middle)?)?.at < moment {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        Ok(from)
    }

    /// The number of the account's last line before a line of the journal (its own or another's), 0 when it has none.
    ///
    /// There is no index of lines by account, so this looks from two sides in turn: back along the account's chain, and
    /// forward through the journal for the next line that names the account, which knows the one before it. The first is
    /// short for an account that moved little since, the second for one that moves all the time.
    ///
    /// # Errors
    /// As [`Snapshot::head`].
    pub fn line_before(&self, no: AccountNo, line: u64) -> Result<u64, StoreError> {
        let (mut back, mut next) = (self.head(no)?, line);
        loop {
            for _ in 0..CHAIN {
                if back < line {
                    return Ok(back);
                }
                back = previous(&self.line(back)?.line, no);
            }
            let below = next.saturating_add(SCAN);
            let found = journal::first_naming(self.connection, no, (next, below))?;
            self.count(found.map_or(SCAN, |(seq, _)| seq - next + 1));
            if let Some((_, before)) = found {
                return Ok(before);
            }
            next = below;
        }
    }

    /// How many lines of the journal were looked at one by one so far: what tests bound instead of time.
    #[must_use]
    pub fn lines_read(&self) -> u64 {
        self.read.get()
    }

    fn count(&self, lines: u64) {
        self.read.set(self.read.get() + lines);
    }

    /// The account's lines, newest first, from one of them on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn chain(&self, no: AccountNo, first: u64, limit: usize) -> Result<Vec<JournalLine>, StoreError> {
        let (mut seq, mut found) = (first, Vec::new());
        while seq != 0 && found.len() < limit {
            let row = self.line(seq)?;
            seq = previous(&row.line, no);
            found.push(row);
        }
        Ok(found)
    }

    /// The account's lines, newest first, from `before` (exclusive, 0 for the newest) on.
    ///
    /// # Errors
    /// As [`Snapshot::head`].
    pub fn history(&self, no: AccountNo, before: u64, limit: usize) -> Result<Vec<JournalLine>, StoreError> {
        let first = if before == 0 { self.head(no)? } else { self.previous_of(no, before)? };
        self.chain(no, first, limit)
    }

    fn previous_of(&self, no: AccountNo, before: u64) -> Result<u64, StoreError> {
        let row = journal::line(self.connection, before)?;
        Ok(row.filter(|row| row.line.debit == no || row.line.credit == no).map_or(0, |row| previous(&row.line, no)))
    }

    /// The header of the entry to which a line belongs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn header_of(&self, row: &JournalLine) -> Result<journal::Header, StoreError> {
        let header = match row.header {
            Some(header) => Some(header),
            None => self.line(row.line.entry)?.header,
        };
        header.ok_or(StoreError::Corrupt { table: "journal", finding: "an entry without a header" })
    }

    /// A line by its number; it must exist.
    ///
    /// # Errors
    /// When the database fails or the line is missing.
    pub fn line(&self, seq: u64) -> Result<JournalLine, StoreError> {
        self.count(1);
        journal::line(self.connection, seq)?
            .ok_or(StoreError::Corrupt { table: "journal", finding: "a line of a chain is missing" })
    }

    /// The lines of the entry whose first line has this number; none when there is no such entry.
    ///
    /// # Errors
    /// When the database fails.
    pub fn entry_lines(&self, first: u64) -> Result<Vec<JournalLine>, StoreError> {
        Ok(journal::entry_lines(self.connection, first)?)
    }

    /// At most so many lines from a number on, in order: for reading the journal in pages, each on a snapshot of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lines_from(&self, first: u64, limit: u32) -> Result<Vec<JournalLine>, StoreError> {
        Ok(journal::page_from(self.connection, first, limit)?)
    }

    /// Visits every line from a number on, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn each_line(&self, first: u64, mut visit: impl FnMut(&JournalLine)) -> Result<(), StoreError> {
        Ok(journal::each_from(self.connection, first, |row| {
            visit(&row);
            Ok(())
        })?)
    }

    /// The hold that an entry placed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn hold(&self, entry: u128) -> Result<Option<Hold>, StoreError> {
        Ok(crate::holds::by_id(self.connection, entry)?)
    }

    /// A group's limits: its profile's, lowered by its own. Its usage may lag behind the journal by a flush; decisions
    /// are made on [`crate::Uow::group`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn group(&self, no: GroupNo) -> Result<Option<(Group, LimitSet)>, StoreError> {
        let Some(row) = slices::read_one::<GroupRow>(self.connection, no.0)? else { return Ok(None) };
        let find = |list: Vec<(u64, LimitSet)>, no: u64| list.into_iter().find(|(found, _)| *found == no);
        let profile = find(groups::profiles(self.connection)?, u64::from(row.profile));
        let own = find(groups::own_limits(self.connection)?, no.0);
        let limits = groups::lower(
            &profile.map_or_else(LimitSet::default, |found| found.1),
            &own.map_or_else(LimitSet::default, |found| found.1),
        );
        Ok(Some((row.group, limits)))
    }

    /// Events after a number: all, or one owner's.
    ///
    /// # Errors
    /// When the database fails.
    pub fn events_after(&self, no: u64, owner: Option<u128>, limit: u32) -> Result<Vec<Event>, StoreError> {
        Ok(outbox::after(self.connection, no, owner, limit)?)
    }

    /// The last event's number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_event(&self) -> Result<u64, StoreError> {
        Ok(outbox::last(self.connection)?)
    }

    /// Jobs of some kinds that are due and that no node has a lease of, the longest due first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn due_jobs(&self, kinds: &[&str], limit: u32) -> Result<Vec<Job>, StoreError> {
        Ok(jobs::due(self.connection, (self.now, self.connection.server_micros()?), kinds, limit)?)
    }

    /// Jobs after a number, due or not, in the order in which they were written.
    ///
    /// # Errors
    /// When the database fails.
    pub fn jobs_after(&self, no: u64, limit: u32) -> Result<Vec<Job>, StoreError> {
        Ok(jobs::after(self.connection, no, limit)?)
    }

    /// The kinds of which there are jobs, due or not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn job_kinds(&self) -> Result<Vec<String>, StoreError> {
        Ok(jobs::kinds(self.connection)?)
    }
}

/// The balances that a line leaves on one of its accounts.
fn after_of(line: &Line, no: AccountNo) -> After {
    if line.debit == no { line.debit_after } else { line.credit_after }
}

fn previous(line: &Line, no: AccountNo) -> u64 {
    if line.debit == no { line.debit_prev } else { line.credit_prev }
}

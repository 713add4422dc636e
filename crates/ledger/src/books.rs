//! What the rules need of whoever keeps the books.

use crate::account::{Account, AccountNo};
use crate::entry::{Entry, Hold, Line, Step};
use crate::limits::{Group, GroupNo, LimitSet};
use vocabulary::Timestamp;

/// The present moment as the rules need it: one reading of the clock, and the tenant's calendar around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// The calendar day in the tenant's zone, in days since 1970-01-01.
    pub day: i32,
    /// The calendar month: year × 12 + month − 1.
    pub month: i32,
    /// The calendar year.
    pub year: i32,
    /// When the next day begins: daily limits reset.
    pub next_day: Timestamp,
    /// When the next month begins.
    pub next_month: Timestamp,
    /// When the next year begins.
    pub next_year: Timestamp,
}

/// An entry that was posted before, as far as it decides whether another with its id is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry as it was asked for, step by step. Its dates are not looked at, and the amounts of its steps only when it was
    /// forced (otherwise the lines have them); a capture's `last` may be anything when its line released just what it moved.
    pub entry: Entry,
    /// Its lines as they were posted: one for each step, then those of shortfalls.
    pub lines: Vec<Line>,
}

/// The books: reads see everything written before in the same unit of work; writes are undone by [`Books::undo_to`].
pub trait Books {
    /// Failure of the storage underneath, never a business "no".
    type Trouble;

    /// The account of this number.
    ///
    /// # Errors
    /// When storage fails.
    fn account(&mut self, no: AccountNo) -> Result<Option<Account>, Self::Trouble>;

    /// Replaces the account's counters and `last`.
    fn set_account(&mut self, account: &Account);

    /// The limit group of this number with its limits. Never called with [`GroupNo::NONE`].
    ///
    /// # Errors
    /// When storage fails; a group that an account names always exists.
    fn group(&mut self, no: GroupNo) -> Result<(Group, LimitSet), Self::Trouble>;

    /// Replaces the group's usage.
    fn set_group(&mut self, group: &Group);

    /// The hold that the entry of this id placed.
    ///
    /// # Errors
    /// When storage fails.
    fn hold(&mut self, id: u128) -> Result<Option<Hold>, Self::Trouble>;

    /// Stores a new or changed hold.
    fn set_hold(&mut self, hold: &Hold);

    /// The entry of this id, if one was posted.
    ///
    /// # Errors
    /// When storage fails.
    fn entry(&mut self, id: u128) -> Result<Option<StoredEntry>, Self::Trouble>;

    /// The number that the next line will get.
    fn next_line(&self) -> u64;

    /// Appends a line, whose number is [`Books::next_line`], of an entry: for one of its steps, or (none) for the shortfall of
    /// one. With the entry's first line, whose number is its [`Line::entry`], goes the entry's header.
    fn append(&mut self, line: &Line, entry: &Entry, step: Option<&Step>);

    /// A point to which everything can be undone.
    fn mark(&mut self) -> usize;

    /// Undoes every write since the mark.
    fn undo_to(&mut self, mark: usize);
}

//! Limits: groups of accounts that share them, windows of the tenant's calendar, and what was used in each.

use crate::books::Moment;

/// A limit group's dense number within one store, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupNo(pub u64);

impl GroupNo {
    /// No group.
    pub const NONE: Self = Self(0);
}

/// Which way money moves, seen from the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Out of the group's accounts.
    Out,
    /// Into the group's accounts.
    In,
}

/// The window over which a limit adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Each movement by itself.
    Movement,
    /// A calendar day in the tenant's zone.
    Day,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
    /// The balance after the movement.
    Balance,
}

/// The limits of a group, minor units; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitSet {
    /// Out, by movement, day, month, year.
    pub out: [Option<i64>; 4],
    /// In, by movement, day, month, year.
    pub into: [Option<i64>; 4],
    /// The highest posted balance that an incoming movement may lead to, each account by itself.
    pub balance: Option<i64>,
}

/// A group's usage in the windows that ran when it was last used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub no: GroupNo,
    /// The day, month and year (as in [`Moment`]) that the sums are of.
    pub day: i32,
    /// See `day`.
    pub month: i32,
    /// See `day`.
    pub year: i32,
    /// Used out in that day, month, year; minor units.
    pub out: [i64; 3],
    /// Used in, in that day, month, year.
    pub into: [i64; 3],
    /// The last journal line that changed it: recovery folds only later ones.
    pub last: u64,
}

/// A limit that would be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Whose limit.
    pub group: GroupNo,
    /// Which way.
    pub direction: Direction,
    /// Over which window.
    pub window: Window,
    /// The limit, minor units.
    pub limit: i64,
    /// What is left of it before this movement.
    pub left: i64,
    /// When the window ends, for day, month and year.
    pub resets_at: Option<vocabulary::Timestamp>,
}

impl Group {
    /// The group with its windows moved to the present: sums of windows that are over become 0.
    #[must_use]
    pub fn rolled(mut self, moment: &Moment) -> Self {
        if self.year != moment.year {
            self.out[2] = 0;
            self.into[2] = 0;
        }
        if self.month != moment.month {
            self.out[1] = 0;
            self.into[1] = 0;
        }
        if self.day != moment.day {
            self.out[0] = 0;
            self.into[0] = 0;
        }
        (self.day, self.month, self.year) = (moment.day, moment.month, moment.year);
        self
    }
}

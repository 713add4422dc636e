//! Limits: groups of accounts that share them, windows of the tenant's calendar, and what was used in each.

use crate::account::{Account, Side};
use crate::books::Moment;
use crate::entry::{Action, Count, Line};
use vocabulary::BookingDate;

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
    /// The highest balance that an incoming movement may lead to, incoming holds counted, each account by itself.
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
    pub fn rolled(self, moment: &Moment) -> Self {
        self.moved_to(moment.day, moment.month, moment.year)
    }

    fn moved_to(mut self, day: i32, month: i32, year: i32) -> Self {
        if self.year != year {
            self.out[2] = 0;
            self.into[2] = 0;
        }
        if self.month != month {
            self.out[1] = 0;
            self.into[1] = 0;
        }
        if self.day != day {
            self.out[0] = 0;
            self.into[0] = 0;
        }
        (self.day, self.month, self.year) = (day, month, year);
        self
    }

    /// What was used in this direction in its day, month, year.
    fn used(&self, direction: Direction) -> [i64; 3] {
        match direction {
            Direction::Out => self.out,
            Direction::In => self.into,
        }
    }
}

/// On which sides of a line a group stands: through the debit account, the credit account, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// The debit account is bound by it.
    pub debit: bool,
    /// The credit account is bound by it.
    pub credit: bool,
}

/// The groups that bind the accounts of a line, each once, with the sides on which they stand.
pub fn concerned(debit: &Account, credit: &Account) -> impl Iterator<Item = (GroupNo, Sides)> + use<> {
    let (debit, credit) = (debit.groups, credit.groups);
    let all = [debit[0], debit[1], credit[0], credit[1]];
    (0..all.len()).filter(move |&at| all[at] != GroupNo::NONE && !all[..at].contains(&all[at])).map(move |at| {
        let no = all[at];
        (no, Sides { debit: debit.contains(&no), credit: credit.contains(&no) })
    })
}

/// Folds a journal line into a group's usage. Posting and recovery both go through here, so that they cannot differ. A line
/// that does not count, or that the group holds already (not after `last`), changes nothing.
#[must_use]
pub fn replay(group: Group, sides: Sides, line: &Line) -> Group {
    if line.seq <= group.last || line.count == Count::No {
        return group;
    }
    let (month, year) = calendar(line.day, &group);
    let mut group = group.moved_to(line.day, month, year);
    group.last = line.seq;
    match line.count {
        Count::No => {}
        Count::Use => {
            if sides.debit {
                group.out = group.out.map(|used| used.saturating_add(line.amount));
            }
            if sides.credit {
                group.into = group.into.map(|used| used.saturating_add(line.amount));
            }
        }
        Count::GiveBack { day } => {
            let running = running(day, &group);
            match line.action {
                // Against the first movement: whoever paid then is credited now, whoever received is debited.
                Action::Post | Action::Hold => {
                    if sides.credit {
                        give_back(&mut group.out, running, line.amount);
                    }
                    if sides.debit {
                        give_back(&mut group.into, running, line.amount);
                    }
                }
                Action::Capture | Action::Void | Action::Expire => {
                    let unused = line.released - line.amount;
                    if sides.debit {
                        give_back(&mut group.out, running, unused);
                    }
                    if sides.credit {
                        give_back(&mut group.into, running, unused);
                    }
                }
            }
        }
    }
    group
}

fn give_back(used: &mut [i64; 3], running: [bool; 3], amount: i64) {
    for (used, running) in used.iter_mut().zip(running) {
        if running {
            *used = (*used - amount).max(0);
        }
    }
}

/// Which of the group's windows contain that day.
fn running(day: i32, group: &Group) -> [bool; 3] {
    if day == group.day {
        return [true; 3];
    }
    let (month, year) = calendar(day, group);
    [false, month == group.month, year == group.year]
}

/// Month (year × 12 + month − 1) and year of a day, without computing when the group knows it.
fn calendar(day: i32, group: &Group) -> (i32, i32) {
    if day == group.day && group.month != 0 {
        return (group.month, group.year);
    }
    let (year, month, _) = BookingDate::from_days(day).ymd();
    let year = i32::from(year);
    (year * 12 + i32::from(month) - 1, year)
}

/// The first limit of the account's group that a movement of this amount would exceed: movement, day, month, year.
pub(crate) fn exceeded(
    (group, limits): (Group, &LimitSet),
    direction: Direction,
    amount: i64,
    moment: &Moment,
) -> Option<Reached> {
    let limits = match direction {
        Direction::Out => limits.out,
        Direction::In => limits.into,
    };
    let group = group.rolled(moment);
    let used = group.used(direction);
    let windows = [
        (Window::Movement, limits[0], 0, None),
        (Window::Day, limits[1], used[0], Some(moment.next_day)),
        (Window::Month, limits[2], used[1], Some(moment.next_month)),
        (Window::Year, limits[3], used[2], Some(moment.next_year)),
    ];
    windows.into_iter().find_map(|(window, limit, used, resets_at)| {
        let limit = limit?;
        let left = limit.saturating_sub(used).max(0);
        (amount > left).then_some(Reached { group: group.no, direction, window, limit, left, resets_at })
    })
}

/// The balance limit that crediting this amount would exceed. Only accounts that credits increase have one.
pub(crate) fn balance_exceeded(group: GroupNo, limits: &LimitSet, credit: &Account, amount: i64) -> Option<Reached> {
    let limit = limits.balance?;
    if credit.class.normal() != Side::Credit {
        return None;
    }
    let balance = i128::from(credit.posted()) + i128::from(credit.credits_pending);
    let left = i64::try_from((i128::from(limit) - balance).max(0)).unwrap_or(i64::MAX);
    let (direction, window) = (Direction::In, Window::Balance);
    (amount > left).then_some(Reached { group, direction, window, limit, left, resets_at: None })
}

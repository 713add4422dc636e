//! Books in memory, and a calendar in UTC. Undoing restores a copy, so that it cannot share a mistake with posting.

use ledger::{Account, AccountNo, Books, Entry, Group, GroupNo, Hold, LimitSet, Line, Moment, Step, StoredEntry};
use std::collections::BTreeMap;
use std::convert::Infallible;
use vocabulary::{BookingDate, Timestamp};

/// Everything that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub accounts: BTreeMap<u64, Account>,
    pub groups: BTreeMap<u64, (Group, LimitSet)>,
    pub holds: BTreeMap<u128, Hold>,
    pub entries: BTreeMap<u128, Entry>,
    pub lines: Vec<Line>,
    /// The id of the entry that each line belongs to.
    pub owners: Vec<u128>,
}

/// Books in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryBooks {
    pub state: State,
    marks: Vec<State>,
}

impl MemoryBooks {
    pub fn put(&mut self, account: Account) {
        self.state.accounts.insert(account.no.0, account);
    }

    pub fn get(&self, no: AccountNo) -> Account {
        self.state.accounts[&no.0]
    }
}

impl Books for MemoryBooks {
    type Trouble = Infallible;

    fn account(&mut self, no: AccountNo) -> Result<Option<Account>, Infallible> {
        Ok(self.state.accounts.get(&no.0).copied())
    }

    fn set_account(&mut self, account: &Account) {
        self.state.accounts.insert(account.no.0, *account);
    }

    fn group(&mut self, no: GroupNo) -> Result<(Group, LimitSet), Infallible> {
        assert_ne!(no, GroupNo::NONE);
        Ok(self.state.groups[&no.0])
    }

    fn set_group(&mut self, group: &Group) {
        self.state.groups.get_mut(&group.no.0).expect("a group that was asked for").0 = *group;
    }

    fn hold(&mut self, id: u128) -> Result<Option<Hold>, Infallible> {
        Ok(self.state.holds.get(&id).copied())
    }

    fn set_hold(&mut self, hold: &Hold) {
        self.state.holds.insert(hold.id, *hold);
    }

    fn entry(&mut self, id: u128) -> Result<Option<StoredEntry>, Infallible> {
        let Some(entry) = self.state.entries.get(&id).cloned() else { return Ok(None) };
        let owned = self.state.lines.iter().zip(&self.state.owners).filter(|(_, owner)| **owner == id);
        Ok(Some(StoredEntry { entry, lines: owned.map(|(line, _)| *line).collect() }))
    }

    fn next_line(&self) -> u64 {
        self.state.lines.len() as u64 + 1
    }

    fn append(&mut self, line: &Line, entry: &Entry, step: Option<&Step>) {
        assert_eq!(line.seq, self.next_line());
        let place = (line.seq - line.entry) as usize;
        assert_eq!(step, entry.steps.get(place), "lines stand in the order of their steps, shortfalls after them");
        if place == 0 {
            self.state.entries.insert(entry.id, entry.clone());
        }
        self.state.lines.push(*line);
        self.state.owners.push(entry.id);
    }

    fn mark(&mut self) -> usize {
        self.marks.push(self.state.clone());
        self.marks.len() - 1
    }

    fn undo_to(&mut self, mark: usize) {
        self.state = self.marks[mark].clone();
        self.marks.truncate(mark);
    }
}

/// The moment as seen from a calendar in UTC.
pub fn moment(now: Timestamp) -> Moment {
    let day = BookingDate::from_days(i32::try_from(now.micros().div_euclid(86_400_000_000)).unwrap_or(i32::MAX));
    let (year, month, _) = day.ymd();
    let start = |year: i16, month: i8| {
        let day = BookingDate::from_ymd(year, month, 1).unwrap_or(day);
        Timestamp::from_micros(i64::from(day.days()).saturating_mul(86_400_000_000))
    };
    let month = i8::try_from(month).expect("1 to 12");
    Moment {
        now,
        day: day.days(),
        month: i32::from(year) * 12 + i32::from(month) - 1,
        year: i32::from(year),
        next_day: Timestamp::from_micros(i64::from(day.days() + 1).saturating_mul(86_400_000_000)),
        next_month: if month == 12 { start(year.saturating_add(1), 1) } else { start(year, month + 1) },
        next_year: start(year.saturating_add(1), 1),
    }
}

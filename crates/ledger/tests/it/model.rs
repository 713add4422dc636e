//! The naive model: nothing but a list of what happened. Every balance, hold and usage is recomputed from the list each time.

use std::ops::Range;
use vocabulary::BookingDate;

pub const DAY: i64 = 86_400_000_000;

/// An account of the model. Increased by credits unless `asset`.
#[derive(Clone, Copy)]
pub struct Terms {
    pub asset: bool,
    pub floor: Option<i64>,
    pub groups: [usize; 2],
    pub receivable: Option<usize>,
}

/// Limits of a group: out and in by movement, day, month, year; balance.
#[derive(Clone, Copy)]
pub struct Limits {
    pub out: [i64; 4],
    pub into: [i64; 4],
    pub balance: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    Not,
    Uses,
    /// Gives back what was used so many days ago.
    Back(i32),
}

/// A wish.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Several movements in one entry.
    Move {
        moves: Vec<Movement>,
        forced: bool,
    },
    Hold {
        movement: Movement,
        seconds: Option<u32>,
    },
    Capture {
        hold: usize,
        amount: Option<i64>,
        last: bool,
    },
    Void {
        hold: usize,
    },
    Expire {
        hold: usize,
    },
    Tick {
        seconds: i64,
    },
}

#[derive(Clone, Copy, Debug)]
pub struct Movement {
    pub from: usize,
    pub to: usize,
    pub amount: i64,
    pub up_to: (bool, bool),
    pub counting: Counting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Captured,
    Voided,
    Expired,
}

/// Debit account, credit account, amount, when it expires, the day on which it counted.
type Placed = (usize, usize, i64, Option<i64>, Option<i32>);

/// What happened.
#[derive(Clone, Debug)]
enum Event {
    Moved {
        from: usize,
        to: usize,
        amount: i64,
    },
    Held {
        from: usize,
        to: usize,
        amount: i64,
        expires: Option<i64>,
        counted: Option<i32>,
    },
    Released {
        hold: usize,
        amount: i64,
        last: Option<End>,
    },
    /// A group used (or with a negative amount, was given back) something that was used on `of`, noted on `on`.
    Counted {
        group: usize,
        out: bool,
        amount: i64,
        of: i32,
        on: i32,
    },
}

#[derive(Clone)]
pub struct Model {
    pub accounts: Vec<Terms>,
    pub groups: Vec<Limits>,
    pub now: i64,
    events: Vec<Event>,
}

fn month(day: i32) -> (i16, u8) {
    let (year, month, _) = BookingDate::from_days(day).ymd();
    (year, month)
}

/// Whether both days are in one window: 0 the day, 1 the month, 2 the year.
fn together(window: usize, a: i32, b: i32) -> bool {
    match window {
        0 => a == b,
        1 => month(a) == month(b),
        _ => month(a).0 == month(b).0,
    }
}

impl Model {
    pub fn new(accounts: Vec<Terms>, groups: Vec<Limits>, now: i64) -> Self {
        Self { accounts, groups, now, events: Vec::new() }
    }

    fn today(&self) -> i32 {
        i32::try_from(self.now / DAY).expect("a day of our time")
    }

    /// Credits less debits.
    fn net(&self, account: usize) -> i64 {
        let moved = |event: &Event| match event {
            Event::Moved { from, to, amount } => amount * (i64::from(*to == account) - i64::from(*from == account)),
            _ => 0,
        };
        self.events.iter().map(moved).sum()
    }

    pub fn posted(&self, account: usize) -> i64 {
        if self.accounts[account].asset { -self.net(account) } else { self.net(account) }
    }

    fn holds(&self) -> Vec<Placed> {
        let held = |event: &Event| match event {
            Event::Held { from, to, amount, expires, counted } => Some((*from, *to, *amount, *expires, *counted)),
            _ => None,
        };
        self.events.iter().filter_map(held).collect()
    }

    pub fn hold_count(&self) -> usize {
        self.holds().len()
    }

    pub fn remaining(&self, hold: usize) -> i64 {
        let released = |event: &Event| match event {
            Event::Released { hold: of, amount, .. } if *of == hold => *amount,
            _ => 0,
        };
        self.holds()[hold].2 - self.events.iter().map(released).sum::<i64>()
    }

    fn end(&self, hold: usize) -> Option<End> {
        self.events.iter().find_map(|event| match event {
            Event::Released { hold: of, last, .. } if *of == hold => *last,
            _ => None,
        })
    }

    /// Held out of the account (`true`) or coming into it.
    fn held(&self, account: usize, out: bool) -> i64 {
        let all: Range<usize> = 0..self.hold_count();
        all.filter(|hold| {
            let (from, to, ..) = self.holds()[*hold];
            account == if out { from } else { to }
        })
        .map(|hold| self.remaining(hold))
        .sum()
    }

    pub fn reserved(&self, account: usize) -> i64 {
        self.held(account, !self.accounts[account].asset)
    }

    pub fn used(&self, group: usize, out: bool, window: usize) -> i64 {
        let today = self.today();
        self.events.iter().fold(0, |sum, event| match event {
            Event::Counted { group: of_group, out: way, amount, of, on }
                if *of_group == group
                    && *way == out
                    && together(window, *of, today)
                    && together(window, *on, today) =>
            {
                (sum + amount).max(0)
            }
            _ => sum,
        })
    }

    /// What the account may still give on the side that reduces it.
    fn room(&self, account: usize, debit: bool) -> i64 {
        let terms = self.accounts[account];
        let net = if debit { self.net(account) } else { -self.net(account) };
        let floor = if terms.asset == debit { 0 } else { terms.floor.unwrap_or(0) };
        net - self.held(account, debit) - floor
    }

    /// What happens, as the amounts of the lines, or the code of the refusal and then nothing.
    pub fn wish(&mut self, wish: &Wish) -> Result<Vec<i64>, &'static str> {
        let before = self.events.len();
        let answer = self.try_wish(wish);
        if answer.is_err() {
            self.events.truncate(before);
        }
        answer
    }

    fn try_wish(&mut self, wish: &Wish) -> Result<Vec<i64>, &'static str> {
        match wish {
            Wish::Tick { seconds } => {
                self.now += seconds * 1_000_000;
                Ok(Vec::new())
            }
            Wish::Move { moves, forced } => self.moves(moves, *forced),
            Wish::Hold { movement, seconds } => {
                let amount = self.checked(movement)?;
                let expires = seconds.map(|seconds| self.now + i64::from(seconds) * 1_000_000);
                let counted = (movement.counting == Counting::Uses).then(|| self.today());
                let (from, to) = (movement.from, movement.to);
                self.count(movement, amount);
                self.events.push(Event::Held { from, to, amount, expires, counted });
                Ok(vec![amount])
            }
            Wish::Capture { hold, amount, last } => self.capture(*hold, *amount, *last),
            Wish::Void { hold } => {
                self.running(*hold)?;
                self.release(*hold, End::Voided)
            }
            Wish::Expire { hold } => match self.end(*hold) {
                None if !self.over(*hold) => Err("hold_not_over"),
                None => self.release(*hold, End::Expired),
                Some(_) => Err(self.running(*hold).expect_err("it has ended")),
            },
        }
    }

    fn moves(&mut self, moves: &[Movement], forced: bool) -> Result<Vec<i64>, &'static str> {
        let mut amounts = Vec::new();
        let mut shortfalls = Vec::new();
        for movement in moves {
            if !forced {
                let amount = self.checked(movement)?;
                amounts.push(self.moved(movement, amount));
                continue;
            }
            if movement.from == movement.to {
                return Err("accounts_same");
            }
            let amount = self.bounded(movement);
            let terms = self.accounts[movement.from];
            let taken = match (terms.floor, terms.receivable) {
                (Some(_), Some(_)) if !terms.asset => amount.min(self.room(movement.from, true).max(0)),
                _ => amount,
            };
            amounts.push(self.moved(movement, taken));
            if taken < amount {
                let from = terms.receivable.expect("a receivable");
                shortfalls.push((Movement { from, ..*movement }, amount - taken));
            }
        }
        for (movement, amount) in shortfalls {
            if movement.from == movement.to {
                return Err("accounts_same");
            }
            amounts.push(self.moved(&movement, amount));
        }
        Ok(amounts)
    }

    fn bounded(&self, movement: &Movement) -> i64 {
        let mut amount = movement.amount;
        if movement.up_to.0 {
            amount = amount.min(self.room(movement.from, true));
        }
        if movement.up_to.1 {
            amount = amount.min(self.room(movement.to, false));
        }
        amount.max(0)
    }

    fn checked(&self, movement: &Movement) -> Result<i64, &'static str> {
        let Movement { from, to, .. } = *movement;
        if from == to {
            return Err("accounts_same");
        }
        let amount = self.bounded(movement);
        let short = |account: usize, debit: bool| {
            let terms = self.accounts[account];
            terms.floor.is_some() && terms.asset != debit && amount > self.room(account, debit)
        };
        if short(from, true) || short(to, false) {
            return Err("insufficient_funds");
        }
        if movement.counting == Counting::Uses {
            let over = |group: &usize, out: bool| {
                let limits = if out { self.groups[*group].out } else { self.groups[*group].into };
                amount > limits[0]
                    || (0..3).any(|window| amount > (limits[window + 1] - self.used(*group, out, window)).max(0))
            };
            if self.groups_of(from).iter().any(|group| over(group, true))
                || self.groups_of(to).iter().any(|group| over(group, false))
            {
                return Err("limit_exceeded");
            }
            let balance = self.posted(to) + self.held(to, false);
            let full = |group: &usize| amount > self.groups[*group].balance.saturating_sub(balance).max(0);
            if !self.accounts[to].asset && self.groups_of(to).iter().any(full) {
                return Err("balance_limit_exceeded");
            }
        }
        Ok(amount)
    }

    /// Group 0 stands for none.
    fn groups_of(&self, account: usize) -> Vec<usize> {
        self.accounts[account].groups.into_iter().filter(|group| *group != 0).collect()
    }

    fn moved(&mut self, movement: &Movement, amount: i64) -> i64 {
        self.count(movement, amount);
        self.events.push(Event::Moved { from: movement.from, to: movement.to, amount });
        amount
    }

    fn count(&mut self, movement: &Movement, amount: i64) {
        let on = self.today();
        match movement.counting {
            Counting::Not => {}
            Counting::Uses => {
                for group in self.groups_of(movement.from) {
                    self.events.push(Event::Counted { group, out: true, amount, of: on, on });
                }
                for group in self.groups_of(movement.to) {
                    self.events.push(Event::Counted { group, out: false, amount, of: on, on });
                }
            }
            Counting::Back(days) => {
                for group in self.groups_of(movement.to) {
                    self.events.push(Event::Counted { group, out: true, amount: -amount, of: on - days, on });
                }
                for group in self.groups_of(movement.from) {
                    self.events.push(Event::Counted { group, out: false, amount: -amount, of: on - days, on });
                }
            }
        }
    }

    fn over(&self, hold: usize) -> bool {
        self.holds()[hold].3.is_some_and(|at| at <= self.now)
    }

    fn running(&self, hold: usize) -> Result<(), &'static str> {
        match self.end(hold) {
            Some(End::Captured) => Err("hold_already_captured"),
            Some(End::Voided) => Err("hold_already_voided"),
            Some(End::Expired) => Err("hold_expired"),
            None if self.over(hold) => Err("hold_expired"),
            None => Ok(()),
        }
    }

    fn capture(&mut self, hold: usize, amount: Option<i64>, last: bool) -> Result<Vec<i64>, &'static str> {
        let (from, to, placed, _, _) = self.holds()[hold];
        let remaining = self.remaining(hold);
        if amount.is_some_and(|amount| amount > placed) {
            return Err("capture_exceeds_hold");
        }
        self.running(hold)?;
        let amount = amount.unwrap_or(remaining);
        if amount > remaining {
            return Err("capture_exceeds_hold");
        }
        let released = if last { remaining } else { amount };
        self.unused(hold, released - amount);
        let last = (released == remaining).then_some(End::Captured);
        self.events.push(Event::Released { hold, amount: released, last });
        self.events.push(Event::Moved { from, to, amount });
        Ok(vec![amount])
    }

    fn release(&mut self, hold: usize, end: End) -> Result<Vec<i64>, &'static str> {
        let amount = self.remaining(hold);
        self.unused(hold, amount);
        self.events.push(Event::Released { hold, amount, last: Some(end) });
        Ok(vec![0])
    }

    fn unused(&mut self, hold: usize, amount: i64) {
        let (from, to, _, _, counted) = self.holds()[hold];
        let Some(of) = counted else { return };
        let on = self.today();
        for group in self.groups_of(from) {
            self.events.push(Event::Counted { group, out: true, amount: -amount, of, on });
        }
        for group in self.groups_of(to) {
            self.events.push(Event::Counted { group, out: false, amount: -amount, of, on });
        }
    }
}

//! An account as the rules see it: class, floor, freezes, and four counters from which every balance follows.
//!
//! The counters only the rules may change. Names, owner, product and general-ledger code stand in the store: no rule
//! depends on them.

use crate::entry::{Action, After, Line};
use crate::limits::GroupNo;

/// An account's dense number within one store, from 1. The outside knows accounts by id; the mapping is the store's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNo(pub u64);

/// A set of books that must balance by itself: one unit of value in one legal entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BookNo(pub u32);

impl BookNo {
    /// The book of a currency (its number) in a legal entity (from 0).
    #[must_use]
    pub const fn of(entity: u16, currency: u16) -> Self {
        Self((entity as u32) << 16 | currency as u32)
    }

    /// The currency's number.
    #[must_use]
    pub const fn currency(self) -> u16 {
        (self.0 & 0xFFFF) as u16
    }

    /// The legal entity.
    #[must_use]
    pub const fn entity(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// One side of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Increases assets and expenses.
    Debit,
    /// Increases liabilities, equity and income.
    Credit,
}

/// The class of an account in the balance sheet or income statement; decides the side that increases it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// What the bank owns or is owed; debit-normal.
    Asset = 1,
    /// What the bank owes, such as customers' money; credit-normal.
    Liability = 2,
    /// Owners' capital; credit-normal.
    Equity = 3,
    /// Fees and interest earned; credit-normal.
    Income = 4,
    /// Costs; debit-normal.
    Expense = 5,
}

impl Class {
    /// The side that increases an account of this class.
    #[must_use]
    pub const fn normal(self) -> Side {
        match self {
            Self::Asset | Self::Expense => Side::Debit,
            Self::Liability | Self::Equity | Self::Income => Side::Credit,
        }
    }

    /// The class with this stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Asset,
            2 => Self::Liability,
            3 => Self::Equity,
            4 => Self::Income,
            5 => Self::Expense,
            _ => return None,
        })
    }
}

/// How low an account may go in its normal direction, holds counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Floor {
    /// As low as it likes (the bank's own accounts).
    None,
    /// Not below this many minor units: 0, or minus a credit line.
    At(i64),
}

/// What is forbidden on a frozen account. An entry that is forced passes all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Freeze {
    /// No customer-initiated debit.
    pub debit: bool,
    /// No customer-initiated credit.
    pub credit: bool,
    /// So many minor units are set aside: they do not count as available. Never negative.
    pub amount: i64,
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub no: AccountNo,
    /// Its currency and legal entity.
    pub book: BookNo,
    /// Its class.
    pub class: Class,
    /// How low it may go.
    pub floor: Floor,
    /// What is frozen.
    pub freeze: Freeze,
    /// Closed: no entry touches it any more.
    pub closed: bool,
    /// Sum of all posted debits, minor units.
    pub debits_posted: i64,
    /// Sum of all posted credits.
    pub credits_posted: i64,
    /// Sum of open holds in which it is the debit account.
    pub debits_pending: i64,
    /// Sum of open holds in which it is the credit account.
    pub credits_pending: i64,
    /// The last journal line that names it, 0 for none.
    pub last: u64,
    /// The limit groups whose limits bind it (its own and its owner's), [`GroupNo::NONE`] where there is none.
    pub groups: [GroupNo; 2],
    /// Where a forced debit posts what is not there, `AccountNo(0)` for nowhere.
    pub receivable: AccountNo,
}

impl Account {
    /// The posted balance in the normal direction.
    #[must_use]
    pub fn posted(&self) -> i64 {
        match self.class.normal() {
            Side::Debit => self.debits_posted - self.credits_posted,
            Side::Credit => self.credits_posted - self.debits_posted,
        }
    }

    /// What open holds set aside in the reducing direction.
    #[must_use]
    pub fn held(&self) -> i64 {
        match self.class.normal() {
            Side::Debit => self.credits_pending,
            Side::Credit => self.debits_pending,
        }
    }

    /// What a customer-initiated movement may still take: posted less held less frozen amount less floor, at least 0; nothing
    /// when the account has no floor to guard.
    #[must_use]
    pub fn available(&self) -> Option<i64> {
        let Floor::At(floor) = self.floor else { return None };
        let left =
            i128::from(self.posted()) - i128::from(self.held()) - i128::from(self.freeze.amount) - i128::from(floor);
        Some(i64::try_from(left.max(0)).unwrap_or(i64::MAX))
    }

    /// The balances that a line records after it.
    #[must_use]
    pub fn after(&self) -> After {
        After { posted: self.posted(), held: self.held() }
    }

    /// Folds a journal line into the counters. Posting and recovery both go through here, so that they cannot differ. A line
    /// that does not name the account, or that it holds already (not after `last`), changes nothing.
    ///
    /// # Panics
    /// When a counter would leave its range: posting refuses such a line before it exists.
    pub fn replay(&mut self, line: &Line) {
        if line.seq <= self.last {
            return;
        }
        let (posted, pending) = if self.no == line.debit {
            (&mut self.debits_posted, &mut self.debits_pending)
        } else if self.no == line.credit {
            (&mut self.credits_posted, &mut self.credits_pending)
        } else {
            return;
        };
        let (moved, held) = match line.action {
            Action::Post => (line.amount, 0),
            Action::Hold => (0, line.amount),
            Action::Capture => (line.amount, -line.released),
            Action::Void | Action::Expire => (0, -line.released),
        };
        *posted = posted.checked_add(moved).expect("the counter stays in range: overflow is refused before writing");
        *pending = pending.checked_add(held).expect("the counter stays in range: overflow is refused before writing");
        self.last = line.seq;
    }

    /// How much may still be debited before debits exceed credits, holds counted, and below a credit-normal account's floor;
    /// `frozen` says whether the frozen amount is respected. May be negative.
    pub(crate) fn room_to_debit(&self, frozen: bool) -> i128 {
        let spent = i128::from(self.debits_posted) + i128::from(self.debits_pending);
        i128::from(self.credits_posted) - spent - self.kept(Side::Credit, frozen)
    }

    /// How much may still be credited before credits exceed debits, and below a debit-normal account's floor.
    pub(crate) fn room_to_credit(&self, frozen: bool) -> i128 {
        let spent = i128::from(self.credits_posted) + i128::from(self.credits_pending);
        i128::from(self.debits_posted) - spent - self.kept(Side::Debit, frozen)
    }

    /// What must stay on an account whose normal side is this one: its floor and, if respected, its frozen amount.
    fn kept(&self, normal: Side, frozen: bool) -> i128 {
        if self.class.normal() != normal {
            return 0;
        }
        let floor = match self.floor {
            Floor::None => 0,
            Floor::At(floor) => i128::from(floor),
        };
        floor + if frozen { i128::from(self.freeze.amount) } else { 0 }
    }
}

//! Instructions: what top-ups and payouts have in common. Each is a wish that the bank outside carries out, later or never.
//!
//! ```text
//! created ──► instructed ──► executed ──► returned
//!    │            │  ▲           ▲
//!    │            ▼  │ evidence  │ (late)
//!    ├──► under_investigation ───┤
//!    └────────────┴──► failed ───┘
//! ```
//! Handing over is in `send.rs`, deadlines in `deadline.rs`, what the bank's word means in `rules.rs` (a pure function), its
//! way there in `hear.rs`, and what both do with money and people in `effects.rs`. Where they differ they say so as values
//! ([`Terms`]) and by their own effects ([`Instructed`]); this room has no table and knows neither wallets nor fees.
//!
//! Crash points closed here: wish, money and the job that hands over commit together, so a crash before the bank was called
//! loses nothing; `sent` is committed before the call, so after a crash the bank is asked whether it knows the id before it is
//! handed over again; the id is the wish's own and is executed once however often it is handed over.

mod deadline;
pub(crate) mod effects;
mod hear;
mod rules;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use deadline::{next_date, run_deadline};
pub(crate) use hear::hear;
pub(crate) use send::run_instruct;

use crate::desk::Desk;
use ports::Order;
use sql::{Reading, SqlError};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, Kind, Timestamp, kinds};

/// How far an instruction has come. The numbers only ever rise over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Wished for; not yet with the bank.
    Created = 1,
    /// With the bank.
    Instructed = 2,
    /// No final result by the deadline, or a doubtful one.
    UnderInvestigation = 3,
    /// The bank will not.
    Failed = 4,
    /// The bank did.
    Executed = 5,
    /// It was undone after the bank did.
    Returned = 6,
}

impl Stage {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Created,
            2 => Self::Instructed,
            3 => Self::UnderInvestigation,
            4 => Self::Failed,
            5 => Self::Executed,
            6 => Self::Returned,
            _ => return None,
        })
    }
}

/// What is different between kinds of instructions and can be said in a word.
pub(crate) struct Terms {
    /// The table, for findings about broken rows.
    pub(crate) table: &'static str,
    /// Which way the money goes.
    pub(crate) order: Order,
    /// The job that looks at it at its deadline.
    pub(crate) deadline: &'static str,
}

impl Terms {
    /// Whether a line of the statement that shows it undone is one of money coming in.
    pub(crate) const fn back_comes_in(&self) -> bool {
        matches!(self.order, Order::Pay)
    }
}

/// What an instruction says of itself.
pub(crate) struct Facts<K: Kind> {
    pub(crate) id: Id<K>,
    /// The account outside.
    pub(crate) bank_account: Id<kinds::BankAccount>,
    /// The currency's number.
    pub(crate) currency: u16,
    /// What was asked, minor units.
    pub(crate) asked: i64,
    /// What the bank moved, minor units, as far as the books know; 0 while nothing.
    pub(crate) moved: i64,
    pub(crate) stage: Stage,
    /// Whether it was (about to be) handed over.
    pub(crate) sent: bool,
}

/// A wish that the bank outside carries out.
pub(crate) trait Instructed: Sized + Send + 'static {
    /// The kind of its id.
    type Kind: Kind + Send + 'static;
    /// What is different about it.
    const TERMS: Terms;

    fn by_id(reading: Reading<'_>, id: Id<Self::Kind>) -> Result<Option<Self>, SqlError>;
    fn facts(&self) -> Facts<Self::Kind>;
    /// Moves it on: stage, the day on which somebody looks next, the moment of its end.
    fn enter(&mut self, stage: Stage, next_date: Option<BookingDate>, ended: Option<Timestamp>);
    /// Notes why it failed or came back.
    fn explain(&mut self, reason: &str);
    /// Whether something stands for what the bank moved against its own word: a receivable, or money in suspense.
    fn standing(&self, uow: &Uow<'_, '_>) -> Result<bool, StoreError>;
    /// Whether people let go what waited in suspense for it.
    fn let_go(&self, uow: &Uow<'_, '_>) -> Result<bool, StoreError>;
    /// Writes what changed. Stages only move forward: anything else is an error of ours.
    fn change(&self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError>;
    /// Writes that it is about to be handed over. False when that was written before, or it ended meanwhile.
    fn set_sent(uow: &mut Uow<'_, '_>, id: Id<Self::Kind>, at: Timestamp) -> Result<bool, StoreError>;
    /// Takes that back: the bank was surely not reached.
    fn set_unsent(uow: &mut Uow<'_, '_>, id: Id<Self::Kind>) -> Result<(), StoreError>;
    /// Tells what it has become.
    fn emit(&self, desk: &Desk, uow: &mut Uow<'_, '_>);

    /// The bank moved so many minor units.
    fn execute(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError>;
    /// The bank moved them after it had refused and we had given up.
    fn execute_late(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError>;
    /// The bank says that it moved them, after it had said that they came back.
    fn execute_after_return(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError>;
    /// The bank will not, or it did and it came back before we heard: ends in that stage without money.
    fn give_up(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, end: (Stage, &str)) -> Result<(), StoreError>;
    /// What was executed came back.
    fn undo(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, reason: &str) -> Result<(), StoreError>;
    /// What stands for it (see [`Instructed::standing`]) is settled: the money came back, or never moved.
    fn unwind(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, reason: &str) -> Result<(), StoreError>;
}

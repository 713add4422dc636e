//! Posting: refuse in a fixed order, then write.
//!
//! The order for an entry: an id that was posted before (same content answers with what was posted, other content is named);
//! then its steps one after the other, each seeing what the steps before it did. The order within a step is that of
//! [`Refusal`]. A step decides first and writes after; when a later step is refused, everything is undone to the mark.

use crate::account::{Account, AccountNo, Floor, Side};
use crate::books::{Books, Moment};
use crate::entry::{Action, After, Count, Entry, Hold, HoldState, Line, Posted, PostedLine, Step};
use crate::exists::compare;
use crate::limits::{self, Direction, GroupNo};
use crate::movement::{Shortfall, movement};
use crate::refusal::{ChainRefusal, Refusal};
use crate::release;

/// The end of a decision: refused, or the storage failed.
pub(crate) enum Stop<T> {
    Refused(Refusal),
    Trouble(T),
}

impl<T> From<Refusal> for Stop<T> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub(crate) type Decided<T, B> = Result<T, Stop<<B as Books>::Trouble>>;

/// Posts an entry: all its steps or none.
///
/// An entry whose id was posted before with the same content answers what was posted then, `repeated`.
///
/// # Errors
/// The outer error is the storage's; after it, the books are to be thrown away (a step may be half written). The inner one is
/// the refusal; nothing was written.
///
/// # Panics
/// When the entry has no step or more than one hold: a mistake in the program.
pub fn post<B: Books>(books: &mut B, moment: &Moment, entry: &Entry) -> Result<Result<Posted, Refusal>, B::Trouble> {
    assert!(!entry.steps.is_empty(), "an entry has at least one step");
    match try_post(books, moment, entry) {
        Ok(posted) => Ok(Ok(posted)),
        Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stop::Trouble(trouble)) => Err(trouble),
    }
}

/// Posts a linked chain: all entries or none, each seeing those before it.
///
/// # Errors
/// As [`post`]; the refusal names the entry that failed.
///
/// # Panics
/// As [`post`].
pub fn post_chain<B: Books>(
    books: &mut B,
    moment: &Moment,
    entries: &[Entry],
) -> Result<Result<Vec<Posted>, ChainRefusal>, B::Trouble> {
    let mark = books.mark();
    let mut all = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match post(books, moment, entry)? {
            Ok(posted) => all.push(posted),
            Err(refusal) => {
                books.undo_to(mark);
                return Ok(Err(ChainRefusal { index, refusal }));
            }
        }
    }
    Ok(Ok(all))
}

fn try_post<B: Books>(books: &mut B, moment: &Moment, entry: &Entry) -> Decided<Posted, B> {
    if !entry.fresh
        && let Some(stored) = books.entry(entry.id).map_err(Stop::Trouble)?
    {
        return Ok(compare(entry, &stored)?);
    }
    let first = books.next_line();
    let mut posting = Posting { books, moment, entry, first, step: None };
    let mut lines = Vec::with_capacity(entry.steps.len());
    if let [only] = entry.steps.as_slice()
        && !entry.forced
    {
        lines.push(posting.step(only)?.0);
        return Ok(Posted { entry: first, repeated: false, lines });
    }
    let holds = entry.steps.iter().filter(|step| matches!(step, Step::Hold { .. })).count();
    assert!(holds <= 1, "an entry places at most one hold, which has its id");
    let mark = posting.books.mark();
    match posting.all(&mut lines) {
        Ok(()) => Ok(Posted { entry: first, repeated: false, lines }),
        Err(stop) => {
            posting.books.undo_to(mark);
            Err(stop)
        }
    }
}

/// An entry being posted.
pub(crate) struct Posting<'a, B: Books> {
    pub(crate) books: &'a mut B,
    pub(crate) moment: &'a Moment,
    pub(crate) entry: &'a Entry,
    /// The number of its first line.
    pub(crate) first: u64,
    /// The step being posted, none while shortfalls are.
    pub(crate) step: Option<Step>,
}

/// What a line is to do, once it is decided.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) action: Action,
    pub(crate) amount: i64,
    pub(crate) released: i64,
    /// The line that placed the hold concerned; for a new hold its own, which is set when written.
    pub(crate) hold: u64,
    pub(crate) count: Count,
}

impl<B: Books> Posting<'_, B> {
    fn all(&mut self, lines: &mut Vec<PostedLine>) -> Decided<(), B> {
        let mut shortfalls: Vec<Shortfall> = Vec::new();
        for step in &self.entry.steps {
            let (line, shortfall) = self.step(step)?;
            lines.push(line);
            shortfalls.extend(shortfall);
        }
        self.step = None;
        for shortfall in shortfalls {
            lines.push(movement(self, &shortfall.step())?.0);
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Decided<(PostedLine, Option<Shortfall>), B> {
        self.step = Some(*step);
        match *step {
            Step::Post { .. } | Step::Hold { .. } => movement(self, step),
            Step::Capture { hold, amount, last } => Ok((release::capture(self, hold, amount, last)?, None)),
            Step::Void { hold } => Ok((release::void(self, hold)?, None)),
            Step::Expire { hold } => Ok((release::expire(self, hold)?, None)),
        }
    }

    /// The account of this number, which stands on this side.
    pub(crate) fn account(&mut self, side: Side, no: AccountNo) -> Decided<Account, B> {
        match self.books.account(no).map_err(Stop::Trouble)? {
            Some(account) => Ok(account),
            None => Err(Refusal::AccountNotFound(side, no).into()),
        }
    }

    /// Refuses when a limit would be exceeded: those of the debit account's groups, then those of the credit account's, then
    /// the credit account's balance.
    pub(crate) fn check_limits(&mut self, debit: &Account, credit: &Account, amount: i64) -> Decided<(), B> {
        for no in bound(debit) {
            let (group, set) = self.books.group(no).map_err(Stop::Trouble)?;
            if let Some(reached) = limits::exceeded((group, &set), Direction::Out, amount, self.moment) {
                return Err(Refusal::Limit(reached).into());
            }
        }
        let mut balance = None;
        for no in bound(credit) {
            let (group, set) = self.books.group(no).map_err(Stop::Trouble)?;
            if let Some(reached) = limits::exceeded((group, &set), Direction::In, amount, self.moment) {
                return Err(Refusal::Limit(reached).into());
            }
            balance = balance.or_else(|| limits::balance_exceeded(no, &set, credit, amount));
        }
        match balance {
            Some(reached) => Err(Refusal::BalanceLimit(reached).into()),
            None => Ok(()),
        }
    }

    /// Writes a decided line: accounts, groups, journal. After this point it must succeed, unless the storage fails.
    pub(crate) fn write(&mut self, mut debit: Account, mut credit: Account, change: Change) -> Decided<PostedLine, B> {
        let seq = self.books.next_line();
        let mut line = Line {
            seq,
            entry: self.first,
            action: change.action,
            debit: debit.no,
            credit: credit.no,
            amount: change.amount,
            released: change.released,
            hold: if change.action == Action::Hold { seq } else { change.hold },
            count: change.count,
            day: self.moment.day,
            debit_after: After::default(),
            credit_after: After::default(),
            debit_prev: debit.last,
            credit_prev: credit.last,
        };
        debit.replay(&line);
        credit.replay(&line);
        line.debit_after = debit.after();
        line.credit_after = credit.after();
        if line.count != Count::No {
            for (no, sides) in limits::concerned(&debit, &credit) {
                let (group, _) = self.books.group(no).map_err(Stop::Trouble)?;
                let changed = limits::replay(group, sides, &line);
                self.books.set_group(&changed);
            }
        }
        self.books.append(&line, self.entry, self.step.as_ref());
        self.books.set_account(&debit);
        self.books.set_account(&credit);
        Ok(PostedLine { seq, amount: line.amount, debit_after: line.debit_after, credit_after: line.credit_after })
    }

    /// Stores the hold that the line just written placed.
    pub(crate) fn place(&mut self, placed: &PostedLine, (debit, credit): (AccountNo, AccountNo), hold: NewHold) {
        self.books.set_hold(&Hold {
            id: self.entry.id,
            seq: placed.seq,
            debit,
            credit,
            amount: placed.amount,
            remaining: placed.amount,
            captured: 0,
            state: HoldState::Open,
            expires: hold.expires,
            counted: (hold.count == Count::Use).then_some(self.moment.day),
        });
    }
}

/// What a hold has beyond its line.
#[derive(Clone, Copy)]
pub(crate) struct NewHold {
    pub(crate) expires: Option<vocabulary::Timestamp>,
    pub(crate) count: Count,
}

/// The groups that bind an account.
fn bound(account: &Account) -> impl Iterator<Item = GroupNo> + use<> {
    account.groups.into_iter().filter(|no| *no != GroupNo::NONE)
}

/// Whether the account has a floor that debits (for [`Side::Debit`]) or credits could break.
pub(crate) fn guarded(account: &Account, side: Side) -> bool {
    account.class.normal() != side && account.floor != Floor::None
}

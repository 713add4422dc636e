//! Cases: what people must look at. A case names its subject and moves no money, except when two people end an
//! investigation without the bank's word (`decide.rs`).
//!
//! Life: open → closed, by a member of staff with a reason and the evidence. One open case for a kind and subject: the same
//! finding twice (a duplicate statement line, a second contradiction) adds a note to the case that is open.
//! Look in `records.rs` for the tables and in `desk_work.rs` for what one member of staff does.

mod decide;
mod desk_work;
pub(crate) mod records;
#[cfg(test)]
mod tests;

pub use decide::{Finding, approve, propose};
pub use desk_work::{Closing, close, find, list, note};
pub use records::MIGRATIONS;

use crate::desk::Desk;
use serde::{Deserialize, Serialize};
use store::{NewEvent, StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// No result by the deadline.
    NoResult,
    /// The bank says another amount than was asked.
    AmountDiffers,
    /// The bank says the opposite of what it said before.
    Contradiction,
    /// The bank executed after it had rejected: money was given back that had gone.
    PaidAfterReturn,
    /// A top-up came after it had been rejected.
    LateTopUp,
    /// A top-up was taken back; a part was spent already.
    ReturnedTopUp,
    /// Money came for a wallet that cannot take it.
    NotCreditable,
    /// A line of the bank's statement that belongs to nothing we know.
    UnmatchedStatement,
    /// Somebody acted without the second person that the act needs.
    BrokenGlass,
}

impl CaseKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::NoResult,
        Self::AmountDiffers,
        Self::Contradiction,
        Self::PaidAfterReturn,
        Self::LateTopUp,
        Self::ReturnedTopUp,
        Self::NotCreditable,
        Self::UnmatchedStatement,
        Self::BrokenGlass,
    ];

    /// Its number in the table: its place, from 1.
    pub(crate) fn number(self) -> u8 {
        Self::ALL.iter().zip(1_u8..).find(|(kind, _)| **kind == self).map_or(0, |(_, number)| number)
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// Its id.
    pub id: Id<kinds::Case>,
    /// What it is about.
    pub kind: CaseKind,
    /// The subject as it is printed (`top_…`, `pyo_…`), or a statement line's reference.
    pub subject: String,
    /// Whether it is open.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When somebody looks next.
    pub next_date: Option<BookingDate>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Its notes, oldest first.
    pub notes: Vec<CaseNote>,
}

/// A note of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseNote {
    /// When.
    pub at: Timestamp,
    /// By whom; nobody for the bank itself.
    pub by: Option<Id<kinds::Staff>>,
    /// What.
    pub text: String,
}

/// What is to be looked at.
pub struct NewCase<'a> {
    /// What it is about.
    pub kind: CaseKind,
    /// The subject as it is printed.
    pub subject: &'a str,
    /// What was found, in a sentence; nothing personal.
    pub finding: &'a str,
    /// When somebody looks next.
    pub next_date: Option<BookingDate>,
}

/// Opens a case, or adds the finding to the one that is open for this kind and subject. Returns its id.
///
/// # Errors
/// When the database fails.
pub fn open(desk: &Desk, uow: &mut Uow<'_, '_>, new: &NewCase<'_>) -> Result<Id<kinds::Case>, StoreError> {
    if let Some(id) = records::open_case(uow.reading(), new.kind, new.subject)? {
        records::add_note(uow, id, None, new.finding)?;
        records::set_next_date(uow, id, new.next_date)?;
        return Ok(id);
    }
    let id = Id::<kinds::Case>::draw(uow.now(), desk.entropy());
    records::insert(uow, id, new)?;
    records::add_note(uow, id, None, new.finding)?;
    let body = serde_json::json!({"case": id, "kind": new.kind, "subject": new.subject}).to_string();
    uow.emit(NewEvent { kind: "case.opened", version: 1, owner: None, subject: id.as_u128(), body });
    Ok(id)
}

/// Closes what is open for a subject because evidence came.
///
/// # Errors
/// When the database fails.
pub(crate) fn settle(uow: &mut Uow<'_, '_>, kind: CaseKind, subject: &str, finding: &str) -> Result<(), StoreError> {
    let Some(id) = records::open_case(uow.reading(), kind, subject)? else { return Ok(()) };
    records::add_note(uow, id, None, finding)?;
    records::set_closed(uow, id)?;
    tell_closed(uow, id, (kind, subject));
    Ok(())
}

fn tell_closed(uow: &mut Uow<'_, '_>, id: Id<kinds::Case>, (kind, subject): (CaseKind, &str)) {
    let body = serde_json::json!({"case": id, "kind": kind, "subject": subject}).to_string();
    uow.emit(NewEvent { kind: "case.closed", version: 1, owner: None, subject: id.as_u128(), body });
}

//! Adding up the journal in pages: turnover by general-ledger code and currency.
//!
//! The journal only grows, so pages may come from different snapshots. Only accounts that moved are looked up.

use crate::bank::Bank;
use crate::error::BankError;
use ledger::{AccountNo, Action, Line};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use store::{Header, JournalLine, Snapshot, StoreError};
use vocabulary::BookingDate;

/// Lines read on one snapshot: a few tens of milliseconds.
const PAGE: u32 = 4_000;

/// General-ledger code and currency.
pub(super) type Place = (String, u16);

/// What moved, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turnover {
    pub(super) debits: i64,
    pub(super) credits: i64,
}

/// Where accounts stand in the general ledger, as far as they were looked up.
#[derive(Default)]
pub(super) struct Places(HashMap<AccountNo, Place>);

impl Places {
    pub(super) fn of(&mut self, snapshot: &Snapshot<'_>, no: AccountNo) -> Result<&Place, StoreError> {
        match self.0.entry(no) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let finding = "a line names an account that is missing";
                let row = snapshot.account(no)?.ok_or(StoreError::Corrupt { table: "account", finding })?;
                Ok(place.insert((row.gl_code, row.account.book.currency())))
            }
        }
    }
}

/// A line that moved money, with its entry's header.
pub(super) struct Moved<'a> {
    pub(super) line: &'a Line,
    pub(super) header: &'a Header,
}

/// Visits the lines that moved money from a number on, in order, while they book at most on `through`. Returns the number of
/// the last line that was not beyond it (whether it moved money or not).
pub(super) fn visit(
    bank: &Bank,
    first: u64,
    through: BookingDate,
    mut see: impl FnMut(&Snapshot<'_>, &Moved<'_>) -> Result<(), StoreError>,
) -> Result<u64, BankError> {
    let mut next = first;
    let mut header: Option<Header> = None;
    loop {
        let (begin, known) = (next, header);
        let (reached, last_header, over) = bank.store().read_blocking(|snapshot| {
            let page = snapshot.lines_from(begin, PAGE)?;
            // Without a number beyond the snapshot nothing is read twice: lines are numbered without gaps.
            let (mut reached, mut header) = (begin, known);
            for row in &page {
                let current = header_for(snapshot, row, header)?;
                if current.booking > through {
                    return Ok((reached, header, true));
                }
                if matches!(row.line.action, Action::Post | Action::Capture) && row.line.amount != 0 {
                    see(snapshot, &Moved { line: &row.line, header: &current })?;
                }
                header = Some(current);
                reached = row.line.seq + 1;
            }
            Ok((reached, header, page.is_empty()))
        })?;
        (next, header) = (reached, last_header);
        if over {
            return Ok(next - 1);
        }
    }
}

fn header_for(snapshot: &Snapshot<'_>, row: &JournalLine, previous: Option<Header>) -> Result<Header, StoreError> {
    match (row.header, previous) {
        (Some(header), _) | (None, Some(header)) => Ok(header),
        (None, None) => snapshot.header_of(row),
    }
}

/// Turnover of the lines from a number on that book at most on `through`, and the last of them.
pub(super) fn turnover(
    bank: &Bank,
    first: u64,
    through: BookingDate,
) -> Result<(BTreeMap<Place, Turnover>, u64), BankError> {
    let mut places = Places::default();
    let mut sums: BTreeMap<Place, Turnover> = BTreeMap::new();
    let last = visit(bank, first, through, |snapshot, moved| {
        let amount = moved.line.amount;
        let debit = sums.entry(places.of(snapshot, moved.line.debit)?.clone()).or_default();
        debit.debits = added(debit.debits, amount)?;
        let credit = sums.entry(places.of(snapshot, moved.line.credit)?.clone()).or_default();
        credit.credits = added(credit.credits, amount)?;
        Ok(())
    })?;
    Ok((sums, last))
}

fn added(sum: i64, amount: i64) -> Result<i64, StoreError> {
    let overflow = || StoreError::Bug("a turnover leaves the range of 64 bits".to_owned());
    sum.checked_add(amount).ok_or_else(overflow)
}

//! What happened on a merchant's account since its last settlement, read from the journal's chain.
//!
//! Lines never change, so the chain is read in pieces, each in a snapshot of its own: no reader keeps the database open long,
//! however many payments a day has.

use super::items::{Effect, effect};
use crate::{Bank, BankError};
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

/// Lines read in one snapshot.
const PIECE: usize = 2_000;

/// What lines add up to; minor units, from the merchant's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Received from payers.
    pub payments: i64,
    /// In how many payments or captures.
    pub payments_count: u32,
    /// Given back to payers.
    pub refunds: i64,
    /// In how many refunds.
    pub refunds_count: u32,
    /// Taken back by disputes.
    pub charge_backs: i64,
    /// Fees, less what refunds gave back.
    pub fees: i64,
    /// Tax on them.
    pub tax: i64,
    /// Lent by the reserve, or released from it.
    pub from_reserve: i64,
    /// Taken by earlier settlements.
    pub settled: i64,
    /// Anything else, in less out.
    pub other: i64,
}

impl Totals {
    /// What the totals change of a balance.
    #[must_use]
    pub const fn net(&self) -> i64 {
        self.payments - self.refunds - self.charge_backs - self.fees - self.tax + self.from_reserve - self.settled
            + self.other
    }

    /// Whether nothing happened but earlier settlements.
    pub(super) const fn is_quiet(&self) -> bool {
        self.payments == 0
            && self.refunds == 0
            && self.charge_backs == 0
            && self.fees == 0
            && self.tax == 0
            && self.from_reserve == 0
            && self.other == 0
    }

    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Payment(amount) => {
                self.payments += amount;
                self.payments_count += 1;
            }
            Effect::Refund(amount) => {
                self.refunds += amount;
                self.refunds_count += 1;
            }
            Effect::ChargeBack(amount) => self.charge_backs += amount,
            Effect::Fee(amount) => self.fees += amount,
            Effect::Tax(amount) => self.tax += amount,
            Effect::FromReserve(amount) => self.from_reserve += amount,
            Effect::Settled(amount) => self.settled += amount,
            Effect::Other(amount) => self.other += amount,
            Effect::None => {}
        }
    }
}

/// The lines of a period and what they add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) totals: Totals,
    /// The last line it covers.
    pub(crate) last: u64,
    /// The balance after it.
    pub(crate) closing: i64,
}

/// The accounts by which lines are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides {
    pub(crate) account: AccountNo,
    pub(crate) reserve: AccountNo,
    pub(crate) income: AccountNo,
    pub(crate) tax: AccountNo,
}

/// Adds up the lines after `first` (which left the balance `opening`) that were posted before the cut-off.
pub(crate) fn collect(
    bank: &Bank,
    sides: Sides,
    (first, opening): (u64, i64),
    cut_off: Timestamp,
) -> Result<Period, BankError> {
    let mut period = Period { last: first, closing: opening, ..Period::default() };
    let mut before = 0;
    loop {
        let (next, piece) = bank.store().read_blocking(|snapshot| {
            let mut piece = Period { last: 0, ..Period::default() };
            let rows = snapshot.history(sides.account, before, PIECE)?;
            let mut next = None;
            for row in &rows {
                if row.line.seq <= first {
                    return Ok((None, piece));
                }
                next = Some(row.line.seq);
                let header = snapshot.header_of(row)?;
                if header.at >= cut_off {
                    continue;
                }
                if piece.last == 0 {
                    let debit = row.line.debit == sides.account;
                    let after = if debit { row.line.debit_after } else { row.line.credit_after };
                    (piece.last, piece.closing) = (row.line.seq, after.posted);
                }
                piece.totals.add(effect(&row.line, &header, sides));
            }
            Ok((next.filter(|_| rows.len() == PIECE), piece))
        })?;
        if piece.last != 0 && period.last == first {
            (period.last, period.closing) = (piece.last, piece.closing);
        }
        merge(&mut period.totals, &piece.totals);
        match next {
            Some(seq) => before = seq,
            None => return Ok(period),
        }
    }
}

fn merge(all: &mut Totals, piece: &Totals) {
    all.payments += piece.payments;
    all.payments_count += piece.payments_count;
    all.refunds += piece.refunds;
    all.refunds_count += piece.refunds_count;
    all.charge_backs += piece.charge_backs;
    all.fees += piece.fees;
    all.tax += piece.tax;
    all.from_reserve += piece.from_reserve;
    all.settled += piece.settled;
    all.other += piece.other;
}

//! Settlement: each business day, what a merchant is owed goes on its way to the merchant's bank.
//!
//! At the cut-off the day's total is drawn from the journal itself: every line of the merchant's account since the last
//! settlement, so opening balance + totals = closing balance, always. From the closing balance, as far as it is still there:
//!
//! 1. waiting refunds are paid first (see `payments::fund_waiting`);
//! 2. what the merchant owes the bank (its receivable) is repaid; what cannot be is carried forward: a negative settlement;
//! 3. a share of the receipts goes into the rolling reserve and comes back after so many days;
//! 4. the rest goes to settlement clearing and, on the value day (T+n business days), to the merchant's bank.
//!
//! Fees are taken with each payment. Under *net* terms that is all. Under *gross* terms the settlement puts them back, so that
//! the merchant's bank sees the sales' whole amount; they become a claim that is collected from the balance once a month.
//!
//! ```text
//! scheduled ──► sent ──► returned (its payout failed or came back: the next settlement finds the money)
//!     └───────────────────▲          carried (nothing was to be paid out)
//! ```
//!
//! Invariants: one settlement per merchant, currency and day; a settlement never pays more than the account has available
//! now; money between account and bank stands in settlement clearing.
//!
//! Crash points closed: a day's job fans out into one unit per merchant account, each of which looks for its own row first;
//! so a crash half way settles nobody twice and, since the job is still there, leaves nobody out.

mod bounce;
mod day;
mod items;
mod records;
mod reserve;
mod rules;
mod send;
mod settle;
mod statement;
mod totals;

pub(crate) use bounce::payout_came_back;
pub use day::{JOB_DAY, run_day, start};
pub use records::{MIGRATIONS, by_id, list};
pub use reserve::{JOB_RELEASE, release};
pub use rules::{Shares, shares};
pub use send::{JOB_SEND, send};
pub use statement::{StatementItem, StatementView, csv, statement};
pub use totals::Totals;

use crate::Currencies;
use serde::{Deserialize, Serialize};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

/// The state of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum SettlementState {
    /// Its value day has not come.
    Scheduled = 1,
    /// Its payout was handed to the bank.
    Sent = 2,
    /// Nothing is paid out: it is carried forward.
    Carried = 3,
    /// The payout could not be made, or came back; the money is back on the merchant's account for the next settlement, or
    /// waits under a case if that is closed.
    Returned = 4,
}

impl SettlementState {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Scheduled,
            2 => Self::Sent,
            3 => Self::Carried,
            4 => Self::Returned,
            _ => return None,
        })
    }
}

/// A settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Its id.
    pub id: Id<kinds::Settlement>,
    /// With whom.
    pub merchant: Id<kinds::Merchant>,
    /// The currency's number.
    pub currency: u16,
    /// The day it settles.
    pub day: BookingDate,
    /// The day on which the money reaches the merchant's bank.
    pub value_day: BookingDate,
    /// Its state.
    pub state: SettlementState,
    /// The lines of the merchant's account it covers: after the first, up to and with the second.
    pub lines: (u64, u64),
    /// The account's balance before and after them.
    pub balances: (i64, i64),
    /// What the lines add up to.
    pub totals: Totals,
    /// Where the money went.
    pub shares: Shares,
    /// What the merchant still owes the bank: carried forward.
    pub owed: i64,
    /// The payout that carries it.
    pub payout: Option<Id<kinds::Payout>>,
    /// When it was made.
    pub created: Timestamp,
}

/// A settlement as shown; amounts are minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementView {
    /// Its id.
    pub id: Id<kinds::Settlement>,
    /// With whom.
    pub merchant: Id<kinds::Merchant>,
    /// The currency's code.
    pub currency: String,
    /// The day it settles, such as `2026-11-22`.
    pub day: String,
    /// The day on which the money reaches the merchant's bank.
    pub value_day: String,
    /// Its state.
    pub state: SettlementState,
    /// The account's balance before.
    pub opening: i64,
    /// What happened since the last settlement.
    pub totals: Totals,
    /// The account's balance at the cut-off: opening and totals together.
    pub closing: i64,
    /// Where the money went.
    pub shares: Shares,
    /// What the merchant still owes the bank, carried forward.
    pub owed: i64,
    /// The payout that carries it.
    pub payout: Option<Id<kinds::Payout>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Settlement {
    /// The settlement as shown.
    #[must_use]
    pub fn view(&self, currencies: &Currencies) -> SettlementView {
        SettlementView {
            id: self.id,
            merchant: self.merchant,
            currency: currencies.by_number(self.currency).map_or_else(String::new, |found| found.code().to_owned()),
            day: self.day.to_string(),
            value_day: self.value_day.to_string(),
            state: self.state,
            opening: self.balances.0,
            totals: self.totals,
            closing: self.balances.1,
            shares: self.shares,
            owed: self.owed,
            payout: self.payout,
            created_at: self.created,
        }
    }
}

#[cfg(test)]
mod tests;

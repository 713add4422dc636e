//! Statements: what happened on one account over a period of booking days.
//!
//! Opening balance, one record for each journal entry that moved the account (its lines merged), closing balance. Read along the
//! account's own chain of lines, so the cost is what the account moved, and opening + Σ records = closing by construction; the
//! test asserts it all the same. Holds move nothing and are left out.

mod csv;
mod draw_up;
#[cfg(test)]
mod tests;

pub use csv::to_csv;
pub use draw_up::{MOST_RECORDS, of_merchant, of_wallet};

use serde::{Deserialize, Serialize};
use vocabulary::{BookingDate, Timestamp, ValueDate};

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The account's id.
    pub account: String,
    /// The currency's code.
    pub currency: String,
    /// How many digits its minor unit has.
    pub digits: u8,
    /// The first booking day.
    pub from: BookingDate,
    /// The last booking day.
    pub to: BookingDate,
    /// The balance before the first record, minor units.
    pub opening_minor: i64,
    /// The balance after the last record, minor units.
    pub closing_minor: i64,
    /// What happened, oldest first.
    pub records: Vec<StatementRecord>,
}

/// What one journal entry did to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRecord {
    /// The entry's number.
    pub entry: u64,
    /// When it was posted.
    pub at: Timestamp,
    /// The day of the books.
    pub booking: BookingDate,
    /// The day from which it bears value.
    pub value: ValueDate,
    /// Its type, such as `transfer`.
    pub kind: String,
    /// Who or what stood on the other side: a masked name, a merchant's name, or what the bank's own account is for.
    pub counterparty: String,
    /// The business object that caused it, as 32 hexadecimal digits; empty for none.
    pub cause: String,
    /// What came (above zero) or went (below), minor units.
    pub amount_minor: i64,
    /// The balance after it, minor units.
    pub balance_after_minor: i64,
}

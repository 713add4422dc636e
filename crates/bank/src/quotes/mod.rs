//! Quotes: what a movement would come to, in one shape for every movement; for a customer's, a promise for a while.
//!
//! A dry run posts the movement in a unit of work that keeps nothing of it, so it obeys the same rules in the same order as
//! the movement itself. A quote of a payment, top-up, payout or transfer is a dry run with a promise: whoever makes this very
//! movement with it before it expires pays the fee it names, whatever the policies say by then. What a merchant does with
//! a payment (capture, void, refund) was priced when the payment was made, so its dry run promises nothing and has no id.
//!
//! ```text
//! promised ──redeem──► redeemed      the movement that it priced exists
//!     └──────────────► expired       by the clock alone; nothing is written
//! ```
//!
//! Races closed: policies change between quote and movement — the fee terms stand in the quote's own row. Two movements with
//! one quote — redemption is looked at and written in the unit of work that makes the movement, units run one after the
//! other, and the row is changed only while nothing redeemed it; so the first wins and the other meets `quote_used`. A
//! movement that is refused leaves the quote as it was, and one whose unit is undone by a crash takes its redemption along.
//! A quote is tied to everything that was asked for, so it serves no other amount, party or customer.

mod of_merchant;
mod of_payment;
mod promise;
pub(crate) mod records;

pub use of_merchant::{of_capture, of_refund, of_void};
pub use of_payment::of_payment;
pub(crate) use promise::{Asked, Made, consume, make, promise, redeem, terms};
pub use records::MIGRATIONS;

use crate::fees::FeeParts;
use crate::forecast::Forecast;
use crate::policies::Bearer;
use serde::{Deserialize, Serialize};
use vocabulary::{Id, Timestamp, kinds};

/// What would move. The numbers are kept in rows and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Movement {
    /// A payment at once.
    Payment = 1,
    /// A payment that sets money aside.
    Hold = 2,
    /// Bank account to wallet.
    TopUp = 3,
    /// Wallet to bank account.
    Payout = 4,
    /// Between people.
    Transfer = 5,
    /// A merchant takes what is held.
    Capture = 6,
    /// A merchant releases what is held.
    Void = 7,
    /// A merchant gives back.
    Refund = 8,
}

impl Movement {
    /// The product whose fee a policy names; payments have plans of their merchants instead.
    pub(crate) const fn product(self) -> Option<&'static str> {
        match self {
            Self::TopUp => Some("top_up"),
            Self::Payout => Some("payout"),
            Self::Transfer => Some("transfer"),
            Self::Payment | Self::Hold | Self::Capture | Self::Void | Self::Refund => None,
        }
    }
}

/// When the money is where it should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// With the movement itself.
    AtOnce,
    /// When the merchant captures.
    OnCapture,
    /// When the bank says that it was done.
    WhenTheBankConfirms,
    /// When somebody proves that the alias is theirs.
    WhenClaimed,
    /// When the merchant has the money for it.
    WhenFunded,
}

/// A quote as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteView {
    /// To make the movement with; none where nothing is promised.
    pub id: Option<Id<kinds::Quote>>,
    /// What would move.
    pub movement: Movement,
    /// What it would come to for the caller: fee, balances after, limits left.
    pub forecast: Forecast,
    /// Fee and tax, whoever bears them; those that a refund gives back.
    pub fee: FeeParts,
    /// Who bears them, or gets them back.
    pub fee_bearer: Bearer,
    /// What arrives on the other side, minor units: at the payee, in the wallet, on the bank account; of a refund at the payer;
    /// of a void what the payer can spend again.
    pub payee_receives: i64,
    /// When it arrives.
    pub arrival: Arrival,
    /// For what a bank does: by when it is final or under investigation.
    pub decided_by: Option<Timestamp>,
    /// Until when it is promised; none where nothing is.
    pub expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests;

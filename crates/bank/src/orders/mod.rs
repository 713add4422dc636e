//! Orders: what a merchant wants to be paid, once.
//!
//! ```text
//! open ──pay──────────────▶ paid
//!  │ └──authorize──▶ authorized ──capture──▶ paid
//!  │                     └──void, expire──▶ open, or expired when its time is over
//!  ├──cancel──▶ cancelled
//!  └──time────▶ expired
//! ```
//!
//! Invariants: at most one payment pays an order; the merchant's reference names one order for ever; an order whose time is
//! over is not paid even when its expiry job has not run yet.
//!
//! Races closed here: two payers scan one code — the state is read and changed in the unit that moves the money, so one pays
//! and the other meets `order_not_open`. A crash between expiry and payment cannot happen: there is no between.

mod cancel;
mod create;
mod expire;
mod records;
mod rules;

pub use cancel::cancel;
pub use create::{CreateOrder, create};
pub use expire::{JOB_EXPIRE, expire};
pub(crate) use records::set_state;
pub use records::{MIGRATIONS, by_id, list};
pub use rules::{PayableRejection, payable};

use crate::Currencies;
use serde::{Deserialize, Serialize};
use vocabulary::{Id, Timestamp, kinds};

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OrderState {
    /// It can be paid.
    Open = 1,
    /// Somebody's money is held for it.
    Authorized = 2,
    /// It was paid.
    Paid = 3,
    /// The merchant took it back.
    Cancelled = 4,
    /// Its time is over.
    Expired = 5,
}

impl OrderState {
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Open,
            2 => Self::Authorized,
            3 => Self::Paid,
            4 => Self::Cancelled,
            5 => Self::Expired,
            _ => return None,
        })
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: Id<kinds::Order>,
    /// Whose it is.
    pub merchant: Id<kinds::Merchant>,
    /// At which store, if it matters.
    pub store: Option<Id<kinds::Store>>,
    /// Minor units.
    pub amount: i64,
    /// The currency's number.
    pub currency: u16,
    /// The merchant's name for it.
    pub reference: String,
    /// What the payer is shown.
    pub description: Option<String>,
    /// Its state as recorded; see [`Order::state_at`].
    pub state: OrderState,
    /// From then on it cannot be paid.
    pub expires: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// The payment that pays it or holds money for it.
    pub payment: Option<Id<kinds::Payment>>,
}

impl Order {
    /// The state at a moment: an open order whose time is over is expired, whether its job has run or not.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> OrderState {
        if self.state == OrderState::Open && now >= self.expires { OrderState::Expired } else { self.state }
    }

    /// The order as shown.
    #[must_use]
    pub fn view(&self, currencies: &Currencies, now: Timestamp) -> OrderView {
        OrderView {
            id: self.id,
            merchant: self.merchant,
            store: self.store,
            amount: self.amount,
            currency: currencies.by_number(self.currency).map_or_else(String::new, |found| found.code().to_owned()),
            reference: self.reference.clone(),
            description: self.description.clone(),
            state: self.state_at(now),
            expires_at: self.expires,
            created_at: self.created,
            payment: self.payment,
        }
    }
}

/// An order as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its id.
    pub id: Id<kinds::Order>,
    /// Whose it is.
    pub merchant: Id<kinds::Merchant>,
    /// At which store.
    pub store: Option<Id<kinds::Store>>,
    /// Minor units.
    pub amount: i64,
    /// The currency's code.
    pub currency: String,
    /// The merchant's name for it.
    pub reference: String,
    /// What the payer is shown.
    pub description: Option<String>,
    /// Its state.
    pub state: OrderState,
    /// From then on it cannot be paid.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// The payment that pays it or holds money for it.
    pub payment: Option<Id<kinds::Payment>>,
}

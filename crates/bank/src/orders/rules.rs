//! Decisions about orders: pure functions of the order, the wish and the moment.

use super::{Order, OrderState};
use vocabulary::{ErrorCode, Timestamp};

/// Why an order cannot be made, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRejection {
    /// The amount is zero.
    AmountNotPositive,
    /// The life asked for is not one that the policy allows.
    Life {
        /// The shortest, seconds.
        shortest: i64,
        /// The longest, seconds.
        longest: i64,
    },
    /// The reference names another order.
    ReferenceReused,
    /// The merchant takes no payments, or not in this currency.
    MerchantNotActive,
    /// The store is not the merchant's.
    StoreNotFound,
}

impl CreateRejection {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::AmountNotPositive => ErrorCode::AmountNotPositive,
            Self::Life { .. } => ErrorCode::InvalidField,
            Self::ReferenceReused => ErrorCode::ReferenceReused,
            Self::MerchantNotActive => ErrorCode::MerchantNotActive,
            Self::StoreNotFound => ErrorCode::StoreNotFound,
        }
    }

    /// What to do.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::AmountNotPositive => "an order has an amount above zero".to_owned(),
            Self::Life { shortest, longest } => format!("an order lives between {shortest} and {longest} seconds"),
            Self::ReferenceReused => "the reference names another order; references are unique for ever".to_owned(),
            Self::MerchantNotActive => "the merchant accepts no payments in this currency".to_owned(),
            Self::StoreNotFound => "the merchant has no such store".to_owned(),
        }
    }
}

/// How long orders live, seconds: the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// When the merchant names no time.
    pub usual: u32,
    /// At least; the usual life where that is shorter.
    pub shortest: u32,
    /// At most so many times the usual life.
    pub times: u32,
}

/// Checks what needs no record; gives the life in seconds.
///
/// # Errors
/// See [`CreateRejection`].
pub fn create(amount: i64, asked: Option<u32>, lives: Lives) -> Result<i64, CreateRejection> {
    if amount <= 0 {
        return Err(CreateRejection::AmountNotPositive);
    }
    let usual = i64::from(lives.usual);
    let (shortest, longest) = (usual.min(lives.shortest.into()), usual * i64::from(lives.times));
    let seconds = asked.map_or(usual, i64::from);
    if (shortest..=longest).contains(&seconds) { Ok(seconds) } else { Err(CreateRejection::Life { shortest, longest }) }
}

/// Why an order cannot be paid, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayableRejection {
    /// Its time is over.
    Expired,
    /// It is paid, held for or cancelled.
    NotOpen(OrderState),
    /// The currency is another.
    CurrencyMismatch,
    /// The amount is another.
    AmountDiffers,
}

impl PayableRejection {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::OrderExpired,
            Self::NotOpen(_) => ErrorCode::OrderNotOpen,
            Self::CurrencyMismatch => ErrorCode::CurrencyMismatch,
            Self::AmountDiffers => ErrorCode::OrderAmountDiffers,
        }
    }

    /// What to do.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Expired => "the order's time is over; ask the merchant for a new one",
            Self::NotOpen(OrderState::Paid) => "the order was paid already",
            Self::NotOpen(OrderState::Cancelled) => "the merchant cancelled the order",
            Self::NotOpen(_) => "another payment holds money for the order",
            Self::CurrencyMismatch => "the order is in another currency",
            Self::AmountDiffers => "pay exactly the order's amount",
        }
    }
}

/// Whether the order can be paid now with this amount and currency.
///
/// # Errors
/// See [`PayableRejection`].
pub fn payable(order: &Order, (amount, currency): (i64, u16), now: Timestamp) -> Result<(), PayableRejection> {
    match order.state_at(now) {
        OrderState::Open => {}
        OrderState::Expired => return Err(PayableRejection::Expired),
        other @ (OrderState::Authorized | OrderState::Paid | OrderState::Cancelled) => {
            return Err(PayableRejection::NotOpen(other));
        }
    }
    if order.currency != currency {
        return Err(PayableRejection::CurrencyMismatch);
    }
    if order.amount != amount {
        return Err(PayableRejection::AmountDiffers);
    }
    Ok(())
}

/// Whether the merchant may take the order back.
///
/// # Errors
/// [`PayableRejection::Expired`] or [`PayableRejection::NotOpen`].
pub fn cancellable(order: &Order, now: Timestamp) -> Result<(), PayableRejection> {
    payable(order, (order.amount, order.currency), now)
}

//! Decisions about payments: pure functions of the payment, the wish and the moment.

use super::{Method, Payment, PaymentState};
use vocabulary::ErrorCode;

/// The state that a payment's numbers mean. `held` is what its hold still sets aside.
#[must_use]
pub fn state_of(method: Method, held: i64, captured: i64, returned: i64) -> PaymentState {
    match (held > 0, captured) {
        (true, 0) => PaymentState::Held,
        (true, _) => PaymentState::PartiallyCaptured,
        (false, _) if returned > 0 && returned >= captured => PaymentState::Refunded,
        (false, _) if returned > 0 => PaymentState::PartiallyRefunded,
        (false, _) if method == Method::Immediate => PaymentState::Succeeded,
        (false, _) => PaymentState::Captured,
    }
}

/// Why a hold cannot be captured or voided, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldRejection {
    /// It ended by a capture.
    AlreadyCaptured,
    /// The merchant released it.
    AlreadyVoided,
    /// Its time is over.
    Expired,
    /// It never was a hold, or is in a state that holds nothing.
    NotHeld,
    /// The amount is zero.
    AmountNotPositive,
    /// The amount is more than what is still held.
    ExceedsHold,
}

impl HoldRejection {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::AlreadyCaptured => ErrorCode::HoldAlreadyCaptured,
            Self::AlreadyVoided => ErrorCode::HoldAlreadyVoided,
            Self::Expired => ErrorCode::HoldExpired,
            Self::NotHeld => ErrorCode::PaymentNotHeld,
            Self::AmountNotPositive => ErrorCode::AmountNotPositive,
            Self::ExceedsHold => ErrorCode::CaptureExceedsHold,
        }
    }

    /// What to do.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AlreadyCaptured => "the payment's hold was captured already; nothing is left to do",
            Self::AlreadyVoided => "the payment's hold was voided already; nothing is left to do",
            Self::Expired => "the payment's hold has expired; ask for a new payment",
            Self::NotHeld => "the payment holds nothing; look at its state",
            Self::AmountNotPositive => "capture an amount above zero, or void the payment",
            Self::ExceedsHold => "capture at most what is still held",
        }
    }
}

/// Whether the payment's hold is open.
///
/// # Errors
/// The first that applies, the amount aside.
pub fn open_hold(payment: &Payment) -> Result<(), HoldRejection> {
    match (payment.method, payment.state) {
        (Method::Hold, PaymentState::Held | PaymentState::PartiallyCaptured) => Ok(()),
        (
            Method::Hold,
            PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded | PaymentState::Succeeded,
        ) => Err(HoldRejection::AlreadyCaptured),
        (Method::Hold, PaymentState::Voided) => Err(HoldRejection::AlreadyVoided),
        (Method::Hold, PaymentState::Expired) => Err(HoldRejection::Expired),
        (Method::Immediate, _)
        | (
            Method::Hold,
            PaymentState::RequiresAction
            | PaymentState::Delayed
            | PaymentState::InReview
            | PaymentState::UnderInvestigation
            | PaymentState::Failed,
        ) => Err(HoldRejection::NotHeld),
    }
}

/// How much a capture takes: the amount asked for, or all that is left of the payment.
///
/// # Errors
/// The first that applies.
pub fn capture(payment: &Payment, asked: Option<i64>) -> Result<i64, HoldRejection> {
    open_hold(payment)?;
    let left = payment.amount - payment.captured;
    match asked {
        None => Ok(left),
        Some(amount) if amount <= 0 => Err(HoldRejection::AmountNotPositive),
        Some(amount) if amount > left => Err(HoldRejection::ExceedsHold),
        Some(amount) => Ok(amount),
    }
}

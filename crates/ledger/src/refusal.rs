//! Why an entry is refused: a closed list in the order in which it is checked.
//!
//! A refusal moves nothing. [`Refusal::code`] is the stable name that callers meet; the sentence gives amounts in minor
//! units, since the ledger does not know how a currency is printed.

use crate::account::{AccountNo, BookNo, Side};
use crate::limits::{Direction, Reached, Window};
use std::fmt;
use vocabulary::ErrorCode;

/// Why an entry was refused, in the order in which it is checked; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its id was posted before, with other content.
    Exists(Difference),
    /// An amount is negative, or legs move nothing at all.
    AmountNotPositive,
    /// Legs of a book do not balance, or a step's accounts are of different books.
    Unbalanced(BookNo),
    /// Debit and credit are the same account.
    AccountsSame(AccountNo),
    /// There is no such account.
    AccountNotFound(Side, AccountNo),
    /// There is no such hold.
    HoldNotFound,
    /// A capture asks for more than is still held.
    CaptureExceedsHold {
        /// Minor units that are still held.
        remaining: i64,
    },
    /// The hold was captured.
    HoldAlreadyCaptured,
    /// The hold was voided.
    HoldAlreadyVoided,
    /// The hold's time is over.
    HoldExpired,
    /// The hold is to expire, but its time is not over.
    HoldNotOver,
    /// The account is closed.
    AccountClosed(Side, AccountNo),
    /// The account is frozen in this direction.
    AccountFrozen(Side, AccountNo),
    /// A sum or a time would leave its range.
    Overflow(Sum),
    /// The account would fall below its floor.
    InsufficientFunds {
        /// The side on which the account stands: its other side is the one that increases it.
        side: Side,
        /// The account.
        account: AccountNo,
        /// Minor units that it may still give.
        available: i64,
    },
    /// A limit of a group would be exceeded.
    Limit(Reached),
    /// The receiving account's balance would exceed a limit.
    BalanceLimit(Reached),
}

/// In what an entry differs from the one that was posted with its id, in the order in which it is checked. Booking date and
/// value date are not compared: a retry after midnight is still a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Which steps there are, how they bound their amounts, whether they count toward limits, or whether it is forced.
    Shape,
    /// Which hold is ended.
    Hold,
    /// After how many seconds a hold expires.
    Seconds,
    /// The debit account.
    Debit,
    /// The credit account.
    Credit,
    /// The amount.
    Amount,
    /// What caused it.
    Cause,
    /// Who caused it.
    Actor,
    /// The version of the policies.
    Policy,
    /// Its type.
    Kind,
    /// The version of the type's schema.
    Version,
    /// The channel.
    Channel,
    /// What it reverses.
    Reverses,
}

/// A sum that would leave its range, in the order in which it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// The debit account's held debits.
    DebitsPending,
    /// The credit account's held credits.
    CreditsPending,
    /// The debit account's posted debits.
    DebitsPosted,
    /// The credit account's posted credits.
    CreditsPosted,
    /// The debit account's held and posted debits.
    Debits,
    /// The credit account's held and posted credits.
    Credits,
    /// The moment at which a hold would expire.
    Expiry,
    /// An account's legs taken together.
    Legs,
}

/// An entry of a linked chain was refused, and with it the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRefusal {
    /// Which entry, from 0.
    pub index: usize,
    /// Why.
    pub refusal: Refusal,
}

impl ChainRefusal {
    /// The code of the chain's entry at this index: the refusal's own for the one that failed, `entry_chain_failed` for others.
    #[must_use]
    pub const fn code_of(&self, index: usize) -> ErrorCode {
        if index == self.index { self.refusal.code() } else { ErrorCode::EntryChainFailed }
    }
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Exists(_) => ErrorCode::EntryExists,
            Self::AmountNotPositive => ErrorCode::AmountNotPositive,
            Self::Unbalanced(_) => ErrorCode::EntryUnbalanced,
            Self::AccountsSame(_) => ErrorCode::AccountsSame,
            Self::AccountNotFound(..) => ErrorCode::AccountNotFound,
            Self::HoldNotFound => ErrorCode::HoldNotFound,
            Self::CaptureExceedsHold { .. } => ErrorCode::CaptureExceedsHold,
            Self::HoldAlreadyCaptured => ErrorCode::HoldAlreadyCaptured,
            Self::HoldAlreadyVoided => ErrorCode::HoldAlreadyVoided,
            Self::HoldExpired => ErrorCode::HoldExpired,
            Self::HoldNotOver => ErrorCode::HoldNotOver,
            Self::AccountClosed(..) => ErrorCode::AccountClosed,
            Self::AccountFrozen(..) => ErrorCode::AccountFrozen,
            Self::Overflow(_) => ErrorCode::AmountTooLarge,
            Self::InsufficientFunds { .. } => ErrorCode::InsufficientFunds,
            Self::Limit(_) => ErrorCode::LimitExceeded,
            Self::BalanceLimit(_) => ErrorCode::BalanceLimitExceeded,
        }
    }

    /// The limit that refused, with what is left and when it resets.
    #[must_use]
    pub const fn reached(&self) -> Option<&Reached> {
        match self {
            Self::Limit(reached) | Self::BalanceLimit(reached) => Some(reached),
            Self::Exists(_)
            | Self::AmountNotPositive
            | Self::Unbalanced(_)
            | Self::AccountsSame(_)
            | Self::AccountNotFound(..)
            | Self::HoldNotFound
            | Self::CaptureExceedsHold { .. }
            | Self::HoldAlreadyCaptured
            | Self::HoldAlreadyVoided
            | Self::HoldExpired
            | Self::HoldNotOver
            | Self::AccountClosed(..)
            | Self::AccountFrozen(..)
            | Self::Overflow(_)
            | Self::InsufficientFunds { .. } => None,
        }
    }

    /// Whether the same entry may succeed later without anybody changing it, because it depends on the books' present state.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::AccountNotFound(..)
            | Self::HoldNotFound
            | Self::HoldNotOver
            | Self::AccountClosed(..)
            | Self::AccountFrozen(..)
            | Self::InsufficientFunds { .. }
            | Self::Limit(_)
            | Self::BalanceLimit(_) => true,
            Self::Exists(_)
            | Self::AmountNotPositive
            | Self::Unbalanced(_)
            | Self::AccountsSame(_)
            | Self::CaptureExceedsHold { .. }
            | Self::HoldAlreadyCaptured
            | Self::HoldAlreadyVoided
            | Self::HoldExpired
            | Self::Overflow(_) => false,
        }
    }
}

impl Difference {
    /// The field as a person would name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "steps",
            Self::Hold => "hold",
            Self::Seconds => "time to live",
            Self::Debit => "debit account",
            Self::Credit => "credit account",
            Self::Amount => "amount",
            Self::Cause => "cause",
            Self::Actor => "actor",
            Self::Policy => "policy version",
            Self::Kind => "type",
            Self::Version => "schema version",
            Self::Channel => "channel",
            Self::Reverses => "reversed entry",
        }
    }
}

impl Sum {
    const fn name(self) -> &'static str {
        match self {
            Self::DebitsPending => "the debit account's held debits",
            Self::CreditsPending => "the credit account's held credits",
            Self::DebitsPosted => "the debit account's posted debits",
            Self::CreditsPosted => "the credit account's posted credits",
            Self::Debits => "the debit account's debits",
            Self::Credits => "the credit account's credits",
            Self::Expiry => "the time of expiry",
            Self::Legs => "an account's legs taken together",
        }
    }
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(what) => {
                write!(f, "an entry with this id was posted with another {}; use a fresh id", what.name())
            }
            Self::AmountNotPositive => {
                f.write_str("the amount is negative or nothing would move; give an amount above zero")
            }
            Self::Unbalanced(book) => write!(
                f,
                "debits and credits differ in currency {} of legal entity {}; make them equal",
                book.currency(),
                book.entity()
            ),
            Self::AccountsSame(account) => {
                write!(f, "account {} is on both sides; name two different accounts", account.0)
            }
            Self::AccountNotFound(side, account) => {
                write!(f, "the {} account {} does not exist; check its id", word(*side), account.0)
            }
            Self::HoldNotFound => f.write_str("there is no such hold; check its id"),
            Self::CaptureExceedsHold { remaining } => {
                write!(f, "only {remaining} minor units are still held; capture at most that")
            }
            Self::HoldAlreadyCaptured => f.write_str("the hold was captured already; nothing is left to do"),
            Self::HoldAlreadyVoided => f.write_str("the hold was voided already; nothing is left to do"),
            Self::HoldExpired => f.write_str("the hold has expired; start a new payment"),
            Self::HoldNotOver => f.write_str("the hold's time is not over; wait, or void it"),
            Self::AccountClosed(side, account) => {
                write!(f, "the {} account {} is closed; use an open account", word(*side), account.0)
            }
            Self::AccountFrozen(side, account) => {
                write!(f, "account {} is frozen on the {} side; ask the bank why", account.0, word(*side))
            }
            Self::Overflow(sum) => write!(f, "{} would leave the range; send a smaller amount", sum.name()),
            Self::InsufficientFunds { account, available, .. } => {
                write!(f, "account {} has {available} minor units available; add money or send less", account.0)
            }
            Self::Limit(reached) | Self::BalanceLimit(reached) => fmt::Display::fmt(reached, f),
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for ChainRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of the chain failed, so none was posted: {}", self.index, self.refusal)
    }
}

impl std::error::Error for ChainRefusal {}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = match self.window {
            Window::Movement => "for one movement",
            Window::Day => "for a day",
            Window::Month => "for a month",
            Window::Year => "for a year",
            Window::Balance => "of the balance",
        };
        let way = match self.direction {
            Direction::Out => "outgoing",
            Direction::In => "incoming",
        };
        write!(f, "the {way} limit {window} is {} minor units and {} are left; ", self.limit, self.left)?;
        match self.resets_at {
            Some(at) => write!(f, "send less, or wait until {at}"),
            None => f.write_str("send less"),
        }
    }
}

//! What the platform asks of the bank at which customers and merchants hold their accounts.
//!
//! Every answer is asynchronous: [`BankRail::instruct`] says no more than that the bank has taken the instruction; what came of
//! it is heard in [`BankRail::reports`] and shown in [`BankRail::statement`], each a numbered sequence read from a cursor.
//! Invariant for every implementation: an end-to-end id is executed at most once, for ever, however often it is instructed.
//! Calls may block; no unit of work is open while one runs. The present moment is an argument.

use crate::TellManners;
use money::Currency;
use std::fmt;
use vocabulary::Timestamp;

/// Which way money is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Collect from the outside account into ours.
    Collect,
    /// Pay from ours to the outside account.
    Pay,
}

/// What the bank is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Names it for ever; at most 35 characters (ISO 20022, `Max35Text`).
    pub end_to_end: String,
    /// Which way.
    pub order: Order,
    /// The outside account's number.
    pub account: String,
    /// Minor units, above zero.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// What became of an instruction, as the bank says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Executed: so many minor units moved.
    Done {
        /// Minor units.
        amount: i64,
    },
    /// Not executed, with the bank's reason.
    Rejected {
        /// The bank's words.
        reason: String,
    },
    /// Executed earlier, and now taken back.
    Returned {
        /// Minor units.
        amount: i64,
        /// The bank's words.
        reason: String,
    },
}

/// A result that the bank sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its place in the sequence, from 1.
    pub no: u64,
    /// Of which instruction.
    pub end_to_end: String,
    /// What became of it.
    pub outcome: Outcome,
    /// When the bank sent it.
    pub at: Timestamp,
}

/// A line of the statement of our account at the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// Its place in the sequence, from 1.
    pub no: u64,
    /// The bank's own reference of the booking, unique for ever: a line that comes twice bears it twice.
    pub reference: String,
    /// The instruction it belongs to, when the bank names one.
    pub end_to_end: Option<String>,
    /// Money came in; otherwise it went out.
    pub incoming: bool,
    /// Minor units, above zero.
    pub amount: i64,
    /// The currency's number.
    pub currency: u16,
    /// When it was booked.
    pub at: Timestamp,
    /// The bank's words.
    pub text: String,
}

/// Why the bank gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RailError {
    /// The bank was not reached: nothing was sent.
    Unreachable(String),
    /// The question may have arrived, the answer did not: the outcome is unknown.
    NoAnswer(String),
    /// The bank cannot take this instruction at all (malformed, or the id names something else). Nothing moves.
    Refused(String),
}

impl fmt::Display for RailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the bank was not reached: {why}"),
            Self::NoAnswer(why) => write!(f, "the bank did not answer: {why}"),
            Self::Refused(why) => write!(f, "the bank refused the message: {why}"),
        }
    }
}

impl std::error::Error for RailError {}

/// The bank rail.
pub trait BankRail: Send + Sync {
    /// Hands an instruction over. The same id with the same content again is taken and executed no second time.
    ///
    /// # Errors
    /// See [`RailError`]; only `Unreachable` and `Refused` mean that nothing will be executed by this call.
    fn instruct(&self, instruction: &Instruction, now: Timestamp) -> Result<(), RailError>;

    /// Whether the bank knows an instruction.
    ///
    /// # Errors
    /// When there is no answer.
    fn knows(&self, end_to_end: &str, now: Timestamp) -> Result<bool, RailError>;

    /// Results after a number, in order.
    ///
    /// # Errors
    /// When there is no answer.
    fn reports(&self, after: u64, limit: u32, now: Timestamp) -> Result<Vec<Report>, RailError>;

    /// Lines of our account's statement after a number, in order.
    ///
    /// # Errors
    /// When there is no answer.
    fn statement(&self, after: u64, limit: u32, now: Timestamp) -> Result<Vec<StatementLine>, RailError>;

    /// What lets it be told how to behave, when it is a sandbox bank. A real one has nothing of the kind.
    fn manners(&self) -> Option<&dyn TellManners> {
        None
    }
}

//! The bank rail: how money comes from and goes to accounts at a bank, outside our books.
//!
//! An instruction is named by its end-to-end id for ever: sending it twice executes it once. Results are asynchronous; only
//! a status or a statement entry tells the outcome, never a time-out.

use money::Money;
use std::fmt;
use vocabulary::{Timestamp, ValueDate};

/// Which way an instruction moves money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the outside account to us.
    Collect,
    /// From us to the outside account.
    Pay,
}

/// An account at a bank.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BankAccountRef {
    /// The account number: an IBAN or a national one.
    pub number: String,
    /// The bank's BIC or national code, where needed.
    pub bank: Option<String>,
    /// The holder's name.
    pub holder: String,
}

impl fmt::Debug for BankAccountRef {
    /// Nothing of it: it is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BankAccountRef(…)")
    }
}

/// A wish to move money over the rail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Unique for ever; at most 35 characters (ISO 20022 `Max35Text`).
    pub end_to_end_id: String,
    /// Which way.
    pub direction: Direction,
    /// The outside account.
    pub account: BankAccountRef,
    /// How much; above zero.
    pub amount: Money,
    /// What the statement of the outside account says.
    pub reference: String,
}

/// The rail took the instruction; the outcome comes later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The bank's own reference.
    pub bank_reference: String,
}

/// What the bank says of an instruction now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionStatus {
    /// The bank does not know it (yet): not a refusal.
    Unknown,
    /// It is being worked on.
    Pending,
    /// The money has moved.
    Executed {
        /// From which day it bears value.
        value: ValueDate,
    },
    /// It was refused; no money moved.
    Rejected {
        /// The reason code (ISO 20022 external status reason).
        reason: String,
    },
    /// It was executed and the money came back later.
    Returned {
        /// The reason code (ISO 20022 external return reason).
        reason: String,
    },
}

/// A line of the bank's statement of our account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementEntry {
    /// Its number in the statement, from 1, without gaps.
    pub no: u64,
    /// The bank's entry reference, unique for ever.
    pub reference: String,
    /// The end-to-end id of the instruction that caused it, when it names one.
    pub end_to_end_id: Option<String>,
    /// Money came to us (else it left).
    pub credit: bool,
    /// How much.
    pub amount: Money,
    /// From which day it bears value.
    pub value: ValueDate,
    /// When the bank booked it.
    pub booked: Timestamp,
    /// It gives back an earlier entry.
    pub returned: bool,
}

/// A bank rail.
pub trait BankRail: Send + Sync {
    /// Hands an instruction over. The same end-to-end id may be handed over again and is executed at most once.
    ///
    /// # Errors
    /// `Refused`: surely not taken. `Unknown`: perhaps taken, ask [`BankRail::status`] or hand it over again.
    fn instruct(&self, instruction: &Instruction) -> Result<Submitted, RailError>;

    /// What the bank says of an instruction.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn status(&self, end_to_end_id: &str) -> Result<InstructionStatus, RailError>;

    /// Entries of our account's statement after a number, in order.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn statement(&self, after: u64, limit: u32) -> Result<Vec<StatementEntry>, RailError>;
}

/// Why the rail did not answer as hoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RailError {
    /// The instruction is refused before it was taken: reason code.
    Refused(String),
    /// No answer came: the outcome is not known.
    Unknown(String),
}

impl fmt::Display for RailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => write!(f, "the bank refused the instruction: {reason}"),
            Self::Unknown(why) => write!(f, "the bank gave no answer: {why}"),
        }
    }
}

impl std::error::Error for RailError {}

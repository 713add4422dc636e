//! How a sandbox bank treats instructions, so that everybody can see what slow, silent and contradicting banks lead to.
//!
//! A real bank has no such thing: see [`crate::BankRail::manners`].

use crate::RailError;

/// How a sandbox bank treats an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Executes at once and says so a moment later.
    Prompt,
    /// Executes and says so after so many seconds.
    Slow(u32),
    /// Executes, never says so; only the statement, an hour later, shows it.
    Silent,
    /// Never does or says anything.
    Dead,
    /// Says everything twice, results and statement lines.
    Twice,
    /// Says that it was rejected, executes nevertheless after so many seconds and says that too.
    Late(u32),
    /// Executes, and says first that it did and then that it did not.
    Contradicting,
    /// Executes another amount than asked (one minor unit less).
    WrongAmount,
    /// Executes, and takes it back after so many seconds.
    Returning(u32),
    /// Says that it came back; after so many seconds executes nevertheless, and says that twice.
    AfterReturn(u32),
    /// Executes and takes back after so many seconds, and has said both before, the second first.
    Backwards(u32),
    /// Rejects: not enough money.
    RejectFunds,
    /// Rejects: the account is closed.
    RejectClosed,
    /// Is not reached: nothing is handed over, [`RailError::Unreachable`].
    Unreachable,
    /// Executes and says so a moment later, but its answer to the instruction itself is lost: [`RailError::NoAnswer`].
    AnswerLost,
}

/// What a sandbox bank was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// How it treats instructions.
    pub behaviour: Behaviour,
    /// How many more, whatever their amount, before it is prompt again. None: all from now on for which no amount of its own
    /// kind decides.
    pub left: Option<u32>,
}

/// A bank that behaves as it is told. What it was told survives a restart.
pub trait TellManners: Send + Sync {
    /// What it was told last.
    ///
    /// # Errors
    /// When its books cannot be read.
    fn told(&self) -> Result<Manners, RailError>;

    /// Tells it; what it has taken already goes on as it was going to.
    ///
    /// # Errors
    /// When its books cannot be written.
    fn tell(&self, manners: Manners) -> Result<(), RailError>;
}

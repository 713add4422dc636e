//! The bank beside a sandbox: how it was told to behave, and telling it.
//!
//! What it has taken already goes on as it was going to. Nothing here touches the books: what its manners lead to comes in
//! by the same feeds and rules as any bank's words. A live bank, or a sandbox without a bank of its own, has none of this.

use crate::bank::Bank;
use crate::error::BankError;
pub use ports::{Behaviour, Manners};
use ports::{RailError, TellManners};

/// What the sandbox bank was told last; none where there is no such bank. Blocks.
///
/// # Errors
/// When its books cannot be read.
pub fn told_blocking(bank: &Bank) -> Result<Option<Manners>, BankError> {
    beside(bank).map(|rail| rail.told().map_err(trouble)).transpose()
}

/// Tells the sandbox bank how to behave; none where there is no such bank. Blocks.
///
/// # Errors
/// When its books cannot be written.
pub fn tell_blocking(bank: &Bank, manners: Manners) -> Result<Option<Manners>, BankError> {
    let Some(rail) = beside(bank) else { return Ok(None) };
    rail.tell(manners).map_err(trouble)?;
    Ok(Some(manners))
}

fn beside(bank: &Bank) -> Option<&dyn TellManners> {
    if bank.is_sandbox() { bank.rail().manners() } else { None }
}

fn trouble(error: RailError) -> BankError {
    BankError::Outside(error.to_string())
}

//! The rail of a bank that is connected to none: it takes no instruction, so no money waits for an answer.

use ports::{BankRail, Instruction, RailError, Report, StatementLine};
use vocabulary::Timestamp;

/// No bank at all.
#[derive(Clone, Copy, Debug)]
pub struct AbsentBank;

impl BankRail for AbsentBank {
    fn instruct(&self, _instruction: &Instruction, _now: Timestamp) -> Result<(), RailError> {
        Err(RailError::Refused("no bank is connected".to_owned()))
    }

    fn knows(&self, _end_to_end: &str, _now: Timestamp) -> Result<bool, RailError> {
        Ok(false)
    }

    fn reports(&self, _after: u64, _limit: u32, _now: Timestamp) -> Result<Vec<Report>, RailError> {
        Ok(Vec::new())
    }

    fn statement(&self, _after: u64, _limit: u32, _now: Timestamp) -> Result<Vec<StatementLine>, RailError> {
        Ok(Vec::new())
    }
}

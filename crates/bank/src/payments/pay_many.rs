//! Many payments in one unit of work, for files: each with a key of its own, so that a file that is replayed, or was cut off
//! half way, counts nothing twice.
//!
//! A row that is refused is reported and the rest goes on. Crash point closed: the answers to all keys of a chunk commit with
//! the chunk; after a crash, the chunk is either recorded whole or not at all, and replaying the file completes it.

use super::PaymentView;
use super::parties;
use super::pay::{PayCommand, unit};
use crate::{Answer, Bank, BankError, Refusal};

/// The most payments in one unit of work: more would keep others waiting.
pub const MOST: usize = 256;

/// What a row came to.
#[derive(Debug)]
pub enum RowOutcome {
    /// It was paid, now (`false`) or by an earlier run of the file.
    Paid(Box<PaymentView>, bool),
    /// It was refused, now or earlier.
    Refused(Refusal, bool),
    /// Its key was used for something else.
    KeyReused,
}

/// Pays rows, at most [`MOST`] of them, each as [`super::pay`] would. The outcomes are in the order of the rows. Blocks.
///
/// # Errors
/// Trouble, or more than [`MOST`] rows: then none of the rows took effect.
pub fn pay_many(bank: &Bank, rows: Vec<PayCommand>) -> Result<Vec<RowOutcome>, BankError> {
    if rows.len() > MOST {
        return Err(BankError::TooMany { most: MOST });
    }
    let mut wishes = Vec::with_capacity(rows.len());
    for command in rows {
        let prepared = parties::prepare_blocking(bank, &command)?;
        let wish = command.wish("payments.pay");
        wishes.push((wish, unit(bank, command, prepared)));
    }
    let answers = bank.once_each_blocking(wishes)?;
    answers
        .into_iter()
        .map(|answer| match answer {
            Ok(Answer { result: Ok(view), replayed }) => Ok(RowOutcome::Paid(Box::new(view), replayed)),
            Ok(Answer { result: Err(refusal), replayed }) => Ok(RowOutcome::Refused(refusal, replayed)),
            Err(BankError::KeyReused) => Ok(RowOutcome::KeyReused),
            Err(trouble) => Err(trouble),
        })
        .collect()
}

//! Acts that have no unit of their own: looking at what is personal, which is recorded before it is shown; and what takes several
//! units or none, which is recorded as begun before it begins.

use super::keeper::Recorder;
use crate::bank::Bank;
use crate::error::BankError;
use crate::wish::Principal;
use store::Outcome;

/// Records that a principal is about to look.
///
/// # Errors
/// Trouble: then nothing is shown either.
pub async fn looked(bank: &Bank, principal: Principal, action: &'static str) -> Result<(), BankError> {
    write(bank, principal, (action, "done")).await
}

/// Records that a principal is about to act.
///
/// # Errors
/// Trouble: then nothing is begun either.
pub async fn begun(bank: &Bank, principal: Principal, action: &'static str) -> Result<(), BankError> {
    write(bank, principal, (action, "begun")).await
}

async fn write(
    bank: &Bank,
    principal: Principal,
    (action, outcome): (&'static str, &'static str),
) -> Result<(), BankError> {
    let recorder = Recorder::new(bank, principal, action);
    bank.store()
        .write(move |uow| {
            recorder.write(uow, outcome)?;
            Ok(Outcome::<(), ()>::Done(()))
        })
        .await?;
    Ok(())
}

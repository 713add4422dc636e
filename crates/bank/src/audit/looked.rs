//! Looking at what is personal: of staff that is an act, and is recorded before it is shown.

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
    let recorder = Recorder::new(bank, principal, action);
    bank.store()
        .write(move |uow| {
            recorder.write(uow, "done")?;
            Ok(Outcome::<(), ()>::Done(()))
        })
        .await?;
    Ok(())
}

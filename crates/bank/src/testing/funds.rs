//! Money for tests, from the opening account.

use crate::bank::Bank;
use crate::chart::Own;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::wallets::WalletAccount;
use crate::wish::Principal;
use ledger::{Count, Step, UpTo};
use money::Money;
use store::StoreError;

/// Brings minor units into a wallet account, from the opening account.
///
/// # Errors
/// Trouble, or the ledger's "no".
pub fn fund_blocking(bank: &Bank, account: &WalletAccount, minor: i64) -> Result<(), StoreError> {
    let desk = bank.desk();
    let account = *account;
    Money::new(minor, account.currency).map_err(|error| StoreError::Bug(error.to_string()))?;
    bank.store().write_blocking(move |uow| {
        let debit = desk.chart().own(uow, Own::Opening, account.currency)?;
        let intent =
            Intent { kind: EntryKind::Opening, principal: Principal::System, channel: Channel::CommandLine, cause: 0 };
        let step =
            Step::Post { debit, credit: account.account, amount: minor, up_to: UpTo::default(), count: Count::No };
        let entry = entries::draft(&desk, uow, intent, vec![step]);
        match uow.post(&entry)? {
            Ok(_) => Ok(store::Outcome::<(), ()>::Done(())),
            Err(refusal) => Err(StoreError::Bug(refusal.to_string())),
        }
    })?;
    Ok(())
}

//! Wallets: a customer's money, one account for each currency.
//!
//! Every wallet account is a liability that never goes below 0; it is bound by limits of its own (the balance) and by the
//! person's, which add up over all the person's accounts in a currency. What a forced entry does not find there becomes the
//! customer's receivable. Balances are the journal's: look at `Snapshot::balance`.

mod open;
pub mod records;
mod restrict;
mod view;

pub(crate) use open::{NewWalletAccount, open_account, open_wallet};
pub use open::{Opened, add_currency};
pub use records::{MIGRATIONS, WalletAccount, account, of_customer, owner_of};
pub(crate) use restrict::freeze_credits;
pub use restrict::{Freezing, freeze, lower_limits};
pub use view::{AccountView, BalanceView, WalletView, balances, limits, view};

use crate::bank::Bank;
use crate::error::BankError;
use money::Currency;
use store::Ground;
use vocabulary::{Id, kinds};

fn rests_on(bank: &Bank, found: WalletAccount) -> WalletAccount {
    if bank.store().has_other_nodes() {
        let (wallet, currency, guarded) = (found.wallet, found.currency, found.guarded);
        bank.store().rely(Ground::Rule, move |reading| {
            Ok(account(reading, wallet, currency)?.is_some_and(|now| now.guarded == guarded))
        });
    }
    found
}

/// The account of a wallet in a currency, from memory when it was asked for before. What it gives never changes, but
/// whether its owner confirms movements: the request's unit is refused when that is otherwise where it decides.
///
/// # Errors
/// Trouble.
pub async fn find(
    bank: &Bank,
    wallet: Id<kinds::Wallet>,
    currency: Currency,
) -> Result<Option<WalletAccount>, BankError> {
    let key = (wallet.as_u128(), currency.number());
    let ticket = match bank.caches().wallets.get(&key) {
        Ok(found) => return Ok(Some(rests_on(bank, found))),
        Err(ticket) => ticket,
    };
    let found = bank.store().look_up(|reading| account(reading, wallet, currency))?;
    if let Some(found) = found {
        bank.caches().wallets.keep(ticket, key, found);
    }
    Ok(found.map(|found| rests_on(bank, found)))
}

/// As [`find`], for threads outside the async runtime.
///
/// # Errors
/// Trouble.
pub fn find_blocking(
    bank: &Bank,
    wallet: Id<kinds::Wallet>,
    currency: Currency,
) -> Result<Option<WalletAccount>, BankError> {
    let key = (wallet.as_u128(), currency.number());
    let ticket = match bank.caches().wallets.get(&key) {
        Ok(found) => return Ok(Some(rests_on(bank, found))),
        Err(ticket) => ticket,
    };
    let found = bank.store().read_blocking(|snapshot| account(snapshot.reading(), wallet, currency))?;
    if let Some(found) = found {
        bank.caches().wallets.keep(ticket, key, found);
    }
    Ok(found.map(|found| rests_on(bank, found)))
}

//! What a wallet shows: accounts, balances, limits.

use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use crate::policies::Limits;
use ledger::AccountNo;
use serde::{Deserialize, Serialize};
use store::{AccountId, Snapshot, StoreError};
use vocabulary::{Id, kinds};

/// A wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletView {
    /// Its id.
    pub id: Id<kinds::Wallet>,
    /// Whose.
    pub customer: Id<kinds::Customer>,
    /// Its accounts, in the order of currency numbers.
    pub accounts: Vec<AccountView>,
}

/// An account with its balances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// Its currency's code.
    pub currency: String,
    /// Its balances.
    pub balance: BalanceView,
    /// `none`, or which movements are frozen: `debit`, `credit`, `all`.
    pub frozen: String,
    /// Whether it is closed.
    pub closed: bool,
}

/// Balances, minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    /// Posted.
    pub posted_minor: i64,
    /// Set aside by holds.
    pub held_minor: i64,
    /// What can be spent.
    pub available_minor: i64,
}

/// An account's balances in a snapshot.
///
/// # Errors
/// As `Snapshot::balance`.
pub fn balances(snapshot: &Snapshot<'_>, no: AccountNo) -> Result<BalanceView, StoreError> {
    let after = snapshot.balance(no)?;
    let frozen = snapshot.account(no)?.map_or(0, |row| row.account.freeze.amount);
    let available_minor = (after.posted.saturating_sub(after.held).saturating_sub(frozen)).max(0);
    Ok(BalanceView { posted_minor: after.posted, held_minor: after.held, available_minor })
}

/// A wallet with all balances of one moment.
///
/// # Errors
/// Trouble.
pub async fn view(bank: &Bank, wallet: Id<kinds::Wallet>) -> Result<Option<WalletView>, BankError> {
    let currencies = bank.currencies();
    let found = bank.store().read(move |snapshot| {
        let Some(customer) = records::owner_of(snapshot.reading(), wallet)? else { return Ok(None) };
        let mut accounts = Vec::new();
        for found in records::of_wallet(snapshot.reading(), wallet, &currencies)? {
            let row = snapshot.account(found.account)?;
            let row = row.ok_or(StoreError::Corrupt { table: "wallet_account", finding: "no such ledger account" })?;
            let freeze = row.account.freeze;
            accounts.push(AccountView {
                id: found.id,
                currency: found.currency.code().to_owned(),
                balance: balances(snapshot, found.account)?,
                frozen: match (freeze.debit, freeze.credit) {
                    (false, false) => "none",
                    (true, false) => "debit",
                    (false, true) => "credit",
                    (true, true) => "all",
                }
                .to_owned(),
                closed: row.account.closed,
            });
        }
        Ok(Some(WalletView { id: wallet, customer, accounts }))
    });
    Ok(found.await?)
}

/// The limits that bind a customer: currency code, whether the person's or the account's, and the limits in force.
///
/// # Errors
/// Trouble.
pub async fn limits(bank: &Bank, customer: Id<kinds::Customer>) -> Result<Vec<(String, bool, Limits)>, BankError> {
    let currencies = bank.currencies();
    let found = bank.store().read(move |snapshot| {
        let mut all = Vec::new();
        for (group, party) in records::groups_of(snapshot.reading(), customer.as_u128())? {
            let code = currencies.by_number(party.currency).map_or_else(String::new, |found| found.code().to_owned());
            let set = snapshot.group(group)?.map_or_else(Default::default, |(_, set)| set);
            all.push((code, party.person, Limits::of_set(&set)));
        }
        Ok(all)
    });
    Ok(found.await?)
}

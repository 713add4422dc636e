//! Opening a wallet's account in a currency.

use super::records::{self, LimitParty, WalletAccount};
use crate::bank::Bank;
use crate::chart::{GL_RECEIVABLES, GL_WALLETS};
use crate::error::BankError;
use crate::policies::profile_no;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use ledger::{AccountNo, BookNo, Class, Floor, GroupNo};
use money::Currency;
use serde::{Deserialize, Serialize};
use store::{AccountId, NewAccount, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// An account to be opened: ids are drawn before the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewWalletAccount {
    pub(crate) wallet: Id<kinds::Wallet>,
    pub(crate) customer: Id<kinds::Customer>,
    pub(crate) tier: u8,
    pub(crate) currency: Currency,
    pub(crate) id: AccountId,
    pub(crate) receivable: AccountId,
}

/// An account was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The wallet.
    pub wallet: Id<kinds::Wallet>,
    /// The account.
    pub account: AccountId,
    /// The currency's code.
    pub currency: String,
}

/// Opens an account of an existing wallet; refused when it has one in the currency or the currency is not offered.
///
/// # Errors
/// Trouble.
pub async fn add_currency(
    bank: &Bank,
    wish: Wish,
    wallet: Id<kinds::Wallet>,
    currency: Currency,
) -> Result<Answer<Opened>, BankError> {
    let desk = bank.desk();
    let (id, receivable) = (bank.new_id(), bank.new_id());
    bank.once(wish, move |uow| {
        if !desk.currencies().is_offered(currency) {
            let detail = format!("accounts in {currency} are not offered here; choose another currency");
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::CurrencyUnknown, detail).at("currency")));
        }
        let Some(customer) = records::owner_of(uow.reading(), wallet)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        if records::account(uow.reading(), wallet, currency)?.is_some() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::WalletCurrencyExists).at("currency")));
        }
        let tier = crate::customers::records::tier(uow.reading(), customer)?;
        let new = NewWalletAccount { wallet, customer, tier, currency, id, receivable };
        let opened = open_account(uow, &new)?;
        let currency = currency.code().to_owned();
        Ok(Outcome::Done(Opened { wallet, account: opened.id, currency }))
    })
    .await
}

/// Opens the ledger accounts and limit groups of a wallet's account, and writes its row.
pub(crate) fn open_account(uow: &mut Uow<'_, '_>, new: &NewWalletAccount) -> Result<WalletAccount, StoreError> {
    let (owner, number) = (new.customer.as_u128(), new.currency.number());
    let account_group = open_group(uow, new, false)?;
    let person_group = match records::person_group(uow.reading(), owner, new.currency)? {
        Some(group) => group,
        None => open_group(uow, new, true)?,
    };
    let taken = StoreError::Corrupt { table: "account", finding: "a fresh account id is taken" };
    let receivable = uow.open_account(&NewAccount {
        id: new.receivable,
        book: BookNo::of(0, number),
        class: Class::Asset,
        gl_code: GL_RECEIVABLES.to_owned(),
        product: "receivable".to_owned(),
        owner: Some(owner),
        floor: Floor::None,
        groups: [GroupNo::NONE; 2],
        receivable: AccountNo(0),
    })?;
    let Some(receivable) = receivable else { return Err(taken) };
    let account = uow.open_account(&NewAccount {
        id: new.id,
        book: BookNo::of(0, number),
        class: Class::Liability,
        gl_code: GL_WALLETS.to_owned(),
        product: "wallet".to_owned(),
        owner: Some(owner),
        floor: Floor::At(0),
        groups: [account_group, person_group],
        receivable,
    })?;
    let Some(account) = account else { return Err(taken) };
    let (wallet, customer, currency) = (new.wallet, new.customer, new.currency);
    let opened = WalletAccount { account, id: new.id, wallet, customer, currency, receivable, guarded: false };
    records::insert_account(uow, &opened)?;
    Ok(opened)
}

fn open_group(uow: &mut Uow<'_, '_>, new: &NewWalletAccount, person: bool) -> Result<GroupNo, StoreError> {
    let (owner, currency) = (new.customer.as_u128(), new.currency.number());
    let group = uow.open_group(profile_no(new.tier, currency, person), Some(owner))?;
    records::insert_party(uow, group, &LimitParty { owner, currency, person })?;
    Ok(group)
}

/// Writes a new customer's wallet.
pub(crate) fn open_wallet(
    uow: &mut Uow<'_, '_>,
    wallet: Id<kinds::Wallet>,
    customer: Id<kinds::Customer>,
) -> Result<(), StoreError> {
    records::insert_wallet(uow, wallet, customer)
}

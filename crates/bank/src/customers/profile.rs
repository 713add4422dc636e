//! Looking at a customer, changing the tier, erasing personal data.

use super::records::{self, name_place, sign_in_place};
use crate::bank::Bank;
use crate::error::BankError;
use crate::policies::{TIERS, profile_no};
use crate::refusal::Refusal;
use crate::sealed::Sealing;
use crate::suspense;
use crate::wallets;
use crate::wish::{Answer, Wish};
use serde::{Deserialize, Serialize};
use sql::Reading;
use store::{NewEvent, Outcome};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A customer, for herself and for staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    /// The id.
    pub id: Id<kinds::Customer>,
    /// The wallet.
    pub wallet: Option<Id<kinds::Wallet>>,
    /// The tier.
    pub tier: u8,
    /// The name; none once it was erased.
    pub display_name: Option<String>,
    /// The sign-in name.
    pub sign_in: Option<String>,
    /// When she was registered.
    pub created: Timestamp,
}

/// A customer's name; none when there is no such customer or the name was erased.
///
/// # Errors
/// Trouble.
pub fn display_name(
    sealing: &Sealing,
    reading: Reading<'_>,
    id: Id<kinds::Customer>,
) -> Result<Option<String>, BankError> {
    let Some(row) = records::by_id(reading, id)? else { return Ok(None) };
    let Some(key) = sealing.key(reading, id.as_u128())? else { return Ok(None) };
    row.display_name.open(&key, name_place(id)).map(Some)
}

/// What is shown of a customer's name to those who are about to pay her.
///
/// # Errors
/// Trouble.
pub fn masked_name(
    sealing: &Sealing,
    reading: Reading<'_>,
    id: Id<kinds::Customer>,
) -> Result<Option<String>, BankError> {
    Ok(display_name(sealing, reading, id)?.map(|name| formats::alias::mask_name(&name)))
}

/// A customer.
///
/// # Errors
/// Trouble.
pub async fn view(bank: &Bank, id: Id<kinds::Customer>) -> Result<Option<CustomerView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(row) = records::by_id(reading, id)? else { return Ok(None) };
        let wallet = wallets::of_customer(reading, id)?;
        let mut view =
            CustomerView { id, wallet, tier: row.tier, display_name: None, sign_in: None, created: row.created };
        if let Some(key) = desk.sealing().key(reading, id.as_u128())? {
            view.display_name = Some(row.display_name.open(&key, name_place(id))?);
            view.sign_in = row.sign_in.map(|sealed| sealed.open(&key, sign_in_place(id))).transpose()?;
        }
        Ok(Some(view))
    });
    Ok(found.await?)
}

/// Changes the tier, and with it the limits of all the customer's accounts. For staff: the caller checks the role.
///
/// # Errors
/// Trouble.
pub async fn change_tier(bank: &Bank, wish: Wish, id: Id<kinds::Customer>, tier: u8) -> Result<Answer<()>, BankError> {
    bank.once(wish, move |uow| {
        if !TIERS.contains(&tier) {
            let detail = "the tier is 1, 2 or 3";
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("tier")));
        }
        if !records::set_tier(uow, id, tier)? {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        }
        for (group, party) in wallets::records::groups_of(uow.reading(), id.as_u128())? {
            uow.set_group_profile(group, profile_no(tier, party.currency, party.person))?;
        }
        let body = serde_json::json!({ "customer": id, "tier": tier }).to_string();
        let owner = Some(id.as_u128());
        uow.emit(NewEvent { kind: "customer.tier_changed", version: 1, owner, subject: id.as_u128(), body });
        Ok(Outcome::Done(()))
    })
    .await
}

/// Erases a customer's personal data by destroying her key. Refused while her accounts hold money, or money
/// waits for her. Journal and ids stay.
///
/// # Errors
/// Trouble.
pub async fn erase(bank: &Bank, wish: Wish, id: Id<kinds::Customer>) -> Result<Answer<()>, BankError> {
    let desk = bank.desk();
    bank.once_then(
        wish,
        move |uow| {
            let Some(wallet) = wallets::of_customer(uow.reading(), id)? else {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            };
            let accounts = wallets::records::of_wallet(uow.reading(), wallet, desk.currencies())?;
            for found in &accounts {
                for no in [found.account, found.receivable] {
                    let empty = uow.account(no)?.is_none_or(|account| {
                        account.posted() == 0 && account.debits_pending == 0 && account.credits_pending == 0
                    });
                    if !empty {
                        return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountNotEmpty)));
                    }
                }
            }
            if suspense::records::waits_for(uow.reading(), id.as_u128())? {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountNotEmpty)));
            }
            for found in &accounts {
                if let Some(mut account) = uow.account(found.account)? {
                    account.closed = true;
                    uow.change_account(&account)?;
                }
            }
            Sealing::destroy(uow, id.as_u128())?;
            records::set_erased(uow, id)?;
            crate::sessions::end_all(uow, id)?;
            crate::factors::records::end_all(uow, id)?;
            crate::devices::records::forget_all(uow, id)?;
            crate::aliases::release_all(uow, id)?;
            crate::cards::remove_all(uow, id)?;
            let body = serde_json::json!({ "customer": id }).to_string();
            let owner = Some(id.as_u128());
            uow.emit(NewEvent { kind: "customer.erased", version: 1, owner, subject: id.as_u128(), body });
            Ok(Outcome::Done(()))
        },
        move |bank| {
            bank.sealing().forget(id.as_u128());
            bank.caches().sessions.forget_where(|session| session.customer == id);
            Ok(())
        },
    )
    .await
}

//! To which of its bank accounts a merchant is settled.
//!
//! ```text
//! first link ever ──▶ settlement account ──staff choose another link──▶ settlement account
//!                            └──the merchant removes the link──▶ none, until staff choose
//! ```
//!
//! Nobody outside tells us whose a linked account is, so a link proves nothing: whoever got hold of a key could link one of
//! his own. Therefore only the first link, which redirects nothing, becomes the settlement account by itself; any other takes
//! a member of staff who knows the merchant. Every change is an event, and the merchant is told beside it. Removing the
//! link and linking another changes nothing of that: the money waits in the merchant's account.

use super::{BankAccountId, BankAccountView, list, records, usable};
use crate::bank::Bank;
use crate::error::BankError;
use crate::notices;
use crate::refusal::Refusal;
use crate::wish::{Answer, Principal, Wish};
use ports::Channel;
use sql::Reading;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

type MerchantId = Id<kinds::Merchant>;

/// Where a merchant's settlements go; none when it linked nothing or removed the link.
///
/// # Errors
/// When the database fails.
pub(crate) fn settlement_account(
    reading: Reading<'_>,
    merchant: MerchantId,
) -> Result<Option<BankAccountId>, StoreError> {
    let Some(id) = records::settlement(reading, merchant.as_u128())? else { return Ok(None) };
    Ok(usable(reading, merchant.as_u128(), id)?.then_some(id))
}

/// A merchant's first link becomes its settlement account.
pub(super) fn first_link(uow: &mut Uow<'_, '_>, merchant: MerchantId, id: BankAccountId) -> Result<(), StoreError> {
    if records::settlement(uow.reading(), merchant.as_u128())?.is_none() {
        records::set_settlement(uow, merchant.as_u128(), id, None)?;
        tell(uow, merchant, id);
    }
    Ok(())
}

fn tell(uow: &mut Uow<'_, '_>, merchant: MerchantId, id: BankAccountId) {
    let body = serde_json::json!({ "merchant": merchant, "bank_account": id }).to_string();
    let (kind, owner) = ("merchant.settlement_account_changed", Some(merchant.as_u128()));
    uow.emit(NewEvent { kind, version: 1, owner, subject: merchant.as_u128(), body });
}

/// Settles a merchant to one of its links from now on. For staff: the caller checks the role. In order: `forbidden`,
/// `not_found`, `bank_account_not_found`.
///
/// # Errors
/// Trouble.
pub async fn settle_to(
    bank: &Bank,
    wish: Wish,
    merchant: MerchantId,
    id: BankAccountId,
) -> Result<Answer<()>, BankError> {
    let staff = match wish.principal {
        Principal::Staff(staff) => Some(staff),
        Principal::Customer(_) | Principal::Merchant(_) | Principal::System => None,
    };
    let notice = notice(bank, merchant).await?;
    bank.once(wish, move |uow| {
        let Some(staff) = staff else { return Ok(Outcome::Refused(Refusal::of(ErrorCode::Forbidden))) };
        if crate::merchants::records::by_id(uow.reading(), merchant)?.is_none() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        }
        if !usable(uow.reading(), merchant.as_u128(), id)? {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::BankAccountNotFound).at("bank_account")));
        }
        if settlement_account(uow.reading(), merchant)? == Some(id) {
            return Ok(Outcome::Done(()));
        }
        records::set_settlement(uow, merchant.as_u128(), id, Some(staff))?;
        tell(uow, merchant, id);
        if let Some(notice) = &notice {
            notice.write(uow)?;
        }
        Ok(Outcome::Done(()))
    })
    .await
}

/// Told in the merchant's own application: the bank has no other address of it. Sealed with the key that its first link made.
async fn notice(bank: &Bank, merchant: MerchantId) -> Result<Option<notices::Draft>, BankError> {
    let (desk, owner) = (bank.desk(), merchant.as_u128());
    let key = bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), owner)?)).await?;
    let Some(key) = key else { return Ok(None) };
    let text = "The bank account to which you are settled was changed by the bank. If you did not ask for it, tell the bank \
        at once.";
    notices::Draft::new(bank, (owner, &key), Channel::App, (&merchant.to_string(), text)).map(Some)
}

/// A merchant's links, newest first, and to which of them it is settled; none when there is no such merchant.
///
/// # Errors
/// Trouble.
pub async fn of_merchant(
    bank: &Bank,
    merchant: MerchantId,
) -> Result<Option<(Option<BankAccountId>, Vec<BankAccountView>)>, BankError> {
    let found = bank.store().read(move |snapshot| {
        let known = crate::merchants::records::by_id(snapshot.reading(), merchant)?;
        known.map(|_| settlement_account(snapshot.reading(), merchant)).transpose()
    });
    let Some(settled) = found.await? else { return Ok(None) };
    Ok(Some((settled, list(bank, Principal::Merchant(merchant)).await?)))
}

//! Returning the code that was sent, and giving an alias up.

use super::claim::{AliasView, code_hash, verified, view};
use super::records::{self, AliasRow, value_place};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// Verifies an alias with the code that was sent to it. Refused, in this order: not the customer's, too late, too many tries,
/// wrong (counted), held by somebody else.
///
/// # Errors
/// Trouble.
pub async fn confirm(
    bank: &Bank,
    wish: Wish,
    (customer, id): (Id<kinds::Customer>, Id<kinds::Alias>),
    code: &str,
) -> Result<Answer<AliasView>, BankError> {
    let desk = bank.desk();
    let returned = code_hash(bank, id, code);
    bank.once(wish, move |uow| {
        let Some(row) = records::by_id(uow.reading(), id)?.filter(|row| row.customer == customer) else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        let Some(key) = desk.sealing().key(uow.reading(), customer.as_u128())? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        let value = row.value.open(&key, value_place(id))?;
        if row.verified.is_some() && row.released.is_none() {
            return Ok(Outcome::Done(view(&row, &value)));
        }
        if let Some(refusal) = check(uow, &row, &returned, desk.policies().code_tries)? {
            return Ok(Outcome::Refused(refusal));
        }
        if !records::take(uow, &row)? {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::AliasTaken)));
        }
        verified(uow, &row)?;
        let verified = AliasRow { verified: Some(uow.now()), ..row };
        Ok(Outcome::Done(view(&verified, &value)))
    })
    .await
}

fn check(uow: &mut Uow<'_, '_>, row: &AliasRow, returned: &[u8], tries: u32) -> Result<Option<Refusal>, StoreError> {
    let Some(code) = row.code.as_ref().filter(|_| uow.now() < row.expires) else {
        return Ok(Some(Refusal::of(ErrorCode::CodeExpired)));
    };
    if row.tries >= tries {
        let detail = "the code was tried too often; claim the alias again for a new code";
        return Ok(Some(Refusal::new(ErrorCode::TooManyAttempts, detail)));
    }
    if verify_slices_are_equal(code, returned).is_err() {
        records::count_try(uow, row.id)?;
        return Ok(Some(Refusal::of(ErrorCode::CodeWrong).at("code")));
    }
    Ok(None)
}

/// Gives an alias, or a claim, up.
///
/// # Errors
/// Trouble.
pub async fn release(
    bank: &Bank,
    wish: Wish,
    customer: Id<kinds::Customer>,
    id: Id<kinds::Alias>,
) -> Result<Answer<()>, BankError> {
    bank.once(wish, move |uow| {
        let found = records::by_id(uow.reading(), id)?;
        let Some(row) = found.filter(|row| row.customer == customer && row.released.is_none()) else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        records::release(uow, id)?;
        let body = serde_json::json!({ "alias": id, "wallet": row.wallet }).to_string();
        let owner = Some(customer.as_u128());
        uow.emit(NewEvent { kind: "alias.released", version: 1, owner, subject: id.as_u128(), body });
        Ok(Outcome::Done(()))
    })
    .await
}

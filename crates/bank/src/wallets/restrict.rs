//! Restrictions: freezing and closing by staff, limits that customers lower for themselves.

use super::records;
use crate::bank::Bank;
use crate::customers;
use crate::error::BankError;
use crate::policies::Limits;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use ledger::{AccountNo, Freeze};
use money::Currency;
use store::{AccountId, NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// What staff do to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezing {
    /// Forbids customer-initiated movements and sets minor units aside, beside what is forbidden and set aside already: it never
    /// gives anything free.
    Freeze {
        /// No debit.
        debit: bool,
        /// No credit.
        credit: bool,
        /// Set aside, at least so much; not negative.
        amount_minor: i64,
    },
    /// Gives free what is named.
    Release {
        /// Debits.
        debit: bool,
        /// Credits.
        credit: bool,
        /// The amount that is set aside becomes this one, if it is less; not negative.
        amount_minor: Option<i64>,
    },
    /// Closes it; refused unless it is empty.
    Close,
    /// Opens it again; that of an erased person stays closed.
    Reopen,
}

/// Freezes, releases or closes an account of a customer or merchant. Needs a member of staff as principal: the caller
/// checks the role.
///
/// # Errors
/// Trouble.
pub async fn freeze(bank: &Bank, wish: Wish, account: AccountId, what: Freezing) -> Result<Answer<()>, BankError> {
    bank.once(wish, move |uow| {
        // The bank's own accounts have no owner.
        let Some(row) = uow.account_by_id(account)?.filter(|row| row.owner.is_some()) else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountNotFound)));
        };
        let mut changed = row.account;
        match what {
            Freezing::Freeze { debit, credit, amount_minor } => {
                if amount_minor < 0 {
                    let detail = "the amount set aside is not below zero";
                    return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("amount")));
                }
                changed.freeze.debit |= debit;
                changed.freeze.credit |= credit;
                changed.freeze.amount = changed.freeze.amount.max(amount_minor);
            }
            Freezing::Release { debit, credit, amount_minor } => {
                changed.freeze.debit &= !debit;
                changed.freeze.credit &= !credit;
                changed.freeze.amount = changed.freeze.amount.min(amount_minor.unwrap_or(i64::MAX)).max(0);
            }
            Freezing::Close => {
                if changed.posted() != 0 || changed.debits_pending != 0 || changed.credits_pending != 0 {
                    return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountNotEmpty)));
                }
                changed.closed = true;
            }
            Freezing::Reopen if !row.account.closed => return Ok(Outcome::Done(())),
            Freezing::Reopen => {
                let owner = Id::from_u128(row.owner.unwrap_or(0));
                changed.closed = customers::records::is_erased(uow.reading(), owner)?;
            }
        }
        let opened = row.account.closed && !changed.closed;
        if row.account.closed && !opened {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountClosed)));
        }
        uow.change_account(&changed)?;
        emit(uow, account, row.owner, (what, changed.freeze));
        Ok(Outcome::Done(()))
    })
    .await
}

/// Says how things stand now.
fn emit(uow: &mut Uow<'_, '_>, account: AccountId, owner: Option<u128>, (what, freeze): (Freezing, Freeze)) {
    let frozen = || {
        let Freeze { debit, credit, amount } = freeze;
        serde_json::json!({ "account": account, "debit": debit, "credit": credit, "amount_minor": amount })
    };
    let (kind, body) = match what {
        Freezing::Close => ("account.closed", serde_json::json!({ "account": account })),
        Freezing::Reopen => ("account.reopened", serde_json::json!({ "account": account })),
        Freezing::Freeze { .. } => ("account.frozen", frozen()),
        Freezing::Release { .. } => ("account.released", frozen()),
    };
    uow.emit(NewEvent { kind, version: 1, owner, subject: account.as_u128(), body: body.to_string() });
}

/// Sets limits of the customer's own in a currency; they only ever lower the bank's.
///
/// # Errors
/// Trouble.
pub async fn lower_limits(
    bank: &Bank,
    wish: Wish,
    (customer, currency): (Id<kinds::Customer>, Currency),
    limits: Limits,
) -> Result<Answer<()>, BankError> {
    bank.once(wish, move |uow| {
        if limits.each().any(|limit| limit < 0) {
            let detail = "a limit is not below zero";
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("limits")));
        }
        let Some(group) = records::person_group(uow.reading(), customer.as_u128(), currency)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountNotFound)));
        };
        uow.set_own_limits(group, &limits.to_set())?;
        Ok(Outcome::Done(()))
    })
    .await
}

/// Forbids credits within a unit, or allows them again. A freeze of debits, and an amount set aside, stay as they are.
pub(crate) fn freeze_credits(uow: &mut Uow<'_, '_>, no: AccountNo, frozen: bool) -> Result<(), StoreError> {
    let Some(mut account) = uow.account(no)? else {
        return Err(StoreError::Corrupt { table: "account", finding: "an account to be frozen is missing" });
    };
    account.freeze.credit = frozen;
    uow.change_account(&account)
}

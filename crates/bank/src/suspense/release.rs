//! The ways out of suspense that two people open: to the owner, or back to the sender.
//!
//! Races closed here: the bank may take the money back, or another pair of people may release it, in the same moment. Both
//! end the waiting in the unit that moves the money; whoever comes second finds nothing waiting, and the account of the
//! waiting is never debited twice for it.

use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::instructions::effects::moving;
use crate::payouts::{self, SendBack};
use crate::refusal::Refusal;
use crate::suspense::{How, Waiting, records};
use crate::wish::Principal;
use crate::{topups, wallets};
use ledger::{AccountNo, Count};
use money::Currency;
use store::{NewEvent, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

type Done = Result<Result<(), Refusal>, StoreError>;

fn currency(desk: &Desk, waiting: &Waiting) -> Result<Currency, StoreError> {
    let unknown = StoreError::Corrupt { table: "waiting_money", finding: "a currency that is not known" };
    desk.currencies().by_number(waiting.currency).ok_or(unknown)
}

/// The account that money is released to: that of a wallet of its owner, or the one it was meant for. Refused with
/// `account_not_found`.
pub(crate) fn target(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    (waiting, wallet): (&Waiting, Option<Id<kinds::Wallet>>),
) -> Result<Result<AccountNo, Refusal>, StoreError> {
    let Some(wallet) = wallet else { return Ok(Ok(waiting.meant)) };
    let account = wallets::account(uow.reading(), wallet, currency(desk, waiting)?)?;
    let his = account.filter(|account| account.customer.as_u128() == waiting.owner);
    Ok(his.map(|account| account.account).ok_or_else(|| Refusal::of(ErrorCode::AccountNotFound).at("wallet")))
}

/// Releases money to its owner. What a top-up costs and what it uses of the limits, it costs and uses now; what a payout
/// used is given back. Refused as [`target`], then as the ledger refuses the movement.
pub(crate) fn release(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    (waiting, wallet): (&Waiting, Option<Id<kinds::Wallet>>),
) -> Done {
    let account = match target(desk, uow, (waiting, wallet))? {
        Ok(account) => account,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let payout = payouts::records::by_id(uow.reading(), Id::from_u128(waiting.subject))?;
    let suspended = desk.chart().own(uow, Own::PayoutSuspense, currency(desk, waiting)?)?;
    let count = match payout.filter(|_| waiting.account == suspended) {
        Some(payout) => Count::GiveBack { day: payout.used_day },
        None => Count::Use,
    };
    let mut steps = vec![moving(waiting.account, account, waiting.amount, count)];
    steps.extend(topups::fee_of_released(desk, uow, (waiting.subject, account))?);
    let cause = waiting.case.as_u128();
    let intent = Intent { kind: EntryKind::SuspenseReleased, principal: who, channel: Channel::Api, cause };
    let entry = entries::draft(desk, uow, intent, steps);
    if let Err(refusal) = uow.post(&entry)? {
        return Ok(Err(Refusal::of_ledger(desk, uow, who, &refusal)?));
    }
    topups::released(desk, uow, waiting.subject)?;
    end(desk, uow, (waiting, How::Released))
}

/// Sends money back to the bank account that it came from, as a payout under an id drawn before. Refused with
/// `invalid_field` when it came from no bank account.
pub(crate) fn send_back(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    (waiting, id): (&Waiting, Id<kinds::Payout>),
) -> Done {
    let Some(bank_account) = sender(desk, uow, waiting)? else {
        let detail = "it came from no bank account; release it to its owner instead";
        return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("finding")));
    };
    payouts::send_back(desk, uow, who, &SendBack { id, waiting: waiting.clone(), bank_account })?;
    topups::sent_back(desk, uow, waiting.subject)?;
    end(desk, uow, (waiting, How::SentBack))
}

/// The bank account that waiting money came from, or was sent back to before.
pub(crate) fn sender(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    waiting: &Waiting,
) -> Result<Option<Id<kinds::BankAccount>>, StoreError> {
    if let Some(top_up) = topups::records::by_id(uow.reading(), Id::from_u128(waiting.subject))? {
        return Ok(Some(top_up.bank_account));
    }
    let suspended = desk.chart().own(uow, Own::PayoutSuspense, currency(desk, waiting)?)?;
    let payout = payouts::records::by_id(uow.reading(), Id::from_u128(waiting.subject))?;
    Ok(payout.filter(|_| waiting.account != suspended).map(|payout| payout.bank_account))
}

fn end(desk: &Desk, uow: &mut Uow<'_, '_>, (waiting, how): (&Waiting, How)) -> Done {
    if !records::end(uow, waiting.case, how)? {
        return Err(StoreError::Bug("money was released that did not wait".to_owned()));
    }
    let currency = currency(desk, waiting)?;
    let how = if how == How::SentBack { "sent_back" } else { "released" };
    let body = serde_json::json!({"case": waiting.case, "amount_minor": waiting.amount, "currency": currency.code(),
        "how": how});
    let (owner, subject) = (Some(waiting.owner), waiting.case.as_u128());
    uow.emit(NewEvent { kind: "suspense.released", version: 1, owner, subject, body: body.to_string() });
    Ok(Ok(()))
}

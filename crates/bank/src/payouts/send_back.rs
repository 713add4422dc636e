//! Money that waits in suspense goes back to its sender: a payout without a fee, of which no limits are used.
//!
//! When the bank will not have it, it comes back to the account it waited in and waits again, under a case of its own: see
//! `outcome.rs`.

use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::instructions::effects::moving;
use crate::payouts::Payout;
use crate::payouts::start::{commence, fresh};
use crate::suspense::Waiting;
use crate::wish::Principal;
use ledger::Count;
use money::Money;
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// What is to go back.
pub(crate) struct SendBack {
    /// The payout's id, drawn before the unit.
    pub(crate) id: Id<kinds::Payout>,
    /// The money.
    pub(crate) waiting: Waiting,
    /// Where it came from.
    pub(crate) bank_account: Id<kinds::BankAccount>,
}

/// Starts the payout, caused by the case under which the money waited.
pub(crate) fn send_back(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    command: &SendBack,
) -> Result<(), StoreError> {
    let waiting = &command.waiting;
    let unknown = || StoreError::Corrupt { table: "waiting_money", finding: "an amount that is none" };
    let currency = desk.currencies().by_number(waiting.currency).ok_or_else(unknown)?;
    let amount = Money::new(waiting.amount, currency).map_err(|_| unknown())?;
    let suspense = desk.chart().own(uow, Own::PayoutSuspense, currency)?;
    let step = moving(waiting.account, suspense, waiting.amount, Count::No);
    let (channel, cause) = (Channel::Api, command.id.as_u128());
    let intent = Intent { kind: EntryKind::Payout, principal: who, channel, cause };
    let entry = entries::draft(desk, uow, intent, vec![step]);
    if let Err(refusal) = uow.post(&entry)? {
        return Err(StoreError::Bug(format!("suspense refused to send back: {refusal}")));
    }
    let payout = Payout {
        owner: waiting.owner,
        source: waiting.account,
        bank_account: command.bank_account,
        cause: waiting.case.as_u128(),
        ..fresh(desk, uow, command.id, amount)
    };
    commence(desk, uow, &payout).map(drop)
}

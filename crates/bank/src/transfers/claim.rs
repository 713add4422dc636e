//! Claiming: somebody proved that an alias is theirs; what waits for it is theirs.
//!
//! Runs in the unit in which the alias becomes theirs. A transfer that the claimant's limits refuse goes on waiting, and goes
//! back in time like any other; the conditional update decides a race with return and cancellation.

use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::sealed::KeyedHash;
use crate::transfers::give_back::JOB_RETURN;
use crate::transfers::records::{self, Receiver};
use crate::transfers::{Transfer, TransferState};
use crate::wallets;
use crate::wish::Principal;
use ledger::{Count, Step, UpTo};
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// How many waiting transfers one claim takes, so that a unit stays short. Who got so many asks again.
pub const CLAIMED_AT_ONCE: usize = 100;

/// Gives a customer what waits for an alias that is now hers. Call it in the unit in which the alias was verified. Returns how
/// many transfers she got.
///
/// # Errors
/// When the database fails.
pub fn claim_for_alias(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    alias: &KeyedHash,
    customer: Id<kinds::Customer>,
) -> Result<usize, StoreError> {
    let most = u32::try_from(CLAIMED_AT_ONCE).unwrap_or(u32::MAX);
    let waiting = records::waiting_for(uow.reading(), alias, most)?;
    let Some(wallet) = wallets::of_customer(uow.reading(), customer)? else { return Ok(0) };
    let receiver = Receiver { customer, wallet };
    let mut claimed = 0;
    for transfer in waiting {
        if claim(desk, uow, transfer, &receiver)? {
            claimed += 1;
        }
    }
    Ok(claimed)
}

fn claim(desk: &Desk, uow: &mut Uow<'_, '_>, mut transfer: Transfer, receiver: &Receiver) -> Result<bool, StoreError> {
    let Some(currency) = desk.currencies().by_number(transfer.currency) else { return Ok(false) };
    let Some(account) = wallets::account(uow.reading(), receiver.wallet, currency)? else { return Ok(false) };
    let unclaimed = desk.chart().own(uow, Own::Unclaimed, currency)?;
    let step = Step::Post {
        debit: unclaimed,
        credit: account.account,
        amount: transfer.amount,
        up_to: UpTo::default(),
        count: Count::Use,
    };
    let intent = Intent {
        kind: EntryKind::TransferClaimed,
        principal: Principal::Customer(receiver.customer),
        channel: Channel::Job,
        cause: transfer.id.as_u128(),
    };
    let entry = entries::draft(desk, uow, intent, vec![step]);
    if uow.post(&entry)?.is_err() {
        return Ok(false);
    }
    if !records::end(uow, transfer.id, TransferState::Claimed, Some(receiver))? {
        return Err(StoreError::Bug("a waiting transfer ended under the unit that read it".to_owned()));
    }
    uow.cancel_jobs(JOB_RETURN, transfer.id.as_u128())?;
    transfer.state = TransferState::Claimed;
    (transfer.payee, transfer.payee_wallet) = (Some(receiver.customer), Some(receiver.wallet));
    transfer.ended = Some(uow.now());
    transfer.emit(desk, uow);
    Ok(true)
}

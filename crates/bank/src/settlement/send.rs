//! On the value day, a settlement's money goes to the merchant's bank, as a payout.
//!
//! The money comes back from settlement clearing to the merchant's account and leaves it as a payout in the same unit, so a
//! payout that fails later returns it there by itself (`bounce.rs`) and the next settlement pays it again. For an account that was closed
//! meanwhile the money stays in clearing, with a case. Crash point closed: the job
//! ends in the unit that starts the payout, so a settlement is paid out once.

use super::settle::tell;
use super::{SettlementState, records};
use crate::cases::{self, CaseKind, NewCase};
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::payouts::{self, StartForMerchant};
use crate::{Bank, BankError, Desk, Own, Principal, bank_accounts, merchants, payments};
use ledger::Count;
use money::Money;
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{Id, kinds};

/// The job that pays a settlement out.
pub const JOB_SEND: &str = "settlement.send";

/// Pays out the job's settlement.
///
/// # Errors
/// Trouble: then the job stays.
pub fn send(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (desk, claim, id, payout) = (bank.desk(), job.claim, Id::from_u128(job.subject), bank.new_id());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            act(&desk, uow, id, payout)?;
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn act(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Settlement>,
    payout: Id<kinds::Payout>,
) -> Result<(), StoreError> {
    let row = records::by_id(uow.reading(), id)?.filter(|row| row.state == SettlementState::Scheduled);
    let Some(mut row) = row else { return Ok(()) };
    let missing = || StoreError::Corrupt { table: "settlement", finding: "no such merchant account" };
    let currency = desk.currencies().by_number(row.currency).ok_or_else(missing)?;
    let account = merchants::account(uow.reading(), row.merchant, currency)?.ok_or_else(missing)?;
    let amount = Money::new(row.shares.paid_out, currency).map_err(|_| missing())?;
    let clearing = desk.chart().own(uow, Own::SettlementClearing, currency)?;

    let steps = payments::moves(&[(clearing, account.account, amount.minor(), Count::No)]);
    let (principal, channel, cause) = (Principal::System, Channel::Job, id.as_u128());
    let intent = Intent { kind: EntryKind::SettlementPaid, principal, channel, cause };
    let mut entry = entries::draft(desk, uow, intent, steps);
    // The money was the merchant's all along: a freeze of its account does not keep it in clearing.
    entry.forced = true;
    let back = uow.post(&entry)?.is_ok();
    if !back {
        let finding = "a settlement cannot be paid out: the merchant's account is closed; its money stays in clearing";
        let subject = id.to_string();
        let new = NewCase { kind: CaseKind::NotCreditable, subject: &subject, finding, next_date: None };
        cases::open(desk, uow, &new)?;
    }
    let target = bank_accounts::settlement_account(uow.reading(), row.merchant)?;
    let started = match target.filter(|_| back) {
        None => false,
        Some(bank_account) => {
            let start = StartForMerchant {
                id: payout,
                merchant: row.merchant,
                from: account.account,
                bank_account,
                amount,
                cause: id.as_u128(),
            };
            payouts::start_for_merchant(desk, uow, &start)?.is_ok()
        }
    };
    row.state = if started { SettlementState::Sent } else { SettlementState::Returned };
    records::set_state(uow, id, row.state, started.then_some(payout))?;
    tell(desk, uow, if started { "settlement.sent" } else { "settlement.returned" }, &row);
    Ok(())
}

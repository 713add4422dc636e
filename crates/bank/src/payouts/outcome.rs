//! What the bank says takes effect: paid, given back, or people are called.
//!
//! One unit for word and effect. Giving back passes freezes and limits, returns the fee where policy says so, and returns what
//! the payout used of the limits. Money that was paid although we had given it back stands as the owner's receivable.

use crate::cases::{self, CaseKind, NewCase};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::payouts::rules::{Decision, decide};
use crate::payouts::{Payout, PayoutState, records};
use crate::rail_feed::Source;
use crate::topups;
use crate::wish::Principal;
use ledger::{AccountNo, Count, Refusal, Step, UpTo};
use money::Currency;
use ports::Outcome;
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// Makes of a payout what the bank says. False when there is no such payout.
pub(crate) fn hear(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Payout>,
    heard: (&Outcome, Source),
) -> Result<bool, StoreError> {
    let Some(mut payout) = records::by_id(uow.reading(), id)? else { return Ok(false) };
    match decide(payout.state, payout.amount, payout.paid, heard) {
        Decision::Nothing => {}
        Decision::Paid { amount } => paid(desk, uow, &mut payout, amount)?,
        Decision::GiveBack { reason } => give_back(desk, uow, &mut payout, (PayoutState::Failed, &reason))?,
        Decision::GiveBackReturned { reason } => came_back(desk, uow, &mut payout, &reason)?,
        Decision::PaidAfterReturn { amount } => paid_after_return(desk, uow, &mut payout, amount)?,
        Decision::Doubt(kind) => doubt(desk, uow, &mut payout, kind)?,
    }
    Ok(true)
}

fn own(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout, own: Own) -> Result<AccountNo, StoreError> {
    let unknown = StoreError::Corrupt { table: "payout", finding: "a currency that is not known" };
    let currency: Currency = desk.currencies().by_number(payout.currency).ok_or(unknown)?;
    desk.chart().own(uow, own, currency)
}

const fn moving(debit: AccountNo, credit: AccountNo, amount: i64, count: Count) -> Step {
    Step::Post { debit, credit, amount, up_to: UpTo { debit: false, credit: false }, count }
}

fn post_forced(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    payout: &Payout,
    (kind, steps): (EntryKind, Vec<Step>),
) -> Result<Result<(), Refusal>, StoreError> {
    let intent = Intent { kind, principal: Principal::System, channel: Channel::Rail, cause: payout.id.as_u128() };
    let mut entry = entries::draft(desk, uow, intent, steps);
    entry.forced = true;
    Ok(uow.post(&entry)?.map(drop))
}

/// Posts between the bank's own accounts, which never refuse.
fn post_surely(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    payout: &Payout,
    what: (EntryKind, Vec<Step>),
) -> Result<(), StoreError> {
    post_forced(desk, uow, payout, what)?
        .map_err(|refusal| StoreError::Bug(format!("an own account refused a payout's entry: {refusal}")))
}

fn end(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &mut Payout, state: PayoutState) -> Result<(), StoreError> {
    payout.state = state;
    payout.ended = Some(uow.now());
    payout.next_date = None;
    records::change(uow, payout)?;
    uow.cancel_jobs(super::JOB_DEADLINE, payout.id.as_u128())?;
    cases::settle(uow, CaseKind::NoResult, &payout.id.to_string(), "the bank's answer ended the investigation")?;
    payout.emit(desk, uow);
    Ok(())
}

fn paid(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &mut Payout, amount: i64) -> Result<(), StoreError> {
    let suspense = own(desk, uow, payout, Own::PayoutSuspense)?;
    let nostro = own(desk, uow, payout, Own::Nostro)?;
    let step = moving(suspense, nostro, amount, Count::No);
    post_surely(desk, uow, payout, (EntryKind::PayoutExecuted, vec![step]))?;
    payout.paid = amount;
    let rest = payout.amount - amount;
    if rest > 0 {
        let back = moving(suspense, payout.source, rest, Count::GiveBack { day: payout.used_day });
        into_source(desk, uow, payout, vec![back])?;
        call_people(
            desk,
            uow,
            payout,
            (CaseKind::AmountDiffers, "the bank paid less than was asked; the rest went back"),
        )?;
    }
    end(desk, uow, payout, PayoutState::Paid)
}

/// Posts what goes back to the account it came from; when that account takes nothing any more (it was closed), it waits in
/// suspense and people are called.
fn into_source(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout, steps: Vec<Step>) -> Result<(), StoreError> {
    let suspense = own(desk, uow, payout, Own::PayoutSuspense)?;
    let elsewhere: Vec<Step> = steps
        .iter()
        .filter_map(|step| match *step {
            Step::Post { debit, amount, .. } if debit != suspense => Some(moving(debit, suspense, amount, Count::No)),
            _ => None,
        })
        .collect();
    if post_forced(desk, uow, payout, (EntryKind::PayoutReturned, steps))?.is_ok() {
        return Ok(());
    }
    if !elsewhere.is_empty() {
        post_surely(desk, uow, payout, (EntryKind::PayoutReturned, elsewhere))?;
    }
    let finding = "the payout went back and its account cannot take it; it waits in suspense";
    call_people(desk, uow, payout, (CaseKind::NotCreditable, finding))
}

/// What goes back with the amount: the fee and its tax, where policy says so.
fn fee_back(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout) -> Result<Vec<Step>, StoreError> {
    let refundable = desk.policies().fees.get("payout").is_none_or(|terms| terms.refundable);
    let mut steps = Vec::new();
    for (from, amount) in [(Own::FeeIncome, payout.fee), (Own::TaxPayable, payout.tax)] {
        if refundable && amount > 0 {
            let count = Count::GiveBack { day: payout.used_day };
            steps.push(moving(own(desk, uow, payout, from)?, payout.source, amount, count));
        }
    }
    Ok(steps)
}

/// The bank will not: out of suspense, back to where it came from.
pub(super) fn give_back(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    payout: &mut Payout,
    (state, reason): (PayoutState, &str),
) -> Result<(), StoreError> {
    let suspense = own(desk, uow, payout, Own::PayoutSuspense)?;
    let count = Count::GiveBack { day: payout.used_day };
    let mut steps = vec![moving(suspense, payout.source, payout.amount, count)];
    steps.extend(fee_back(desk, uow, payout)?);
    into_source(desk, uow, payout, steps)?;
    reason.clone_into(&mut payout.reason);
    end(desk, uow, payout, state)
}

/// It was paid and came back. When we had given it back already (paid late), it settles the receivable that was posted then.
fn came_back(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &mut Payout, reason: &str) -> Result<(), StoreError> {
    if payout.state < PayoutState::Paid {
        return give_back(desk, uow, payout, (PayoutState::Returned, reason));
    }
    let nostro = own(desk, uow, payout, Own::Nostro)?;
    if payout.late {
        let receivable = receivable(desk, uow, payout)?;
        let step = moving(nostro, receivable, payout.paid, Count::No);
        post_surely(desk, uow, payout, (EntryKind::ReceivablePaid, vec![step]))?;
    } else {
        let count = Count::GiveBack { day: payout.used_day };
        let mut steps = vec![moving(nostro, payout.source, payout.paid, count)];
        steps.extend(fee_back(desk, uow, payout)?);
        into_source(desk, uow, payout, steps)?;
    }
    reason.clone_into(&mut payout.reason);
    end(desk, uow, payout, PayoutState::Returned)
}

/// Where the owner of the source account owes what we paid too much; the differences' account when there is no such place.
fn receivable(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout) -> Result<AccountNo, StoreError> {
    let of_source = uow.account(payout.source)?.map_or(AccountNo(0), |account| account.receivable);
    if of_source == AccountNo(0) { own(desk, uow, payout, Own::Difference) } else { Ok(of_source) }
}

fn paid_after_return(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &mut Payout, amount: i64) -> Result<(), StoreError> {
    let nostro = own(desk, uow, payout, Own::Nostro)?;
    let receivable = receivable(desk, uow, payout)?;
    let step = moving(receivable, nostro, amount, Count::No);
    post_surely(desk, uow, payout, (EntryKind::PayoutExecuted, vec![step]))?;
    payout.paid = amount;
    payout.late = true;
    end(desk, uow, payout, PayoutState::Paid)?;
    let finding = "the bank paid after it had refused and we had given back; the amount stands as a receivable";
    call_people(desk, uow, payout, (CaseKind::PaidAfterReturn, finding))
}

fn doubt(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &mut Payout, kind: CaseKind) -> Result<(), StoreError> {
    if payout.state < PayoutState::UnderInvestigation {
        payout.state = PayoutState::UnderInvestigation;
        payout.next_date = Some(topups::next_date(desk, uow.now()));
        records::change(uow, payout)?;
        payout.emit(desk, uow);
    }
    let finding = match kind {
        CaseKind::AmountDiffers => "the bank says another amount than we know",
        _ => "the bank says the opposite of what it said before",
    };
    call_people(desk, uow, payout, (kind, finding))
}

fn call_people(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    payout: &Payout,
    (kind, finding): (CaseKind, &str),
) -> Result<(), StoreError> {
    let subject = payout.id.to_string();
    let next_date = Some(topups::next_date(desk, uow.now()));
    cases::open(desk, uow, &NewCase { kind, subject: &subject, finding, next_date })?;
    Ok(())
}

//! What the bank says takes effect: credit, give up, take back, or call people.
//!
//! One unit for word and effect. A word that comes twice meets a state that makes nothing of it; money that cannot be
//! credited waits in suspense with a case, marked by `credited` on a top-up that did not succeed, so that it is not booked twice.

use crate::cases::{self, CaseKind, NewCase};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::rail_feed::Source;
use crate::topups::rules::{Decision, decide};
use crate::topups::{TopUp, TopUpState, records};
use crate::wish::Principal;
use ledger::{AccountNo, Count, Posted, Refusal, Step, UpTo};
use money::Currency;
use ports::Outcome;
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// Makes of a top-up what the bank says. False when there is no such top-up.
pub(crate) fn hear(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::TopUp>,
    heard: (&Outcome, Source),
) -> Result<bool, StoreError> {
    let Some(mut top_up) = records::by_id(uow.reading(), id)? else { return Ok(false) };
    let waits = top_up.credited > 0 && top_up.state < TopUpState::Succeeded;
    if waits {
        return Ok(true);
    }
    match decide(top_up.state, top_up.amount, top_up.credited, heard) {
        Decision::Nothing => {}
        Decision::Credit { amount, case } => credit(desk, uow, &mut top_up, (amount, case))?,
        Decision::CreditLate { amount } => credit_late(desk, uow, &mut top_up, amount)?,
        Decision::Fail { reason } => give_up(desk, uow, &mut top_up, (TopUpState::Failed, &reason))?,
        Decision::FailReturned { reason } => give_up(desk, uow, &mut top_up, (TopUpState::Returned, &reason))?,
        Decision::TakeBack { reason } => take_back(desk, uow, &mut top_up, reason)?,
        Decision::Doubt(kind) => doubt(desk, uow, &mut top_up, kind)?,
    }
    Ok(true)
}

/// The accounts that a top-up's entries touch.
struct Places {
    nostro: AccountNo,
    suspense: AccountNo,
    fees: AccountNo,
    tax: AccountNo,
}

fn places(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &TopUp) -> Result<Places, StoreError> {
    let unknown = StoreError::Corrupt { table: "top_up", finding: "a currency that is not known" };
    let currency: Currency = desk.currencies().by_number(top_up.currency).ok_or(unknown)?;
    Ok(Places {
        nostro: desk.chart().own(uow, Own::Nostro, currency)?,
        suspense: desk.chart().own(uow, Own::TopUpSuspense, currency)?,
        fees: desk.chart().own(uow, Own::FeeIncome, currency)?,
        tax: desk.chart().own(uow, Own::TaxPayable, currency)?,
    })
}

fn moving(debit: AccountNo, credit: AccountNo, amount: i64) -> Step {
    Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::No }
}

/// The fee's steps, from the wallet.
fn fee_steps(top_up: &TopUp, places: &Places) -> Vec<Step> {
    let legs = [(places.fees, top_up.fee), (places.tax, top_up.tax)];
    legs.into_iter().filter(|(_, amount)| *amount > 0).map(|(to, amount)| moving(top_up.account, to, amount)).collect()
}

/// Posts what the bank's word demands: it passes freezes and limits.
fn post_forced(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    top_up: &TopUp,
    (kind, steps): (EntryKind, Vec<Step>),
) -> Result<Result<Posted, Refusal>, StoreError> {
    let intent = Intent { kind, principal: Principal::System, channel: Channel::Rail, cause: top_up.id.as_u128() };
    let mut entry = entries::draft(desk, uow, intent, steps);
    entry.forced = true;
    uow.post(&entry)
}

fn end(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &mut TopUp, state: TopUpState) -> Result<(), StoreError> {
    top_up.state = state;
    top_up.ended = Some(uow.now());
    top_up.next_date = None;
    records::change(uow, top_up)?;
    uow.cancel_jobs(super::JOB_DEADLINE, top_up.id.as_u128())?;
    cases::settle(uow, CaseKind::NoResult, &top_up.id.to_string(), "the bank's answer ended the investigation")?;
    top_up.emit(desk, uow);
    Ok(())
}

fn credit(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    top_up: &mut TopUp,
    (amount, case): (i64, Option<CaseKind>),
) -> Result<(), StoreError> {
    let places = places(desk, uow, top_up)?;
    let mut steps = vec![Step::Capture { hold: top_up.hold, amount: Some(amount), last: true }];
    steps.extend(fee_steps(top_up, &places));
    top_up.credited = amount;
    if post_forced(desk, uow, top_up, (EntryKind::TopUp, steps))?.is_err() {
        release_hold(desk, uow, top_up)?;
        return set_aside(desk, uow, top_up, &places);
    }
    end(desk, uow, top_up, TopUpState::Succeeded)?;
    match case {
        Some(kind) => {
            call_people(desk, uow, top_up, (kind, "the bank executed less than was asked; that was credited"))
        }
        None => Ok(()),
    }
}

fn credit_late(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &mut TopUp, amount: i64) -> Result<(), StoreError> {
    let places = places(desk, uow, top_up)?;
    // The hold gave its limits back when we gave up: the money uses them now. Forced, it is not refused for them.
    let (debit, credit, count) = (places.nostro, top_up.account, Count::Use);
    let mut steps = vec![Step::Post { debit, credit, amount, up_to: UpTo::default(), count }];
    steps.extend(fee_steps(top_up, &places));
    top_up.credited = amount;
    if post_forced(desk, uow, top_up, (EntryKind::TopUp, steps))?.is_err() {
        return set_aside(desk, uow, top_up, &places);
    }
    end(desk, uow, top_up, TopUpState::Succeeded)?;
    call_people(desk, uow, top_up, (CaseKind::LateTopUp, "the bank executed it after rejecting it; it was credited"))
}

/// The money is here and the wallet cannot take it (it was closed): it waits in suspense for people.
fn set_aside(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &mut TopUp, places: &Places) -> Result<(), StoreError> {
    let step = moving(places.nostro, places.suspense, top_up.credited);
    if let Err(refusal) = post_forced(desk, uow, top_up, (EntryKind::TopUpSuspense, vec![step]))? {
        return Err(StoreError::Bug(format!("suspense refused a top-up: {refusal}")));
    }
    top_up.state = top_up.state.max(TopUpState::UnderInvestigation);
    records::change(uow, top_up)?;
    top_up.emit(desk, uow);
    let finding = "the money came and the wallet cannot take it; it waits in suspense";
    call_people(desk, uow, top_up, (CaseKind::NotCreditable, finding))
}

fn release_hold(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &TopUp) -> Result<(), StoreError> {
    let steps = vec![Step::Void { hold: top_up.hold }];
    match post_forced(desk, uow, top_up, (EntryKind::TopUp, steps))? {
        Ok(_) => Ok(()),
        Err(refusal) => Err(StoreError::Bug(format!("a top-up's hold could not be released: {refusal}"))),
    }
}

/// Ends it without money: releases the hold, which gives the limits back.
pub(super) fn give_up(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    top_up: &mut TopUp,
    (state, reason): (TopUpState, &str),
) -> Result<(), StoreError> {
    release_hold(desk, uow, top_up)?;
    reason.clone_into(&mut top_up.reason);
    end(desk, uow, top_up, state)
}

/// The bank took the money back: so do we, fee returned first; what is spent becomes the customer's receivable.
fn take_back(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &mut TopUp, reason: String) -> Result<(), StoreError> {
    let places = places(desk, uow, top_up)?;
    let legs = [(places.fees, top_up.fee), (places.tax, top_up.tax)];
    let mut steps: Vec<Step> = legs
        .into_iter()
        .filter(|(_, amount)| *amount > 0)
        .map(|(from, amount)| moving(from, top_up.account, amount))
        .collect();
    steps.push(moving(top_up.account, places.nostro, top_up.credited));
    let asked = steps.len();
    let posted = match post_forced(desk, uow, top_up, (EntryKind::TopUpReturned, steps))? {
        Ok(posted) => posted,
        Err(_) => {
            // The wallet was closed: the loss waits as a difference until people have decided.
            let step = moving(places.suspense, places.nostro, top_up.credited);
            post_forced(desk, uow, top_up, (EntryKind::TopUpReturned, vec![step]))?
                .map_err(|refusal| StoreError::Bug(format!("suspense refused a returned top-up: {refusal}")))?
        }
    };
    top_up.reason = reason;
    end(desk, uow, top_up, TopUpState::Returned)?;
    if posted.lines.len() == asked {
        return Ok(());
    }
    call_people(desk, uow, top_up, (CaseKind::ReturnedTopUp, "a part was spent; it stands as a receivable"))
}

fn doubt(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &mut TopUp, kind: CaseKind) -> Result<(), StoreError> {
    if top_up.state < TopUpState::UnderInvestigation {
        top_up.state = TopUpState::UnderInvestigation;
        top_up.next_date = Some(super::deadline::next_date(desk, uow.now()));
        records::change(uow, top_up)?;
        top_up.emit(desk, uow);
    }
    let finding = match kind {
        CaseKind::AmountDiffers => "the bank says another amount than we know",
        _ => "the bank says the opposite of what it said before",
    };
    call_people(desk, uow, top_up, (kind, finding))
}

fn call_people(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    top_up: &TopUp,
    (kind, finding): (CaseKind, &str),
) -> Result<(), StoreError> {
    let subject = top_up.id.to_string();
    let next_date = Some(super::deadline::next_date(desk, uow.now()));
    cases::open(desk, uow, &NewCase { kind, subject: &subject, finding, next_date })?;
    Ok(())
}

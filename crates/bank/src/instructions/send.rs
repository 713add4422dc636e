//! Handing an instruction to the bank, exactly once in effect.
//!
//! The bank is called outside of any unit. Before the call a unit writes `sent`; a run that finds it written (the process died
//! between call and answer, or the answer was lost) asks the bank whether it knows the id, and hands it over again only if not,
//! always under the same id. So no crash point executes it twice, and none forgets it.
//!
//! Race closed here: deadlines run in a lane of their own, so one may come while the bank is being called. Before `sent` was
//! written it gives up, and the call is not made; after that it investigates, whatever the call comes to: what it then hands
//! over, or the bank refuses, meets the stage it finds.
//!
//! Race closed here, with several nodes: a node that was paused for longer than its lease comes back when another has taken the
//! job over. `sent` is written, and taken back, only by whoever holds the job (its fence, in the same unit): a latecomer
//! neither makes a deadline believe that nothing was sent, nor keeps the holder from sending. If it was paused after
//! `sent` was written, it calls the bank a second time under the same id.

use crate::bank::Bank;
use crate::bank_accounts;
use crate::error::BankError;
use crate::instructions::{Facts, Instructed, Stage};
use crate::rail_feed::end_to_end;
use ports::{Instruction, RailError};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::Id;

/// Hands the job's instruction over.
///
/// # Errors
/// Trouble; the job is then put off.
pub(crate) fn run_instruct<T: Instructed>(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (id, desk) = (Id::<T::Kind>::from_u128(job.subject), bank.desk());
    let found = bank.store().read_blocking(|snapshot| {
        let Some(subject) = T::by_id(snapshot.reading(), id)? else { return Ok(None) };
        let facts = subject.facts();
        let number = bank_accounts::number(&desk, snapshot.reading(), facts.bank_account)?;
        Ok(number.map(|number| (facts, number)))
    })?;
    let Some((facts, account)) = found.filter(|(facts, _)| facts.stage == Stage::Created) else {
        return unit(bank, job, |_| Ok(()));
    };
    let unknown = StoreError::Corrupt { table: T::TERMS.table, finding: "a currency that is not known" };
    let currency = desk.currencies().by_number(facts.currency).ok_or(unknown)?;
    let end_to_end = end_to_end(facts.id);
    if facts.sent {
        match bank.rail().knows(&end_to_end, bank.now()) {
            Ok(true) => return handed_over::<T>(bank, job),
            Ok(false) => {}
            Err(_) => return again::<T>(bank, job, false),
        }
    } else if !announce::<T>(bank, job, &facts)? {
        return unit(bank, job, |_| Ok(()));
    }
    let instruction = Instruction { end_to_end, order: T::TERMS.order, account, amount: facts.asked, currency };
    match bank.rail().instruct(&instruction, bank.now()) {
        Ok(()) => handed_over::<T>(bank, job),
        // Surely not sent by this call; and if by no earlier one, by none.
        Err(RailError::Unreachable(_)) => again::<T>(bank, job, !facts.sent),
        Err(RailError::NoAnswer(_)) => again::<T>(bank, job, false),
        Err(RailError::Refused(reason)) => refused::<T>(bank, job, reason),
    }
}

/// Writes down that the call is about to be made. False when the instruction ended meanwhile (its deadline gave it up), or
/// another node has taken the job over.
fn announce<T: Instructed>(bank: &Bank, job: &Job, facts: &Facts<T::Kind>) -> Result<bool, BankError> {
    let (id, claim) = (facts.id, job.claim);
    let outcome = bank.store().write_blocking(move |uow| {
        let now = uow.now();
        Ok::<_, StoreError>(Outcome::<bool, ()>::Done(uow.holds_job(claim)? && T::set_sent(uow, id, now)?))
    })?;
    Ok(matches!(outcome, Outcome::Done(true)))
}

/// Ends the job together with what it comes to; does nothing when it has ended before.
fn unit(
    bank: &Bank,
    job: &Job,
    mut body: impl FnMut(&mut Uow<'_, '_>) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), BankError> {
    let claim = job.claim;
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            body(uow)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn handed_over<T: Instructed>(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (id, desk) = (Id::from_u128(job.subject), bank.desk());
    unit(bank, job, move |uow| {
        if let Some(mut subject) = T::by_id(uow.reading(), id)?
            && subject.facts().stage == Stage::Created
        {
            subject.enter(Stage::Instructed, None, None);
            subject.change(uow)?;
            subject.emit(&desk, uow);
        }
        Ok(())
    })
}

fn refused<T: Instructed>(bank: &Bank, job: &Job, reason: String) -> Result<(), BankError> {
    let (id, desk) = (Id::from_u128(job.subject), bank.desk());
    unit(bank, job, move |uow| {
        if let Some(mut subject) = T::by_id(uow.reading(), id)?
            && subject.facts().stage < Stage::Failed
        {
            subject.give_up(&desk, uow, (Stage::Failed, &reason))?;
        }
        Ok(())
    })
}

/// Tries again later; `unsent` when nothing was ever sent, so that a deadline may give it up.
fn again<T: Instructed>(bank: &Bank, job: &Job, unsent: bool) -> Result<(), BankError> {
    let (claim, id) = (job.claim, Id::from_u128(job.subject));
    let pause = i64::from(bank.policies().rail_retry_seconds);
    bank.store().write_blocking(move |uow| {
        let due = uow.now().plus_seconds(pause);
        if uow.postpone_job(claim, due)? && unsent {
            T::set_unsent(uow, id)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

//! Handing a top-up to the bank, exactly once in effect.
//!
//! The bank is called outside of any unit. Before the call a unit writes `sent`; a run that finds it written (the process died
//! between call and answer, or the answer was lost) asks the bank whether it knows the id, and hands it over again only if not,
//! always under the same id. So no crash point executes it twice, and none forgets it.

use crate::bank::Bank;
use crate::bank_accounts;
use crate::error::BankError;
use crate::rail_feed::end_to_end;
use crate::topups::outcome::give_up;
use crate::topups::{TopUp, TopUpState, records};
use ports::{Instruction, Order, RailError};
use store::{Job, Outcome, StoreError};
use vocabulary::Id;

/// The job that hands a top-up to the bank.
pub const JOB_INSTRUCT: &str = "top_up.instruct";

/// When the bank is not reached, the next try is so many seconds later.
const AGAIN_SECONDS: i64 = 10;

/// Hands the top-up over.
///
/// # Errors
/// Trouble; the job is then put off.
pub fn run_instruct(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let id = Id::from_u128(job.subject);
    let desk = bank.desk();
    let found = bank.store().read_blocking(|snapshot| {
        let Some(top_up) = records::by_id(snapshot.reading(), id)? else { return Ok(None) };
        let number = bank_accounts::number(&desk, snapshot.reading(), top_up.bank_account)?;
        Ok(number.map(|number| (top_up, number)))
    })?;
    let Some((top_up, account)) = found.filter(|(top_up, _)| top_up.state == TopUpState::Created) else {
        return done(bank, job);
    };
    let unknown = StoreError::Corrupt { table: "top_up", finding: "a currency that is not known" };
    let currency = desk.currencies().by_number(top_up.currency).ok_or(unknown)?;
    let end_to_end = end_to_end(top_up.id);
    if top_up.sent.is_some() {
        match bank.rail().knows(&end_to_end, bank.now()) {
            Ok(true) => return handed_over(bank, job, &top_up),
            Ok(false) => {}
            Err(_) => return again(bank, job, None),
        }
    } else if !announce(bank, &top_up)? {
        return done(bank, job);
    }
    let instruction = Instruction { end_to_end, order: Order::Collect, account, amount: top_up.amount, currency };
    match bank.rail().instruct(&instruction, bank.now()) {
        Ok(()) => handed_over(bank, job, &top_up),
        // Surely not sent by this call; and if by no earlier one, by none.
        Err(RailError::Unreachable(_)) => again(bank, job, top_up.sent.is_none().then_some(&top_up)),
        Err(RailError::NoAnswer(_)) => again(bank, job, None),
        Err(RailError::Refused(reason)) => refused(bank, job, &top_up, reason),
    }
}

/// Writes down that the call is about to be made. False when the top-up ended meanwhile (its deadline gave it up).
fn announce(bank: &Bank, top_up: &TopUp) -> Result<bool, BankError> {
    let id = top_up.id;
    let outcome = bank.store().write_blocking(move |uow| {
        let now = uow.now();
        Ok::<_, StoreError>(Outcome::<bool, ()>::Done(records::set_sent(uow, id, now)?))
    })?;
    Ok(matches!(outcome, Outcome::Done(true)))
}

fn handed_over(bank: &Bank, job: &Job, top_up: &TopUp) -> Result<(), BankError> {
    let (no, id, desk) = (job.no, top_up.id, bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(no)?
            && let Some(mut top_up) = records::by_id(uow.reading(), id)?
            && top_up.state == TopUpState::Created
        {
            top_up.state = TopUpState::Instructed;
            records::change(uow, &top_up)?;
            top_up.emit(&desk, uow);
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn refused(bank: &Bank, job: &Job, top_up: &TopUp, reason: String) -> Result<(), BankError> {
    let (no, id, desk) = (job.no, top_up.id, bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(no)?
            && let Some(mut top_up) = records::by_id(uow.reading(), id)?
            && top_up.state < TopUpState::Failed
        {
            give_up(&desk, uow, &mut top_up, (TopUpState::Failed, &reason))?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// Tries again later; `unsent` when nothing was ever sent, so that a deadline may give it up.
fn again(bank: &Bank, job: &Job, unsent: Option<&TopUp>) -> Result<(), BankError> {
    let (no, unsent) = (job.no, unsent.map(|top_up| top_up.id));
    bank.store().write_blocking(move |uow| {
        let due = uow.now().plus_seconds(AGAIN_SECONDS);
        uow.postpone_job(no, due)?;
        if let Some(id) = unsent {
            records::set_unsent(uow, id)?;
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

fn done(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let no = job.no;
    bank.store().write_blocking(move |uow| {
        uow.finish_job(no)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

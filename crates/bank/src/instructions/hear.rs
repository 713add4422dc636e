//! What the bank says takes effect: one unit for word and effect. A word that comes twice meets a stage that makes nothing of
//! it.

use crate::cases::{self, CaseKind};
use crate::desk::Desk;
use crate::instructions::rules::{Decision, Known, decide};
use crate::instructions::{Instructed, Stage, effects};
use crate::rail_feed::{Source, end_to_end, records};
use ports::Outcome;
use store::{StoreError, Uow};
use vocabulary::Id;

/// Makes of an instruction what the bank says. False when there is no such instruction, or when it has no place for what the
/// statement shows.
pub(crate) fn hear<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    id: Id<T::Kind>,
    heard: (&Outcome, Source),
) -> Result<bool, StoreError> {
    let Some(mut subject) = T::by_id(uow.reading(), id)? else { return Ok(false) };
    let facts = subject.facts();
    let known = Known {
        stage: facts.stage,
        asked: facts.asked,
        moved: facts.moved,
        standing: subject.standing(uow)?,
        stated: records::booked(uow.reading(), &end_to_end(id), !T::TERMS.back_comes_in())?.is_some(),
        stated_back: records::booked(uow.reading(), &end_to_end(id), T::TERMS.back_comes_in())?,
        let_go: subject.let_go(uow)?,
    };
    if let (Outcome::Returned { .. }, Source::Statement) = heard {
        let finding = "the statement shows that it came back";
        cases::settle(uow, CaseKind::Contradiction, &id.to_string(), finding)?;
    }
    match decide(&known, heard) {
        Decision::Nothing => {}
        Decision::Execute { amount } => subject.execute(desk, uow, amount)?,
        Decision::ExecuteLate { amount } => subject.execute_late(desk, uow, amount)?,
        Decision::ExecuteAfterReturn { amount } => subject.execute_after_return(desk, uow, amount)?,
        Decision::Fail { reason } => subject.give_up(desk, uow, (Stage::Failed, &reason))?,
        Decision::FailReturned { reason } => subject.give_up(desk, uow, (Stage::Returned, &reason))?,
        Decision::Undo { reason } => subject.undo(desk, uow, &reason)?,
        Decision::Unwind { reason } => subject.unwind(desk, uow, &reason)?,
        Decision::Unmatched => return Ok(false),
        Decision::Doubt(kind) => effects::doubt(desk, uow, &mut subject, kind)?,
    }
    Ok(true)
}

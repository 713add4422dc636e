//! What a top-up makes of what the bank says: a pure function, closed over every state and every word of the bank.
//!
//! Both feeds (results and statement) may say the same thing, in any order, twice, late or contradicting themselves; the table
//! below is why none of that moves money twice. A statement outweighs a result: it shows money, a result only speaks of it.

use crate::cases::CaseKind;
use crate::rail_feed::Source;
use crate::topups::TopUpState;
use ports::Outcome;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing: it is known.
    Nothing,
    /// Credit so many minor units; more was asked when a case is named.
    Credit { amount: i64, case: Option<CaseKind> },
    /// The money came after we had given up: credit it now.
    CreditLate { amount: i64 },
    /// Give up: the bank will not.
    Fail { reason: String },
    /// It was executed and taken back before we heard of it: nothing was credited, nothing is.
    FailReturned { reason: String },
    /// Take back what was credited.
    TakeBack { reason: String },
    /// People must look.
    Doubt(CaseKind),
}

pub(crate) fn decide(state: TopUpState, asked: i64, credited: i64, heard: (&Outcome, Source)) -> Decision {
    use TopUpState as S;
    let (outcome, source) = heard;
    match (state, outcome) {
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Done { amount }) => {
            received(asked, *amount, source)
        }
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Rejected { reason }) => {
            Decision::Fail { reason: reason.clone() }
        }
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Returned { reason, .. }) => {
            Decision::FailReturned { reason: reason.clone() }
        }
        (S::Failed, Outcome::Done { amount }) if *amount == asked => Decision::CreditLate { amount: asked },
        (S::Failed | S::Succeeded, Outcome::Done { amount }) if *amount != credited => {
            Decision::Doubt(CaseKind::AmountDiffers)
        }
        (S::Succeeded, Outcome::Rejected { .. }) => Decision::Doubt(CaseKind::Contradiction),
        (S::Succeeded, Outcome::Returned { amount, .. }) if *amount != credited => {
            Decision::Doubt(CaseKind::AmountDiffers)
        }
        (S::Succeeded, Outcome::Returned { reason, .. }) => Decision::TakeBack { reason: reason.clone() },
        (S::Failed, Outcome::Rejected { .. } | Outcome::Returned { .. })
        | (S::Failed | S::Succeeded, Outcome::Done { .. })
        | (S::Returned, _) => Decision::Nothing,
    }
}

fn received(asked: i64, amount: i64, source: Source) -> Decision {
    match source {
        _ if amount == asked => Decision::Credit { amount, case: None },
        // The statement shows what really came: that much is the customer's.
        Source::Statement if amount < asked => Decision::Credit { amount, case: Some(CaseKind::AmountDiffers) },
        Source::Statement | Source::Report => Decision::Doubt(CaseKind::AmountDiffers),
    }
}

/// What a deadline makes of a top-up. A time-out alone never says that no money moved; only an instruction that was never
/// handed over, and from now on never will be, is surely without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDeadline {
    /// It is final.
    Nothing,
    /// It was never handed over: give up.
    GiveUp,
    /// It may have been executed: investigate.
    Investigate,
}

pub(crate) fn at_deadline(state: TopUpState, sent: bool) -> AtDeadline {
    match state {
        TopUpState::Created if !sent => AtDeadline::GiveUp,
        TopUpState::Created | TopUpState::Instructed | TopUpState::UnderInvestigation => AtDeadline::Investigate,
        TopUpState::Failed | TopUpState::Succeeded | TopUpState::Returned => AtDeadline::Nothing,
    }
}

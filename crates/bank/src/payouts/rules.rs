//! What a payout makes of what the bank says: a pure function, closed over every state and every word of the bank.
//!
//! The money left the wallet for suspense before anybody was instructed, so nothing heard here can find it spent; what can
//! be found spent is money that we gave back on the bank's word and that the bank paid nevertheless.

use crate::cases::CaseKind;
use crate::payouts::PayoutState;
use crate::rail_feed::Source;
use ports::Outcome;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing: it is known.
    Nothing,
    /// So many minor units have left the bank; the rest, if any, goes back and people look.
    Paid { amount: i64 },
    /// The bank will not: give back.
    GiveBack { reason: String },
    /// It was paid and came back: give back.
    GiveBackReturned { reason: String },
    /// It was paid although we had given back.
    PaidAfterReturn { amount: i64 },
    /// People must look.
    Doubt(CaseKind),
}

pub(crate) fn decide(state: PayoutState, asked: i64, paid: i64, heard: (&Outcome, Source)) -> Decision {
    use PayoutState as S;
    let (outcome, source) = heard;
    match (state, outcome) {
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Done { amount }) => left(asked, *amount, source),
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Rejected { reason }) => {
            Decision::GiveBack { reason: reason.clone() }
        }
        // Paid and back again before we heard: nothing of ours is missing.
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Returned { reason, .. }) => {
            Decision::GiveBackReturned { reason: reason.clone() }
        }
        (S::Failed, Outcome::Done { amount }) if !(1..=asked).contains(amount) => {
            Decision::Doubt(CaseKind::AmountDiffers)
        }
        (S::Failed, Outcome::Done { amount }) => Decision::PaidAfterReturn { amount: *amount },
        (S::Paid, Outcome::Done { amount }) if *amount != paid => Decision::Doubt(CaseKind::AmountDiffers),
        (S::Paid, Outcome::Rejected { .. }) => Decision::Doubt(CaseKind::Contradiction),
        (S::Paid, Outcome::Returned { amount, .. }) if *amount != paid => Decision::Doubt(CaseKind::AmountDiffers),
        (S::Paid, Outcome::Returned { reason, .. }) => Decision::GiveBackReturned { reason: reason.clone() },
        (S::Failed, Outcome::Rejected { .. } | Outcome::Returned { .. })
        | (S::Paid, Outcome::Done { .. })
        | (S::Returned, _) => Decision::Nothing,
    }
}

fn left(asked: i64, amount: i64, source: Source) -> Decision {
    match source {
        _ if amount == asked => Decision::Paid { amount },
        Source::Statement if amount < asked => Decision::Paid { amount },
        Source::Statement | Source::Report => Decision::Doubt(CaseKind::AmountDiffers),
    }
}

/// What a deadline makes of a payout; as for a top-up, a time-out alone never gives money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDeadline {
    /// It is final.
    Nothing,
    /// It was never handed over, and never will be: give back.
    GiveBack,
    /// It may have been executed: investigate.
    Investigate,
}

pub(crate) fn at_deadline(state: PayoutState, sent: bool) -> AtDeadline {
    match state {
        PayoutState::Created if !sent => AtDeadline::GiveBack,
        PayoutState::Created | PayoutState::Instructed | PayoutState::UnderInvestigation => AtDeadline::Investigate,
        PayoutState::Failed | PayoutState::Paid | PayoutState::Returned => AtDeadline::Nothing,
    }
}

//! What an instruction makes of what the bank says: a pure function, closed over every stage and every word of the bank.
//!
//! Both feeds (results and statement) may say the same thing, in any order, twice, late or contradicting themselves; the table
//! below is why none of that moves money twice. A statement outweighs a result: it shows money, a result only speaks of it.
//!
//! Race closed here: "executed" and "returned" overtake each other. Returned first and executed after is either the same story
//! told backwards or a contradiction, and nobody can tell before the statement does. So what was executed is booked, against
//! a receivable or into suspense and never as if it were the customer's again; when the statement shows that it came back,
//! that is unwound. When the statement has shown the return already, nothing moved on balance and nothing is booked.
//!
//! Race closed here: a result overtakes the statement that outweighs it. "Returned", said before the execution and heard after the
//! statement had shown it (the line was down, and the statement was read first), is no return: nothing is taken from or given
//! to anybody before the statement shows that too, and meanwhile people look. `./x simulate` found it, seeds 1985 and 2201.
//!
//! Race closed here: people let go what waits, and the bank takes it back. Who comes second finds nothing waiting; when that
//! is the bank, its line belongs to nothing that we still hold, so it is booked as a difference under a case.

use crate::cases::CaseKind;
use crate::instructions::Stage;
use crate::rail_feed::Source;
use ports::Outcome;

/// What is known of an instruction before the bank speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) stage: Stage,
    /// What was asked, minor units.
    pub(crate) asked: i64,
    /// What the bank moved, minor units; 0 while nothing.
    pub(crate) moved: i64,
    /// A receivable or money in suspense stands for it.
    pub(crate) standing: bool,
    /// The statement has shown that it was executed.
    pub(crate) stated: bool,
    /// The statement has shown that so much came back.
    pub(crate) stated_back: Option<i64>,
    /// People let go what waited for it: to its owner, or back to its sender.
    pub(crate) let_go: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing: it is known.
    Nothing,
    /// So many minor units moved; where that is less than asked, people look.
    Execute { amount: i64 },
    /// They moved after we had given up.
    ExecuteLate { amount: i64 },
    /// They moved after we had heard that they came back.
    ExecuteAfterReturn { amount: i64 },
    /// The bank will not.
    Fail { reason: String },
    /// It was executed and came back before we heard of it.
    FailReturned { reason: String },
    /// It came back.
    Undo { reason: String },
    /// What stands for it is settled.
    Unwind { reason: String },
    /// People must look.
    Doubt(CaseKind),
    /// Money that it has no place for any more: to be booked as belonging to nothing.
    Unmatched,
}

pub(crate) fn decide(known: &Known, heard: (&Outcome, Source)) -> Decision {
    use Stage as S;
    let (outcome, source) = heard;
    if known.standing && known.moved > 0 {
        return while_standing(known, heard);
    }
    match (known.stage, outcome) {
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Done { amount }) => {
            moved(known.asked, *amount, source, |amount| Decision::Execute { amount })
        }
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Rejected { reason }) => {
            Decision::Fail { reason: reason.clone() }
        }
        (S::Created | S::Instructed | S::UnderInvestigation, Outcome::Returned { reason, .. }) => {
            Decision::FailReturned { reason: reason.clone() }
        }
        // There and back, both shown: nothing moved on balance, and nothing was booked; unless less came back than went.
        (S::Failed | S::Returned, Outcome::Done { amount }) if known.stated_back.is_some() && known.moved == 0 => {
            if known.stated_back == Some(*amount) {
                Decision::Nothing
            } else {
                Decision::Doubt(CaseKind::AmountDiffers)
            }
        }
        (S::Failed, Outcome::Done { amount }) => {
            moved(known.asked, *amount, source, |amount| Decision::ExecuteLate { amount })
        }
        (S::Returned, Outcome::Done { amount }) if known.moved == 0 => {
            moved(known.asked, *amount, source, |amount| Decision::ExecuteAfterReturn { amount })
        }
        (S::Executed, Outcome::Done { amount } | Outcome::Returned { amount, .. }) if *amount != known.moved => {
            Decision::Doubt(CaseKind::AmountDiffers)
        }
        (S::Executed, Outcome::Returned { .. }) if only_said(known, source) => Decision::Doubt(CaseKind::Contradiction),
        (S::Executed, Outcome::Rejected { .. }) => Decision::Doubt(CaseKind::Contradiction),
        (S::Executed, Outcome::Returned { reason, .. }) => Decision::Undo { reason: reason.clone() },
        // It waited until people let it go, and now the bank takes it all the same.
        (S::Returned, Outcome::Returned { .. }) if known.let_go && source == Source::Statement => Decision::Unmatched,
        (S::Failed, Outcome::Rejected { .. } | Outcome::Returned { .. })
        | (S::Executed, Outcome::Done { .. })
        | (S::Returned, _) => Decision::Nothing,
    }
}

/// Something stands for what was moved. Once the bank has contradicted itself about a return, only the statement (or two
/// people, who speak as it does) ends that: a second "returned" may be the first one again.
fn while_standing(known: &Known, (outcome, source): (&Outcome, Source)) -> Decision {
    let believed = source == Source::Statement || known.stage != Stage::Returned;
    match outcome {
        Outcome::Done { amount } | Outcome::Returned { amount, .. } if *amount != known.moved => {
            Decision::Doubt(CaseKind::AmountDiffers)
        }
        Outcome::Returned { .. } if believed && only_said(known, source) => Decision::Doubt(CaseKind::Contradiction),
        Outcome::Returned { reason, .. } if believed => Decision::Unwind { reason: reason.clone() },
        Outcome::Rejected { reason } if source == Source::Statement => Decision::Unwind { reason: reason.clone() },
        Outcome::Rejected { .. } if believed => Decision::Doubt(CaseKind::Contradiction),
        Outcome::Done { .. } | Outcome::Returned { .. } | Outcome::Rejected { .. } => Decision::Nothing,
    }
}

/// The statement shows the money where it went, and a result speaks against it.
fn only_said(known: &Known, source: Source) -> bool {
    source == Source::Report && known.stated && known.stated_back.is_none()
}

fn moved(asked: i64, amount: i64, source: Source, decision: impl FnOnce(i64) -> Decision) -> Decision {
    match source {
        _ if amount == asked => decision(amount),
        // The statement shows what really moved.
        Source::Statement if (1..asked).contains(&amount) => decision(amount),
        Source::Statement | Source::Report => Decision::Doubt(CaseKind::AmountDiffers),
    }
}

/// What a deadline makes of an instruction. A time-out alone never says that no money moved; only an instruction that was
/// never handed over, and from now on never will be, is surely without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDeadline {
    /// It is final.
    Nothing,
    /// It was never handed over: give up.
    GiveUp,
    /// It may have been executed: investigate.
    Investigate,
}

pub(crate) fn at_deadline(stage: Stage, sent: bool) -> AtDeadline {
    match stage {
        Stage::Created if !sent => AtDeadline::GiveUp,
        Stage::Created | Stage::Instructed | Stage::UnderInvestigation => AtDeadline::Investigate,
        Stage::Failed | Stage::Executed | Stage::Returned => AtDeadline::Nothing,
    }
}

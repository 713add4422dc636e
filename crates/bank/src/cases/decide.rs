//! Ending an investigation without the bank's word: two people decide what the outcome was, each on their own.
//!
//! One proposes with reason and evidence, another approves; the same person cannot do both. Only the approval moves money, and it
//! takes effect as a line of the bank's statement would: through the same table of decisions, so that whatever the bank says
//! later meets a state that knows what to make of it.

use crate::bank::Bank;
use crate::cases::{CaseView, Closing, records};
use crate::error::BankError;
use crate::instructions::hear;
use crate::payouts::{self, Payout};
use crate::rail_feed::Source;
use crate::refusal::Refusal;
use crate::topups::{self, TopUp};
use crate::wish::{Answer, Principal, Wish};
use ports::Outcome as Word;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// What two people found to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The bank executed so many minor units, at most what was asked.
    Executed {
        /// Minor units.
        amount_minor: i64,
        /// The currency's number.
        currency: u16,
    },
    /// The bank did not, and will not, execute it.
    NotExecuted,
}

/// A proposal that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) by: Id<kinds::Staff>,
    pub(crate) finding: Finding,
    pub(crate) reason: String,
}

type Decision = Result<Outcome<CaseView, Refusal>, StoreError>;

fn no(code: ErrorCode) -> Decision {
    Ok(Outcome::Refused(Refusal::of(code)))
}

/// Proposes how the matter of an open case about a top-up or payout ended; a later proposal takes an earlier one's place. Refused
/// with `forbidden` (not staff), `missing_field`, `not_found` (no such case, or not about a top-up or payout), `case_closed`,
/// `currency_mismatch`, `invalid_field` (an amount that is not above zero and at most what was asked).
///
/// # Errors
/// Trouble.
pub async fn propose(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Case>,
    (finding, closing): (Finding, Closing),
) -> Result<Answer<CaseView>, BankError> {
    let who = wish.principal;
    bank.once(wish, move |uow| {
        let Principal::Staff(by) = who else { return no(ErrorCode::Forbidden) };
        if closing.reason.trim().is_empty() || closing.evidence.trim().is_empty() {
            return no(ErrorCode::MissingField);
        }
        let Some(case) = records::by_id(uow.reading(), id)? else { return no(ErrorCode::NotFound) };
        let Some(asked) = asked(uow, &case.subject)? else { return no(ErrorCode::NotFound) };
        if !case.open {
            return no(ErrorCode::CaseClosed);
        }
        if let Finding::Executed { amount_minor, currency } = finding {
            if currency != asked.1 {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::CurrencyMismatch).at("amount")));
            }
            if !(1..=asked.0).contains(&amount_minor) {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::InvalidField).at("amount")));
            }
        }
        let reason = format!("{} (evidence: {})", closing.reason, closing.evidence);
        records::set_proposal(uow, id, &Proposal { by, finding, reason: reason.clone() })?;
        records::add_note(uow, id, Some(by), &format!("proposed {}: {reason}", words(finding)))?;
        again(uow, id)
    })
    .await
}

/// Approves what somebody else proposed: the outcome takes effect and the case is closed. The approver says what is approved, so
/// that a proposal changed a moment before is not approved unread. Refused with `forbidden` (not staff, or the proposer),
/// `not_found` (no such case or nothing proposed), `case_closed`, `invalid_field` (something else is proposed).
///
/// # Errors
/// Trouble.
pub async fn approve(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Case>,
    finding: Finding,
) -> Result<Answer<CaseView>, BankError> {
    let (desk, who) = (bank.desk(), wish.principal);
    bank.once(wish, move |uow| {
        let Principal::Staff(by) = who else { return no(ErrorCode::Forbidden) };
        let Some(case) = records::by_id(uow.reading(), id)? else { return no(ErrorCode::NotFound) };
        if !case.open {
            return no(ErrorCode::CaseClosed);
        }
        let Some(proposal) = records::proposal(uow.reading(), id)? else { return no(ErrorCode::NotFound) };
        if proposal.by == by {
            let detail = "whoever proposed it cannot approve it; ask a second person";
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::Forbidden, detail)));
        }
        if proposal.finding != finding {
            let detail = format!("what is proposed is {}; read the case again", words(proposal.finding));
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("finding")));
        }
        let word = match proposal.finding {
            Finding::Executed { amount_minor, .. } => Word::Done { amount: amount_minor },
            Finding::NotExecuted => Word::Rejected { reason: "found by two people".to_owned() },
        };
        records::add_note(uow, id, Some(by), &format!("approved {}", words(proposal.finding)))?;
        records::set_closed(uow, id)?;
        match subject(&case.subject) {
            Some(Subject::TopUp(id)) => hear::<TopUp>(&desk, uow, id, (&word, Source::Statement))?,
            Some(Subject::Payout(id)) => hear::<Payout>(&desk, uow, id, (&word, Source::Statement))?,
            None => false,
        };
        again(uow, id)
    })
    .await
}

enum Subject {
    TopUp(Id<kinds::TopUp>),
    Payout(Id<kinds::Payout>),
}

fn subject(text: &str) -> Option<Subject> {
    let top_up = Id::parse(text).ok().map(Subject::TopUp);
    top_up.or_else(|| Id::parse(text).ok().map(Subject::Payout))
}

/// What the top-up or payout asked for, and in which currency.
fn asked(uow: &Uow<'_, '_>, text: &str) -> Result<Option<(i64, u16)>, StoreError> {
    Ok(match subject(text) {
        Some(Subject::TopUp(id)) => {
            topups::records::by_id(uow.reading(), id)?.map(|found| (found.amount, found.currency))
        }
        Some(Subject::Payout(id)) => {
            payouts::records::by_id(uow.reading(), id)?.map(|found| (found.amount, found.currency))
        }
        None => None,
    })
}

fn words(finding: Finding) -> String {
    match finding {
        Finding::Executed { amount_minor, .. } => format!("that the bank executed {amount_minor} minor units"),
        Finding::NotExecuted => "that the bank did not execute it".to_owned(),
    }
}

fn again(uow: &Uow<'_, '_>, id: Id<kinds::Case>) -> Decision {
    match records::by_id(uow.reading(), id)? {
        Some(case) => Ok(Outcome::Done(case)),
        None => no(ErrorCode::NotFound),
    }
}

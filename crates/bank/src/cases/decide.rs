//! Ending an investigation without the bank's word: two people decide what the outcome was, each on their own.
//!
//! One proposes with reason and evidence, another approves; the same person cannot do both. Only the approval moves money, and it
//! takes effect as a line of the bank's statement would: through the same table of decisions, so that whatever the bank says
//! later meets a state that knows what to make of it. Where money waits in suspense, they decide where it goes.
//!
//! Race closed here: between proposal and approval the bank may take the money back, which closes the case: then there is
//! nothing to approve.

use crate::bank::Bank;
use crate::cases::{self, CaseView, Closing, records};
use crate::desk::Desk;
use crate::error::BankError;
use crate::instructions::hear;
use crate::payouts::{self, Payout};
use crate::rail_feed::Source;
use crate::refusal::Refusal;
use crate::suspense::{self, Waiting};
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
    /// The money that waits goes to its owner: to this wallet, or the account it was meant for.
    Release {
        /// A wallet of the owner.
        wallet: Option<Id<kinds::Wallet>>,
    },
    /// The money that waits goes back to the bank account it came from.
    SendBack,
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

/// Proposes how the matter of an open case about a top-up or payout ended, or where the money goes that waits under it; a later
/// proposal takes an earlier one's place. Refused with `forbidden` (not staff), `missing_field`, `not_found` (no such case, not
/// about a top-up or payout, or no money waits), `case_closed`, `money_waiting` (it must be released or sent back),
/// `account_not_found` (not a wallet of the owner's), `currency_mismatch`, `invalid_field` (an amount that is not above zero and
/// at most what was asked; nowhere to send it back to).
///
/// # Errors
/// Trouble.
pub async fn propose(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Case>,
    (finding, closing): (Finding, Closing),
) -> Result<Answer<CaseView>, BankError> {
    let (desk, who) = (bank.desk(), wish.principal);
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
        let waiting = suspense::under(uow.reading(), id)?;
        if let Some(refusal) = unfit(&desk, uow, (finding, asked), waiting.as_ref())? {
            return Ok(Outcome::Refused(refusal));
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
/// `not_found` (no such case or nothing proposed), `case_closed`, `invalid_field` (something else is proposed), then as [`propose`],
/// then, for money that is released, as the ledger refuses the movement (`account_closed`, `account_frozen`, `limit_exceeded`).
///
/// # Errors
/// Trouble.
pub async fn approve(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Case>,
    finding: Finding,
) -> Result<Answer<CaseView>, BankError> {
    let (desk, who, payout) = (bank.desk(), wish.principal, bank.new_id());
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
        // Again, as things stand now: money may have come to wait since.
        let waiting = suspense::under(uow.reading(), id)?;
        let Some(asked) = asked(uow, &case.subject)? else { return no(ErrorCode::NotFound) };
        if let Some(refusal) = unfit(&desk, uow, (finding, asked), waiting.as_ref())? {
            return Ok(Outcome::Refused(refusal));
        }
        let moved = match (finding, &waiting) {
            (Finding::Release { wallet }, Some(waiting)) => suspense::release(&desk, uow, who, (waiting, wallet))?,
            (Finding::SendBack, Some(waiting)) => suspense::send_back(&desk, uow, who, (waiting, payout))?,
            _ => Ok(()),
        };
        if let Err(refusal) = moved {
            return Ok(Outcome::Refused(refusal));
        }
        records::add_note(uow, id, Some(by), &format!("approved {}", words(finding)))?;
        records::set_closed(uow, id)?;
        cases::tell_closed(uow, id, (case.kind, &case.subject));
        if let Some(word) = word(finding) {
            match subject(&case.subject) {
                Some(Subject::TopUp(id)) => hear::<TopUp>(&desk, uow, id, (&word, Source::Statement))?,
                Some(Subject::Payout(id)) => hear::<Payout>(&desk, uow, id, (&word, Source::Statement))?,
                None => false,
            };
        }
        again(uow, id)
    })
    .await
}

/// What the bank would have said, had it said it.
fn word(finding: Finding) -> Option<Word> {
    match finding {
        Finding::Executed { amount_minor, .. } => Some(Word::Done { amount: amount_minor }),
        Finding::NotExecuted => Some(Word::Rejected { reason: "found by two people".to_owned() }),
        Finding::Release { .. } | Finding::SendBack => None,
    }
}

/// Why a finding does not fit: what was asked, in which currency, and what waits under the case. Money that waits must find a
/// way out with its case; that the bank never executed a top-up is one, since then it goes back the way it came.
fn unfit(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (finding, asked): (Finding, (i64, u16)),
    waiting: Option<&Waiting>,
) -> Result<Option<Refusal>, StoreError> {
    let refusal = match (finding, waiting) {
        (Finding::Executed { .. }, Some(_)) => Refusal::of(ErrorCode::MoneyWaiting),
        (Finding::NotExecuted, Some(waiting)) => {
            let id = Id::from_u128(waiting.subject);
            match topups::records::by_id(uow.reading(), id)? {
                Some(_) => return Ok(None),
                None => Refusal::of(ErrorCode::MoneyWaiting),
            }
        }
        (Finding::Executed { currency, .. }, None) if currency != asked.1 => {
            Refusal::of(ErrorCode::CurrencyMismatch).at("amount")
        }
        (Finding::Executed { amount_minor, .. }, None) if !(1..=asked.0).contains(&amount_minor) => {
            Refusal::of(ErrorCode::InvalidField).at("amount")
        }
        (Finding::Release { .. } | Finding::SendBack, None) => Refusal::of(ErrorCode::NotFound),
        (Finding::Release { wallet }, Some(waiting)) => match suspense::target(desk, uow, (waiting, wallet))? {
            Ok(_) => return Ok(None),
            Err(refusal) => refusal,
        },
        (Finding::SendBack, Some(waiting)) => match suspense::sender(desk, uow, waiting)? {
            Some(_) => return Ok(None),
            None => Refusal::of(ErrorCode::InvalidField).at("finding"),
        },
        (Finding::Executed { .. } | Finding::NotExecuted, None) => return Ok(None),
    };
    Ok(Some(refusal))
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
        Finding::Release { wallet: Some(wallet) } => format!("that the money is released to wallet {wallet}"),
        Finding::Release { wallet: None } => "that the money is released to the account it was meant for".to_owned(),
        Finding::SendBack => "that the money is sent back to where it came from".to_owned(),
    }
}

fn again(uow: &Uow<'_, '_>, id: Id<kinds::Case>) -> Decision {
    match records::by_id(uow.reading(), id)? {
        Some(case) => Ok(Outcome::Done(case)),
        None => no(ErrorCode::NotFound),
    }
}

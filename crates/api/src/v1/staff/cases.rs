//! Cases: what people must look at, and how it ends.

use crate::dto::{Cursor, Day, Moment, Money, Page, Ref, ids, page};
use bank::Bank;
use bank::cases::{self, CaseView, Closing, Finding};
use edge::caller::{AsStaff, Look, WorkCases};
use edge::reply::{self, Handled, Reply};
use edge::{Command, Params, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::{ErrorCode, Id, kinds};

/// A case.
#[derive(Debug, Serialize, ToSchema)]
pub struct Case {
    /// Its id.
    pub id: ids::Case,
    /// What it is about.
    #[schema(value_type = String, example = "no_result")]
    pub kind: cases::CaseKind,
    /// The top-up, payout or statement entry.
    #[schema(example = "top_06f5t2c9wk7v1xq4mz8rhd3bne")]
    pub subject: String,
    /// Whether it is open.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Moment,
    /// When somebody looks next.
    pub next_date: Option<Day>,
    /// When it was closed.
    pub closed_at: Option<Moment>,
    /// Its notes, oldest first; empty in lists.
    pub notes: Vec<CaseNote>,
}

/// A note of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseNote {
    /// When.
    pub at: Moment,
    /// By whom; null for the bank itself.
    pub by: Option<ids::Staff>,
    /// What.
    pub text: String,
}

/// A note to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "The bank answers tomorrow."}))]
pub struct NewNote {
    /// What; nothing personal.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// How a case ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The bank confirmed the payment", "evidence": "statement 2026-11-22, line 17"}))]
pub struct CaseClosing {
    /// Why it may be closed.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// What shows it.
    #[schema(min_length = 1, max_length = 2000)]
    pub evidence: String,
}

/// What the bank did after all, or where money goes that waits under the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// It executed the instruction, for `amount`.
    Executed,
    /// It did not, and will not.
    NotExecuted,
    /// Money that waits under the case goes to its owner: to `wallet`, or to the account it was meant for.
    Release,
    /// Money that waits under the case goes back to the bank account it came from.
    SendBack,
}

/// What is proposed for a case about a top-up or payout, or about money that waits because of one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"finding": "executed", "amount": {"amount": "50.00", "currency": "CNY"},
    "reason": "The bank confirmed it by letter", "evidence": "letter of 2026-11-22"}))]
pub struct CaseProposal {
    /// What the bank did, or where the money goes.
    pub finding: FindingKind,
    /// How much it executed; only with `executed`.
    pub amount: Option<Money>,
    /// A wallet of the owner in the money's currency; only with `release`.
    pub wallet: Option<ids::Wallet>,
    /// Why it is so.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// What shows it.
    #[schema(min_length = 1, max_length = 2000)]
    pub evidence: String,
}

/// What is approved: exactly what was proposed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"finding": "not_executed"}))]
pub struct CaseApproval {
    /// What the bank did, or where the money goes.
    pub finding: FindingKind,
    /// How much it executed; only with `executed`.
    pub amount: Option<Money>,
    /// The wallet it is released to; only with `release`.
    pub wallet: Option<ids::Wallet>,
}

fn finding(
    bank: &Bank,
    kind: FindingKind,
    (amount, wallet): (Option<&Money>, Option<Id<kinds::Wallet>>),
) -> Result<Finding, Problem> {
    if wallet.is_some() && kind != FindingKind::Release {
        return Err(Problem::new(ErrorCode::InvalidField).at("/wallet"));
    }
    match (kind, amount) {
        (FindingKind::Release, None) => Ok(Finding::Release { wallet }),
        (FindingKind::SendBack, None) => Ok(Finding::SendBack),
        (FindingKind::NotExecuted, None) => Ok(Finding::NotExecuted),
        (FindingKind::Executed, Some(amount)) => {
            let amount = amount.positive(bank, "/amount")?;
            Ok(Finding::Executed { amount_minor: amount.minor(), currency: amount.currency().number() })
        }
        (FindingKind::Executed, None) => Err(Problem::new(ErrorCode::MissingField).at("/amount")),
        (FindingKind::NotExecuted | FindingKind::Release | FindingKind::SendBack, Some(_)) => {
            Err(Problem::new(ErrorCode::InvalidField).at("/amount"))
        }
    }
}

/// Which cases.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CaseListing {
    /// Only those that are open.
    #[serde(default)]
    pub open_only: bool,
    /// How many rows at most, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    pub cursor: Option<String>,
}

fn show(view: CaseView) -> Case {
    let notes = view.notes.into_iter();
    Case {
        id: view.id.into(),
        kind: view.kind,
        subject: view.subject,
        open: view.open,
        opened_at: view.opened_at.into(),
        next_date: view.next_date.map(Day),
        closed_at: view.closed_at.map(Moment),
        notes: notes.map(|note| CaseNote { at: note.at.into(), by: note.by.map(Ref), text: note.text }).collect(),
    }
}

/// List cases
#[utoipa::path(get, path = "/v1/staff/cases", tag = "staff", params(CaseListing),
    responses((status = 200, description = "Newest first.", body = Page<Case>)))]
pub async fn list(who: AsStaff<Look>, Params(params): Params<CaseListing>) -> Handled<Page<Case>> {
    let listing = crate::dto::Listing { limit: params.limit, cursor: params.cursor };
    let (before, limit, open_only) = (listing.before()?, listing.rows()?, params.open_only);
    let rows = cases::list(&who.bank, open_only, before, limit).await?;
    page(rows, limit, |row| Cursor::after(row.id), show)
}

/// Look at a case
#[utoipa::path(get, path = "/v1/staff/cases/{case}", tag = "staff",
    responses((status = 200, description = "The case with its notes.", body = Case)))]
pub async fn get(who: AsStaff<Look>, PathId(id): PathId<kinds::Case>) -> Handled<Case> {
    let found = cases::find(&who.bank, id).await?;
    Ok(Reply::ok(show(reply::found(Ok(found))?)))
}

/// Add a note to a case
#[utoipa::path(post, path = "/v1/staff/cases/{case}/notes", tag = "staff", request_body = NewNote,
    responses((status = 201, description = "The case with its notes.", body = Case)))]
pub async fn note(
    who: AsStaff<WorkCases>,
    PathId(id): PathId<kinds::Case>,
    command: Command<NewNote>,
) -> Handled<Case> {
    let (wish, body) = who.wish("cases.note", command);
    reply::created(&who.bank, cases::note(&who.bank, wish, id, body.text).await, show)
}

/// Propose how an investigation ends, or where waiting money goes
///
/// Moves nothing: another member of staff must approve exactly this. A later proposal takes its place. Money that waits
/// under the case is released to its owner or sent back.
#[utoipa::path(post, path = "/v1/staff/cases/{case}/proposal", tag = "staff", request_body = CaseProposal,
    responses((status = 200, description = "The case.", body = Case)))]
pub async fn propose(
    who: AsStaff<WorkCases>,
    PathId(id): PathId<kinds::Case>,
    command: Command<CaseProposal>,
) -> Handled<Case> {
    let (wish, body) = who.wish("cases.propose", command);
    let finding = finding(&who.bank, body.finding, (body.amount.as_ref(), body.wallet.map(|wallet| wallet.0)))?;
    let closing = Closing { reason: body.reason, evidence: body.evidence };
    reply::done(&who.bank, cases::propose(&who.bank, wish, id, (finding, closing)).await, show)
}

/// Approve how an investigation ends, or where waiting money goes
///
/// By somebody other than the proposer. The outcome takes effect, money moves, and the case is closed.
#[utoipa::path(post, path = "/v1/staff/cases/{case}/approval", tag = "staff", request_body = CaseApproval,
    responses((status = 200, description = "The case.", body = Case)))]
pub async fn approve(
    who: AsStaff<WorkCases>,
    PathId(id): PathId<kinds::Case>,
    command: Command<CaseApproval>,
) -> Handled<Case> {
    let (wish, body) = who.wish("cases.approve", command);
    let finding = finding(&who.bank, body.finding, (body.amount.as_ref(), body.wallet.map(|wallet| wallet.0)))?;
    reply::done(&who.bank, cases::approve(&who.bank, wish, id, finding).await, show)
}

/// Close a case
///
/// With the reason and the evidence. Closing moves no money; refused while money waits under the case.
#[utoipa::path(post, path = "/v1/staff/cases/{case}/close", tag = "staff", request_body = CaseClosing,
    responses((status = 200, description = "The case.", body = Case)))]
pub async fn close(
    who: AsStaff<WorkCases>,
    PathId(id): PathId<kinds::Case>,
    command: Command<CaseClosing>,
) -> Handled<Case> {
    let (wish, body) = who.wish("cases.close", command);
    let closing = Closing { reason: body.reason, evidence: body.evidence };
    reply::done(&who.bank, cases::close(&who.bank, wish, id, closing).await, show)
}

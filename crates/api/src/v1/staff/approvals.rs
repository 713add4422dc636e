//! Acts that wait for a second person.

use crate::dto::{Cursor, Listing, Moment, Page, Ref, ids, page};
use bank::approvals::{self, ApprovalView, Decision, State};
use edge::caller::{AsStaff, DecideApprovals, Look};
use edge::reply::{self, Handled, Reply};
use edge::{Command, Params, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::{ErrorCode, kinds};

/// Which ones.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InState {
    /// `asked` (when absent), `approved`, `refused` or `used`.
    #[param(max_length = 16, example = "asked")]
    pub state: Option<String>,
    /// How many rows at most, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    pub cursor: Option<String>,
}

/// An act that waits or waited for a second person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Approval {
    /// Its id: the header `Approval` of the request that carries it out.
    pub id: ids::Approval,
    /// Who asked.
    pub requester: ids::Staff,
    /// For which act.
    #[schema(example = "policies.set")]
    pub operation: String,
    /// The permission that the act needs; whoever approves has it too.
    #[schema(example = "policies.set")]
    pub permission: String,
    /// On what.
    pub subject: Option<String>,
    /// Exactly what: method, path and body.
    #[schema(example = "POST /v1/staff/policies\n{}")]
    pub asked: String,
    /// The SHA-256 of act and request, in hexadecimal digits. Who decides sends it back.
    #[schema(min_length = 64, max_length = 64)]
    pub digest: String,
    /// `asked`, `approved`, `refused` or `used`.
    #[schema(example = "asked")]
    pub state: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// Until when it can be decided and carried out.
    pub expires_at: Moment,
    /// Who decided.
    pub decider: Option<ids::Staff>,
}

/// A decision about exactly what was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"digest": "0000000000000000000000000000000000000000000000000000000000000000"}))]
pub struct About {
    /// The digest of what is decided.
    #[schema(min_length = 64, max_length = 64)]
    pub digest: String,
}

fn show(view: ApprovalView) -> Approval {
    Approval {
        id: view.id.into(),
        requester: view.requester.into(),
        operation: view.operation,
        permission: view.permission,
        subject: view.subject,
        asked: view.asked,
        digest: view.digest,
        state: view.state,
        created_at: view.created.into(),
        expires_at: view.expires.into(),
        decider: view.decider.map(Ref),
    }
}

/// List approvals
#[utoipa::path(get, path = "/v1/staff/approvals", tag = "staff", params(InState),
    responses((status = 200, description = "Newest first.", body = Page<Approval>)))]
pub async fn list(who: AsStaff<Look>, Params(asked): Params<InState>) -> Handled<Page<Approval>> {
    let InState { state, limit, cursor } = asked;
    let listing = Listing { limit, cursor };
    let (before, limit) = (listing.before()?, listing.rows()?);
    let state = State::parse(state.as_deref().unwrap_or("asked"));
    let wrong = || Problem::because(ErrorCode::InvalidParameter, "Send asked, approved, refused or used.").at("state");
    let rows = approvals::list(&who.bank, state.ok_or_else(wrong)?, before, limit).await?;
    page(rows, limit, |row| Cursor::after(row.id), show)
}

/// Look at an approval
#[utoipa::path(get, path = "/v1/staff/approvals/{approval}", tag = "staff",
    responses((status = 200, description = "The approval.", body = Approval)))]
pub async fn get(who: AsStaff<Look>, PathId(id): PathId<kinds::Approval>) -> Handled<Approval> {
    Ok(Reply::ok(show(reply::found(approvals::find(&who.bank, id).await)?)))
}

/// Approve what somebody else asked for
///
/// Whoever asked then sends the same request again with the header `Approval`.
#[utoipa::path(post, path = "/v1/staff/approvals/{approval}/approve", tag = "staff", request_body = About,
    responses((status = 200, description = "It is approved.", body = Approval)))]
pub async fn approve(
    who: AsStaff<DecideApprovals>,
    PathId(id): PathId<kinds::Approval>,
    command: Command<About>,
) -> Handled<Approval> {
    let (wish, body) = who.wish("approvals.approve", command);
    let decision = Decision { approved: true, digest: body.digest };
    reply::done(&who.bank, approvals::decide(&who.bank, wish, id, decision).await, show)
}

/// Refuse what somebody else asked for
#[utoipa::path(post, path = "/v1/staff/approvals/{approval}/refuse", tag = "staff", request_body = About,
    responses((status = 200, description = "It is refused.", body = Approval)))]
pub async fn refuse(
    who: AsStaff<DecideApprovals>,
    PathId(id): PathId<kinds::Approval>,
    command: Command<About>,
) -> Handled<Approval> {
    let (wish, body) = who.wish("approvals.refuse", command);
    let decision = Decision { approved: false, digest: body.digest };
    reply::done(&who.bank, approvals::decide(&who.bank, wish, id, decision).await, show)
}

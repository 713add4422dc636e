//! Policies: every number that the bank may change, as effective-dated rows.

use crate::dto::{Moment, Page, Ref, ids};
use bank::policies::{self, Change, PolicyView};
use edge::Command;
use edge::caller::{AsStaff, Look, SetPolicies};
use edge::reply::{self, Handled, Reply};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A policy to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "refund_days", "value": 180, "source": "Decision 2026-31 of the board"}))]
pub struct NewPolicy {
    /// Which.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// Its value, in the policy's own form.
    pub value: Value,
    /// From when; at once when absent or in the past.
    pub effective_from: Option<Moment>,
    /// Where it comes from, for auditors.
    #[schema(min_length = 1, max_length = 500)]
    pub source: String,
}

/// A policy row.
#[derive(Debug, Serialize, ToSchema)]
pub struct Policy {
    /// Its id.
    pub id: ids::Policy,
    /// Which.
    #[schema(example = "refund_days")]
    pub name: String,
    /// Its value.
    pub value: Value,
    /// From when it is in force.
    pub effective_from: Moment,
    /// Where it comes from.
    #[schema(example = "default")]
    pub source: String,
    /// Who set it.
    pub staff: Option<ids::Staff>,
}

fn show(view: PolicyView) -> Policy {
    Policy {
        id: view.id.into(),
        name: view.name,
        value: view.value,
        effective_from: view.effective_from.into(),
        source: view.source,
        staff: view.staff.map(Ref),
    }
}

/// List policies
#[utoipa::path(get, path = "/v1/staff/policies", tag = "staff",
    responses((status = 200, description = "Every row, in the order in which they come into force.", body = Page<Policy>)))]
pub async fn list(who: AsStaff<Look>) -> Handled<Page<Policy>> {
    let all = policies::list(&who.bank).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Set a policy
#[utoipa::path(post, path = "/v1/staff/policies", tag = "staff", request_body = NewPolicy,
    responses((status = 201, description = "The row.", body = Policy)))]
pub async fn set(who: AsStaff<SetPolicies>, command: Command<NewPolicy>) -> Handled<Policy> {
    let (wish, body) = who.wish("policies.set", command);
    let from = body.effective_from.map(|from| from.0);
    let change = Change { name: body.name, value: body.value, from, source: body.source };
    reply::created(&who.bank, policies::set(&who.bank, wish, change).await, show)
}

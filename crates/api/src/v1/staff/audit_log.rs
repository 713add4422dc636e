//! The audit log as staff see it.

use crate::dto::{Cursor, Moment, Page, page};
use bank::audit::{self, Entry, Wanted};
use edge::Params;
use edge::caller::{AsStaff, ReadAudit};
use edge::reply::Handled;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which records.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Whose acts: an id, or `system`.
    #[param(max_length = 64)]
    pub actor: Option<String>,
    /// Which acts.
    #[param(max_length = 64, example = "policies.set")]
    pub action: Option<String>,
    /// Acts on what: an id.
    #[param(max_length = 64)]
    pub subject: Option<String>,
    /// How many rows at most, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    pub cursor: Option<String>,
}

/// Who did what to what, when, from where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"number": 12, "at": "2026-11-22T08:30:00Z", "actor": "stf_0000000000000000000000000a",
    "action": "policies.set", "subject": null, "outcome": "done", "address": "192.0.2.7",
    "request": "req_0000000000000000000000000b", "asked": "POST /v1/staff/policies\n{\"name\":\"refund_days\"}",
    "link": "00ff"}))]
pub struct AuditRecord {
    /// Its number, from 1 without gaps.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    pub number: u64,
    /// When.
    pub at: Moment,
    /// Who: an id, or `system` for the bank itself.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what: an id.
    pub subject: Option<String>,
    /// `done`, the code of the refusal, or `begun` for what takes more than one step.
    pub outcome: String,
    /// From which network address.
    pub address: Option<String>,
    /// By which request.
    pub request: Option<String>,
    /// What was asked for: method, path and body.
    pub asked: Option<String>,
    /// The link to all records before, in hexadecimal digits.
    pub link: String,
}

fn show(entry: Entry) -> AuditRecord {
    let Entry { number, at, actor, action, subject, outcome, address, request, asked, link } = entry;
    let number = number.unsigned_abs();
    AuditRecord { number, at: at.into(), actor, action, subject, outcome, address, request, asked, link }
}

/// List the audit log
///
/// Every act of staff, and every change of a credential, limit, role or key, whoever made it. Newest first.
#[utoipa::path(get, path = "/v1/staff/audit-log", tag = "staff", params(Asked),
    responses((status = 200, description = "Newest first.", body = Page<AuditRecord>)))]
pub async fn list(who: AsStaff<ReadAudit>, Params(asked): Params<Asked>) -> Handled<Page<AuditRecord>> {
    let Asked { actor, action, subject, limit, cursor } = asked;
    let listing = crate::dto::Listing { limit, cursor };
    let limit = listing.rows()?;
    let before = listing.number()?.and_then(|number| i64::try_from(number).ok());
    let rows = audit::look(&who.bank, Wanted { actor, action, subject, before, limit }).await?;
    page(rows, limit, |row| Cursor::after_number(row.number.unsigned_abs()), show)
}

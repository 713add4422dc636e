//! The second person's word.

use super::list::{ApprovalView, show};
use super::records::{self, State};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::staff;
use crate::wish::{Answer, Principal, Wish};
use store::{NewEvent, Outcome};
use vocabulary::{ErrorCode, Id, kinds};

/// What the second person says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Yes or no.
    pub approved: bool,
    /// The digest of what was asked for, as it was shown: 64 hexadecimal digits.
    pub digest: String,
}

/// Approves or refuses what somebody else asked for. Refused, in order: `forbidden` (not staff, or who asked, or who may not do
/// the act), `not_found`, `approval_not_valid` (decided already, over, or another digest).
///
/// # Errors
/// Trouble.
pub async fn decide(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Approval>,
    decision: Decision,
) -> Result<Answer<ApprovalView>, BankError> {
    let (desk, keeper, who) = (bank.desk(), bank.keeper(), wish.principal);
    bank.once(wish, move |uow| {
        let no = |code, detail: &str| Ok(Outcome::Refused(Refusal::new(code, detail)));
        let Principal::Staff(by) = who else { return Ok(Outcome::Refused(Refusal::of(ErrorCode::Forbidden))) };
        let Some(mut row) = records::by_id(uow.reading(), id)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        if row.requester == by {
            return no(ErrorCode::Forbidden, "whoever asked cannot decide; ask a second person");
        }
        let role = staff::records::role_of(uow.reading(), by)?;
        let may = |role| desk.policies().roles.get(staff::Role::name(&role)).cloned().unwrap_or_default();
        if !role.is_some_and(|role| may(role).iter().any(|permission| permission.name() == row.permission)) {
            return no(ErrorCode::Forbidden, "who may not do the act cannot approve it either; ask somebody who may");
        }
        let now = uow.now();
        if row.state != State::Asked || now >= row.expires {
            return no(
                ErrorCode::ApprovalNotValid,
                "it was decided already or its time is over; have it asked for again",
            );
        }
        let digest: String = row.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if !decision.digest.eq_ignore_ascii_case(&digest) {
            return no(ErrorCode::ApprovalNotValid, "something else was asked for; read it again");
        }
        row.state = if decision.approved { State::Approved } else { State::Refused };
        row.decider = Some(by);
        records::set_decided(uow, id, row.state, by)?;
        let body = serde_json::json!({ "approval": id, "operation": row.operation, "staff": by }).to_string();
        let kind = if decision.approved { "approval.approved" } else { "approval.refused" };
        uow.emit(NewEvent { kind, version: 1, owner: None, subject: id.as_u128(), body });
        Ok(Outcome::Done(show(&keeper, row)?))
    })
    .await
}

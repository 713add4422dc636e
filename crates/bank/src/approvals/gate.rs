//! What stands before an act of staff: whether it may be done now, and, after it was done, that its approval is used up.
//!
//! Races closed: the approval is looked at and used up in the unit of the act itself, so two requests with one approval do one act; a
//! decision that is taken back between (refused, expired) is seen there too.

use super::records::{self, Approval, State};
use crate::audit::{Keeper, Origin};
use crate::bank::Bank;
use crate::cases::{self, CaseKind, NewCase};
use crate::desk::Desk;
use crate::refusal::Refusal;
use crate::staff::{self, Permission};
use crate::wish::{Principal, Wish};
use aws_lc_rs::digest::{SHA256, digest};
use std::sync::Arc;
use store::{NewEvent, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// The gate before one act.
pub(crate) struct Gate {
    desk: Desk,
    keeper: Arc<Keeper>,
    origin: Option<Arc<Origin>>,
    /// For the row that is written when nobody has approved.
    fresh: Id<kinds::Approval>,
    staff: Id<kinds::Staff>,
    operation: &'static str,
}

/// By what an act passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// A second person's word, to be used up when the act is done.
    Approved(Id<kinds::Approval>),
    /// An emergency.
    Broken,
}

impl Gate {
    /// The gate of a wish; none when the act needs no second person.
    pub(crate) fn of(bank: &Bank, wish: &Wish) -> Option<Self> {
        let Principal::Staff(staff) = wish.principal else { return None };
        let desk = bank.desk();
        if !desk.policies().four_eyes.contains(wish.operation) {
            return None;
        }
        let (keeper, origin, fresh) = (bank.keeper(), bank.origin().cloned(), bank.new_id());
        Some(Self { desk, keeper, origin, fresh, staff, operation: wish.operation })
    }

    fn asked(&self) -> String {
        self.origin.as_ref().map(|origin| origin.asked()).unwrap_or_default()
    }

    /// Whether the act may be done. Refused with `approval_required` when nobody approved it (then it waits for somebody), with
    /// `approval_not_valid` when the approval that is named is not one of exactly this act, by whoever acts, or is over, and with
    /// `forbidden` when the glass is not hers to break.
    pub(crate) fn pass(&self, uow: &mut Uow<'_, '_>) -> Result<Result<Pass, Refusal>, StoreError> {
        if let Some(reason) = self.origin.as_ref().and_then(|origin| origin.emergency.as_deref()) {
            return self.break_glass(uow, reason);
        }
        let digest = fingerprint(self.operation, &self.asked());
        match self.origin.as_ref().and_then(|origin| origin.approval) {
            Some(id) => {
                let found = records::by_id(uow.reading(), id)?;
                let now = uow.now();
                let good = found.is_some_and(|row| {
                    let same = row.requester == self.staff && row.operation == self.operation && row.digest == digest;
                    same && row.state == State::Approved && now < row.expires
                });
                Ok(if good { Ok(Pass::Approved(id)) } else { Err(Refusal::of(ErrorCode::ApprovalNotValid)) })
            }
            None => self.ask(uow, digest).map(Err),
        }
    }

    fn ask(&self, uow: &mut Uow<'_, '_>, digest: [u8; 32]) -> Result<Refusal, StoreError> {
        let now = uow.now();
        let hours = i64::from(self.desk.policies().approval_hours);
        let needs = self.origin.as_ref().and_then(|origin| origin.needs()).unwrap_or(Permission::DecideApprovals);
        let asked = self.keeper.seal_text(&self.fresh.to_bytes(), &self.asked())?;
        let row = Approval {
            id: self.fresh,
            requester: self.staff,
            operation: self.operation.to_owned(),
            permission: needs.name().to_owned(),
            subject: self.origin.as_ref().and_then(|origin| origin.subject.clone()),
            digest,
            asked,
            state: State::Asked,
            created: now,
            expires: now.plus_seconds(hours * 3600),
            decider: None,
        };
        records::insert(uow, &row)?;
        self.tell(uow, "approval.asked");
        let detail = format!(
            "a second person has to approve this; ask for it, then send the same again with Approval: {} before {}",
            self.fresh, row.expires
        );
        Ok(Refusal { approval: Some(self.fresh), ..Refusal::new(ErrorCode::ApprovalRequired, detail) })
    }

    fn break_glass(&self, uow: &mut Uow<'_, '_>, reason: &str) -> Result<Result<Pass, Refusal>, StoreError> {
        let role = staff::records::role_of(uow.reading(), self.staff)?;
        if !role.is_some_and(|role| self.desk.policies().may(role, Permission::BreakGlass)) {
            let detail = "Only staff with the permission break_glass may act alone; ask a second person.";
            return Ok(Err(Refusal::new(ErrorCode::Forbidden, detail)));
        }
        if reason.trim().chars().count() < 10 {
            let detail = "Say in ten letters or more why nobody can be asked first.";
            return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("Break-Glass")));
        }
        Ok(Ok(Pass::Broken))
    }

    /// The act was done: its approval is used up; broken glass becomes a case that people must look at.
    pub(crate) fn done(&self, uow: &mut Uow<'_, '_>, pass: Pass) -> Result<(), StoreError> {
        match pass {
            Pass::Approved(id) => records::set_used(uow, id),
            Pass::Broken => {
                self.tell(uow, "staff.broke_glass");
                let finding = format!(
                    "{} was done by {} without a second person; the audit log says why",
                    self.operation, self.staff
                );
                let subject = self.fresh.to_string();
                let new =
                    NewCase { kind: CaseKind::BrokenGlass, subject: &subject, finding: &finding, next_date: None };
                cases::open(&self.desk, uow, &new).map(drop)
            }
        }
    }

    fn tell(&self, uow: &mut Uow<'_, '_>, kind: &'static str) {
        let body = serde_json::json!({ "approval": self.fresh, "operation": self.operation, "staff": self.staff });
        uow.emit(NewEvent { kind, version: 1, owner: None, subject: self.fresh.as_u128(), body: body.to_string() });
    }
}

/// What an approval is bound to.
pub(super) fn fingerprint(operation: &str, asked: &str) -> [u8; 32] {
    let found = digest(&SHA256, format!("{operation}\n{asked}").as_bytes());
    std::array::from_fn(|place| found.as_ref()[place])
}

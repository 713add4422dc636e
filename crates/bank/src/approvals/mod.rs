//! Four eyes: an act of staff that the policy `four_eyes` names is done only after a second person has approved exactly it.
//!
//! Life: asked → approved → used, or asked → refused; asked and approved ones end with their hours (`approval_hours`). Who wants to
//! act sends the act as always; it is refused with `approval_required`, and what was asked for (method, path, body) stands here, sealed,
//! with its SHA-256. Another person who may do the same act approves it by naming that digest, so that nobody approves what he
//! has not seen. The first person then sends the same act again with the approval's id: it is done if the digest is the same, once.
//! Nothing else about it is trusted later: rights, limits and states are looked at when it is done.
//!
//! In an emergency a member of staff with the permission `break_glass` may act alone by giving a reason; the act then opens a case
//! and an event tells everybody. Invariants: whoever asked does not decide; an approval lets one act be done at most once, and only
//! by whoever asked; a refused act does not use it up.

mod decide;
mod gate;
mod list;
pub mod records;

pub use decide::{Decision, decide};
pub(crate) use gate::Gate;
pub use list::{ApprovalView, find, list};
pub use records::{MIGRATIONS, State};

/// Acts that can be put under four eyes.
pub const ACTS: &[&str] = &[
    "accounts.close",
    "accounts.freeze",
    "accounts.release",
    "accounts.reopen",
    "customers.change_tier",
    "customers.erase",
    "disputes.close",
    "merchants.add_store",
    "merchants.create_key",
    "merchants.open",
    "merchants.revoke_key",
    "merchants.rotate_key",
    "merchants.set_plans",
    "merchants.set_status",
    "merchants.settle_to",
    "policies.set",
];

/// Acts that a new bank has under four eyes: what moves limits, fees, roles, or the place that money goes to.
pub(crate) const FIRST: &[&str] = &["accounts.release", "accounts.reopen", "merchants.settle_to", "policies.set"];

#[cfg(test)]
mod tests;

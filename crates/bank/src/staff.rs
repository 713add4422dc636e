//! Staff of the bank: each with one role and tokens that come from the command line. What a role may do is a policy.

mod enrol;
pub mod records;
mod roles;

pub use enrol::{Enrolled, StaffSession, authenticate, enrol_blocking, issue_token_blocking, revoke_blocking};
pub use records::MIGRATIONS;
pub use roles::{Permission, Role, Roles};
pub(crate) use roles::{are_usable, first_roles};

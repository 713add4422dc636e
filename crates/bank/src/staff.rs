//! Staff of the bank: each with one role and tokens that come from the command line.

mod enrol;
pub mod records;

pub use enrol::{Enrolled, StaffSession, authenticate, enrol_blocking, issue_token_blocking, revoke_blocking};
pub use records::{MIGRATIONS, Role};

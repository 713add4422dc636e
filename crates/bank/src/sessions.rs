//! Signing in: a customer's password becomes a session; failures are counted by sign-in name and lead to a pause. Whoever
//! changes the password has to know the present one, and ends every other session.
//!
//! ```text
//! sign in ──▶ session ── access token, short or as long as the session
//!                │
//!                ├─ refresh token ── used once ──▶ next access token, next refresh token
//!                │        └─ used again: soon, the same next tokens; later, the session ends and the person is told
//!                ├─ signed out, ended from another session, by a change of password, by erasure
//!                └─ idle for too long, or at its longest
//! ```
//!
//! Invariants: ids and tokens are drawn here and never taken from a caller; a session that ended on one node decides nothing on
//! any other.

mod about;
mod authenticate;
mod begin;
mod change_password;
mod list;
pub mod records;
mod refresh;
mod refresh_token;
pub(crate) mod seen;
mod sign_in;

pub use authenticate::{Session, authenticate};
pub use begin::Wanted;
pub use change_password::change_password;
pub use list::{SessionView, end, end_others, list};
pub use records::MIGRATIONS;
pub(crate) use records::end_all;
pub use refresh::refresh;
pub(crate) use seen::write_seen;
pub use sign_in::{Refresh, SignedIn, sign_in, sign_in_as, sign_out};

/// How an access token begins.
const ACCESS_PREFIX: &str = "jzs_";

#[cfg(test)]
mod tests;

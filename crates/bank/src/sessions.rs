//! Signing in: a customer's password becomes a session; failures are counted by sign-in name and lead to a pause.

mod authenticate;
pub mod records;
mod sign_in;

pub use authenticate::{Session, authenticate};
pub use records::MIGRATIONS;
pub(crate) use records::end_all;
pub use sign_in::{SignedIn, sign_in, sign_out};

//! Signing in: a customer's password becomes a session; failures are counted by sign-in name and lead to a pause. Whoever
//! changes the password has to know the present one, and ends every other session.

mod authenticate;
mod change_password;
pub mod records;
mod sign_in;

pub use authenticate::{Session, authenticate};
pub use change_password::change_password;
pub use records::MIGRATIONS;
pub(crate) use records::end_all;
pub use sign_in::{SignedIn, sign_in, sign_out};

#[cfg(test)]
mod tests;

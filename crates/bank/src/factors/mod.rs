//! Factors: by what a customer who is signed in shows that it is her. A payment PIN of six digits, an authenticator that makes
//! codes (RFC 6238), ten recovery codes, and the password, which belongs to [`crate::sessions`].
//!
//! Life of an authenticator: begun → confirmed by one of its codes → removed; of the other two: set → replaced or removed. Nothing is set,
//! replaced or removed by a session alone: another factor is proved in the same request ([`Proof`]). Each failure counts in a row, by
//! person and kind, where it is decided, and too many lead to a pause (policies `pin`, `totp`, `recovery_code`, for the password
//! `sign_in`). Every change leaves an audit record, an event, and a message to the person; it marks her accounts as guarded or not,
//! and its moment counts for [`crate::confirmations`].
//!
//! Invariants: secrets stand sealed under the person's key, recovery codes as keyed hashes; a code of an authenticator and a
//! recovery code are good once; a PIN signs nobody in. What a device is, and that a PIN is not enough on a new one, is not
//! known here: there are no devices yet.

mod authenticator;
mod change;
mod list;
mod pin;
mod prove;
pub mod records;
mod recovery_codes;
mod remove;
pub mod totp;

pub use authenticator::{Begun, begin_totp, confirm_totp};
pub use list::{FactorView, Factors, list};
pub use pin::{check_pin, set_pin};
pub use prove::Proof;
pub(crate) use prove::prepare;
pub use records::{Kind, MIGRATIONS};
pub use recovery_codes::{COUNT, make as make_recovery_codes};
pub use remove::remove;

#[cfg(test)]
mod tests;

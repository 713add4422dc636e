//! Registering with a phone number or an e-mail address that is proved by a code.
//!
//! ```text
//! start ── code sent ── finish ──▶ customer
//!   │                     ├─ wrong code, counted; too many: dead
//!   │                     └─ too late: dead
//!   └─ a contact that signs somebody in already: she is told instead, and no code fits
//! ```
//!
//! Invariants: whether a contact is known is never said to who cannot prove it. Known or not, the same rows are written, one message
//! is sealed and sent, and the same codes are refused in the same way after the same hashing of a password. The contact
//! itself is stored nowhere but in that message, sealed under a key that goes with the registration.

mod finish;
pub mod records;
mod start;

pub use finish::{Finish, finish, open_register};
pub use records::MIGRATIONS;
pub use start::{Started, start};

/// What contacts are hashed for.
const CONTACT: &str = "registration.contact";
/// What codes are hashed for.
const CODE: &str = "registration.code";

use crate::bank::Bank;
use vocabulary::{Id, kinds};

/// The keyed hash of a code for one registration.
fn code_hash(bank: &Bank, id: Id<kinds::Registration>, code: &str) -> Vec<u8> {
    bank.sealing().hash(CODE, &format!("{id} {code}")).to_vec()
}

#[cfg(test)]
mod tests;

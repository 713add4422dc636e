//! Devices: a key that never leaves a person's phone or browser, bound to her when she signs in with its proof.
//!
//! ```text
//! sign-in with a new key and its proof ──▶ bound ──▶ revoked, with all its sessions
//!                                           │
//!                                           └─ its sessions last longer, and each refresh needs a proof
//! ```
//!
//! A proof is a signature over a challenge of ours that is good once (signing in) or over the refresh token itself (refreshing), so
//! a copied token is worth nothing without the device. Invariants: a key is bound only after the right password; a revoked key
//! is never bound to the same person again; a person is told of every device that we did not know.

mod challenge;
mod list;
mod proof;
pub mod records;
mod sign_in;

pub use challenge::{Challenge, challenge};
pub use list::{DeviceView, list, revoke};
pub(crate) use proof::refresh_text;
pub use proof::{Algorithm, DeviceKey};
pub use records::{MIGRATIONS, bound_since};
pub use sign_in::Proof;
pub(crate) use sign_in::{Entering, Entry};

#[cfg(test)]
mod tests;

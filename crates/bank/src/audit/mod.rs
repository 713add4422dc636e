//! The audit log: who did what to what, when, from where and why; for every act of staff and every change of a credential,
//! limit, role or key.
//!
//! A record is written in the unit of work of the act itself ([`crate::Bank::once`] does it), so there is no act without a
//! record and no record without an act; a refused act is recorded with its code. What has no
//! unit of its own is recorded as begun. Numbers have no gaps, because a record takes the
//! number after the last one inside the unit, and units decide one after another, on all nodes together. Each record carries a
//! `link`: HMAC-SHA-256 (RFC 2104), under a key of the vault, of the link before it and of everything the record says. Who can write
//! the database but has no vault can neither change, insert, nor remove a record within the log unnoticed ([`verify`]). What a
//! keyed chain cannot show is that its newest end was cut off: therefore records leave for the bank's own log collector as they
//! are written, and their numbers and links there must be those here.
//!
//! What was asked for (method, path, body), the network address and the reason are sealed under the tenant's key; who, what,
//! when and the outcome stand readable, and are ids and names of ours. The log of a live bank is never shortened by the program.
//!
//! It deliberately knows no capability: acts name themselves.

mod export;
mod find;
mod keeper;
mod looked;
mod origin;
pub mod records;

pub use export::export_blocking;
pub(crate) use find::verify_in;
pub use find::{Entry, Finding, Wanted, after_blocking, look, verify};
pub(crate) use keeper::{Keeper, Recorder};
pub use looked::{begun, looked};
pub use origin::Origin;
pub use records::MIGRATIONS;

/// Acts of customers and merchants, and of the bank for them, that are recorded. Of staff every act is.
const KEPT: &[&str] = &[
    "sessions.change_password",
    "cards.link",
    "cards.remove",
    "factors.set_pin",
    "factors.begin_totp",
    "factors.confirm_totp",
    "factors.make_recovery_codes",
    "factors.remove",
    "confirmations.set_small",
    "devices.bind",
    "devices.revoke",
    "sessions.end",
    "sessions.end_others",
    "sessions.end_reused",
    "wallets.lower_limits",
    "merchants.create_key",
    "merchants.rotate_key",
    "merchants.revoke_key",
];

#[cfg(test)]
mod tests;

//! Wire formats of the outside world: parse, validate, build.
//!
//! Invariants: no input makes any reader here panic or grow without bound; every refusal is a closed enum with a stable
//! [`vocabulary::ErrorCode`] and a sentence; what a builder writes its reader reads back the same.
//! This crate deliberately knows nothing of our accounts, of transport, of storage or of the current time.

pub mod alias;
pub mod card;
pub mod card_link;
pub mod card_rows;
pub mod emvco;
pub mod iban;
pub mod jwe;
pub mod jwk;
pub mod report;
pub mod standard_webhooks;

#[cfg(test)]
mod vectors;

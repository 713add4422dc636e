//! The card vault: the only place that ever holds a card number. It is a process of its own with a store of its own, so that
//! nothing else is in the scope of card data.
//!
//! ```text
//! customer's page ──ticket?──▶ bank            the bank signs a ticket: this customer, five minutes, one card
//!        │
//!        ├──GET /v1/keys─────▶ vault           the key that card details are encrypted for
//!        └──POST /v1/cards───▶ vault           ticket and JWE; the answer is a token, the brand, the last four digits
//! customer's page ──token────▶ bank ──describe──▶ vault      is that token this customer's, and what is to be shown?
//! ```
//!
//! Invariants: a number stands in the store only as ciphertext under a key of its own, wrapped by the key vault, and as a
//! keyed fingerprint that also covers its owner, so that the same number of two people shows nowhere; table, column, row and
//! key version are additional data, so that a ciphertext moved elsewhere does not open. No answer and no log has more of a
//! number than its last four digits. The security code is checked for its form and forgotten. Nobody can ask whether a number
//! is known: only its owner gets the same token again. What nobody links within a day is destroyed.
//!
//! The vault knows customers' ids and nothing else of the bank. There is no card network yet: nothing is charged, and no way
//! leads a number out of here.

mod envelope;
mod error;
mod http;
mod intake;
mod keys;
mod records;
mod vault;

pub use error::{OpenError, Refused, Trouble};
pub use http::{HttpOptions, serve};
pub use keys::OVERLAP_SECONDS;
pub use vault::{Options, Tidied, UNCLAIMED_SECONDS, Vault};

/// The vault's database within its directory.
pub const FILE_NAME: &str = "cards.db";

#[cfg(test)]
mod tests;

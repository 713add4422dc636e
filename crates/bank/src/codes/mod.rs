//! Merchant-presented QR codes (EMVCo): a static one for a store, a dynamic one for an order; and what a scanned one means.
//!
//! A code carries the bank's own identifier (the tenant's number, so that no other tenant reads it as its own) and one
//! reference: the store, or the order. Nothing is stored for a code: it says what the store or order says, and what it says
//! is checked against them when it is scanned.
//!
//! Race closed: a dynamic code outlives its order — scanning shows the order's state, and paying decides on it in its own
//! unit of work. A code whose amount or currency differs from its order was tampered with and is refused.

mod present;
mod resolve;

pub use present::{CodeView, for_order, for_store};
pub use resolve::{Scanned, resolve};

use crate::Bank;

/// The identifier by which the bank knows its own codes: 32 hexadecimal digits, a UUID without hyphens.
#[must_use]
pub fn own_guid(bank: &Bank) -> String {
    format!("{:032x}", bank.store().tenant().settings.id)
}

#[cfg(test)]
mod tests;

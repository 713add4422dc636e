//! Quotes: what a payment would cost and leave, promised for a while; and dry runs of every movement of a payment.
//!
//! A dry run posts the movement in a unit of work that keeps nothing of it, so it obeys the same rules in the same order as
//! the movement itself. A quote is a dry run with a promise: whoever pays with it before it expires pays the fee it names,
//! whatever the policies say by then.
//!
//! Race closed: policies change between quote and payment — the fee terms stand in the quote's own row. A quote is tied to
//! everything that was asked for, so it cannot be used for another amount, merchant or payer.

mod dry_run;
mod quote;
pub(crate) mod records;

pub use dry_run::{Preview, of_capture, of_refund};
pub(crate) use quote::redeem;
pub use quote::{QuoteView, quote};
pub use records::MIGRATIONS;

#[cfg(test)]
mod tests;

//! Messages to people: written (sealed) with the unit that causes them, handed to the notifier by a job, and kept, so that a
//! sandbox can show them on its outbox page.

pub mod records;
mod send;
mod to_customer;

pub use records::MIGRATIONS;
pub(crate) use send::{Draft, Told};
pub use send::{NoticeView, list, run_send};
pub(crate) use to_customer::to_customer;

/// A message is to be handed to the notifier.
pub const JOB_SEND: &str = "notices.send";

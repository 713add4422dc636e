//! Aliases: names under which a wallet is found by those who want to pay it.
//!
//! ```text
//! claim ── code sent ── confirm ──▶ verified ──▶ released
//!   │                     ├─ wrong code, counted; too many: dead
//!   │                     └─ too late: dead
//!   └─ a handle has no address to send to: verified at once
//! ```
//!
//! Invariants: a verified alias belongs to one wallet (unique keyed hash); a claim that is not verified gives nothing to
//! anybody. Codes are stored as keyed hashes, aliases sealed.

mod claim;
mod confirm;
pub mod records;
mod resolve;

pub use claim::{AliasView, claim, list};
pub use confirm::{confirm, release};
pub(crate) use records::release_all;
pub use records::MIGRATIONS;
pub use resolve::{Holder, resolve, search_hash};

use crate::bank::Bank;
use crate::error::BankError;
use store::{Job, Outcome};

/// An alias was verified: who waited for it can go on. The subject is the alias.
pub const JOB_VERIFIED: &str = "aliases.verified";

/// What aliases are hashed for.
const SEARCH: &str = "alias.hash";
/// What codes are hashed for.
const CODE: &str = "alias.code";

/// Ends the job.
pub(crate) fn run_verified(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let no = job.no;
    bank.store().write_blocking(move |uow| {
        uow.finish_job(no)?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

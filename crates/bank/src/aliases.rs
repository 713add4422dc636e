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
pub use records::{Holder, MIGRATIONS, resolve};
pub use resolve::{by_id, find, masked, search_hash};

use crate::bank::Bank;
use crate::error::BankError;
use crate::transfers;
use store::{Job, Outcome, StoreError};
use vocabulary::Id;

/// An alias was verified: who waited for it can go on. The subject is the alias.
pub const JOB_VERIFIED: &str = "aliases.verified";

/// What aliases are hashed for.
const SEARCH: &str = "alias.hash";
/// What codes are hashed for.
const CODE: &str = "alias.code";

/// Gives the holder what waited for the alias.
pub(crate) fn run_verified(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (claim, id, desk) = (job.claim, Id::from_u128(job.subject), bank.desk());
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)?
            && let Some(row) = records::by_id(uow.reading(), id)?
            && row.verified.is_some()
            && row.released.is_none()
        {
            let claimed = transfers::claim_for_alias(&desk, uow, &row.hash, row.customer)?;
            if claimed == transfers::CLAIMED_AT_ONCE {
                let now = uow.now();
                uow.schedule(now, JOB_VERIFIED, id.as_u128())?;
            }
        }
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

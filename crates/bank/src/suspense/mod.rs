//! Suspense: money that has come and cannot be credited, because its wallet was closed or the bank contradicts itself.
//!
//! ```text
//! waiting ──► released (to a wallet of the owner or the account it was meant for, by two people)
//!    ├──────► sent back (by rail, by two people)
//!    └──────► taken back (the bank's statement shows it)
//! ```
//! It waits in an account of the bank's own under a case that says why, and leaves by no other way. Invariant: what waits for
//! an owner adds up to what the suspense account of top-ups holds, and is part of what that of payouts holds.

pub(crate) mod records;
mod release;
#[cfg(test)]
mod tests;

pub use records::MIGRATIONS;
pub(crate) use release::{release, send_back, sender, target};

use ledger::AccountNo;
use sql::{Reading, SqlError};
use store::{StoreError, Uow};
use vocabulary::{Id, kinds};

/// Money that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The case that says why.
    pub(crate) case: Id<kinds::Case>,
    /// The top-up or payout.
    pub(crate) subject: u128,
    /// The customer or merchant whose it is.
    pub(crate) owner: u128,
    /// Where it waits.
    pub(crate) account: AccountNo,
    /// The account it was meant for.
    pub(crate) meant: AccountNo,
    /// The currency's number.
    pub(crate) currency: u16,
    /// Minor units.
    pub(crate) amount: i64,
}

/// How the waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum How {
    /// To a wallet of the owner, or the account it was meant for.
    Released = 1,
    /// To where it came from, by rail.
    SentBack = 2,
    /// By the bank.
    TakenBack = 3,
}

/// Notes that money waits; it stands in its account already.
pub(crate) fn park(uow: &mut Uow<'_, '_>, new: &Waiting) -> Result<(), StoreError> {
    records::add(uow, new)
}

/// What waits under a case.
pub(crate) fn under(reading: Reading<'_>, case: Id<kinds::Case>) -> Result<Option<Waiting>, SqlError> {
    records::of_case(reading, case, true)
}

/// What waited under a case and does not any more.
pub(crate) fn before(reading: Reading<'_>, case: Id<kinds::Case>) -> Result<Option<Waiting>, SqlError> {
    records::of_case(reading, case, false)
}

/// Whether money waits because of a top-up or payout.
pub(crate) fn waits(reading: Reading<'_>, subject: u128) -> Result<bool, SqlError> {
    Ok(records::of_subject(reading, subject)?.is_some())
}

/// Whether people let money go, to its owner or back to its sender, that waited because of a top-up or payout.
pub(crate) fn let_go(reading: Reading<'_>, subject: u128) -> Result<bool, SqlError> {
    records::ended(reading, subject, [How::Released, How::SentBack])
}

/// Notes that nothing waits any more because of a top-up or payout.
pub(crate) fn end_of(uow: &mut Uow<'_, '_>, subject: u128, how: How) -> Result<(), StoreError> {
    if let Some(found) = records::of_subject(uow.reading(), subject)? {
        records::end(uow, found.case, how)?;
    }
    Ok(())
}

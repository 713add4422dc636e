//! A settlement whose payout came to nothing: the bank refused it, or gave it back.
//!
//! The payout has brought the money back to the merchant's account in the same unit (or under a case, if that is closed), so
//! the next settlement finds it in its balance, takes from it what the merchant owes by then, and pays out the rest.
//!
//! Race closed here: the bank's word may come twice, or after the settlement was returned for another reason; only one that
//! is on its way returns, once. A payout that is executed after all does not bring the settlement forward again: what it
//! paid stands as the merchant's receivable, which the next settlement collects.

use super::settle::tell;
use super::{SettlementState, records};
use crate::Desk;
use store::{StoreError, Uow};
use vocabulary::Id;

/// Returns the settlement that caused a payout, if one did and it is on its way.
pub(crate) fn payout_came_back(desk: &Desk, uow: &mut Uow<'_, '_>, cause: u128) -> Result<(), StoreError> {
    let found = records::by_id(uow.reading(), Id::from_u128(cause))?;
    let Some(mut row) = found.filter(|row| row.state == SettlementState::Sent) else { return Ok(()) };
    row.state = SettlementState::Returned;
    records::set_state(uow, row.id, row.state, row.payout)?;
    tell(desk, uow, "settlement.returned", &row);
    Ok(())
}

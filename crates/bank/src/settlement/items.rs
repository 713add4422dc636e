//! What a journal line means to a merchant: decided by the entry's type and by who stands on the other side.

use super::totals::Sides;
use crate::entries::EntryKind;
use ledger::{Action, Line};
use store::Header;

/// What a line does to the merchant's account; minor units. Fees and tax given back are negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Received from a payer.
    Payment(i64),
    /// Given back to a payer.
    Refund(i64),
    /// Taken back by a dispute.
    ChargeBack(i64),
    /// A fee.
    Fee(i64),
    /// Tax on a fee.
    Tax(i64),
    /// From the reserve.
    FromReserve(i64),
    /// By an earlier settlement and its payout, out less what came back.
    Settled(i64),
    /// In less out.
    Other(i64),
    /// A hold placed or released: the balance does not change.
    None,
}

/// What the line does to the account that `sides` is about.
pub(crate) fn effect(line: &Line, header: &Header, sides: Sides) -> Effect {
    if !matches!(line.action, Action::Post | Action::Capture) {
        return Effect::None;
    }
    let out = line.debit == sides.account;
    let other = if out { line.credit } else { line.debit };
    let signed = if out { line.amount } else { -line.amount };
    let kind = EntryKind::from_number(header.kind);
    if matches!(
        kind,
        Some(
            EntryKind::Settlement
                | EntryKind::SettlementPaid
                | EntryKind::SettlementReturned
                | EntryKind::Payout
                | EntryKind::PayoutReturned
                | EntryKind::SuspenseReleased
        )
    ) {
        return Effect::Settled(signed);
    }
    if other == sides.income {
        return Effect::Fee(signed);
    }
    if other == sides.tax {
        return Effect::Tax(signed);
    }
    if other == sides.reserve {
        return Effect::FromReserve(-signed);
    }
    match kind {
        Some(EntryKind::Payment | EntryKind::PaymentCapture) if !out => Effect::Payment(line.amount),
        Some(EntryKind::Refund) if out => Effect::Refund(line.amount),
        Some(EntryKind::Chargeback) if out => Effect::ChargeBack(line.amount),
        _ => Effect::Other(-signed),
    }
}

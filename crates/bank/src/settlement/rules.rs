//! Where a settlement's money goes: a pure function of what is there, what is owed and the terms.

use crate::policies::{SettlementMode, SettlementTerms};
use money::{Rounding, mul_div};
use serde::{Deserialize, Serialize};

/// What a settlement decides on; minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The balance at the cut-off.
    pub closing: i64,
    /// What is available now.
    pub available: i64,
    /// Receipts since the last settlement.
    pub payments: i64,
    /// Fees and tax since then, less what refunds gave back.
    pub fees: i64,
    /// What the merchant owes the bank.
    pub owed: i64,
    /// Fees of earlier settlements that are to be collected now.
    pub claimed: i64,
}

/// Where a settlement's money goes; minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// Fees put back under gross terms, to be collected later.
    pub fees_put_back: i64,
    /// Repaid to the bank.
    pub repaid: i64,
    /// Earlier fees collected.
    pub fees_collected: i64,
    /// Into the reserve.
    pub reserved: i64,
    /// To the merchant's bank.
    pub paid_out: i64,
}

/// Decides: debts first, then collected fees, then the reserve; the rest is paid out unless it is less than the least payout,
/// which stays on the account.
#[must_use]
pub fn shares(facts: &Facts, terms: &SettlementTerms) -> Shares {
    let base = facts.closing.min(facts.available).max(0);
    let fees_put_back = match terms.mode {
        SettlementMode::Gross => facts.fees.max(0),
        SettlementMode::Net => 0,
    };
    let mut left = base.saturating_add(fees_put_back);
    let mut take = |wanted: i64| {
        let taken = wanted.clamp(0, left);
        left -= taken;
        taken
    };
    let repaid = take(facts.owed);
    let fees_collected = take(facts.claimed);
    let share = mul_div(facts.payments.max(0), i64::from(terms.reserve_bps), 10_000, Rounding::Down);
    let reserved = take(share.unwrap_or(i64::MAX));
    let paid_out = if left >= terms.min_minor { left } else { 0 };
    Shares { fees_put_back, repaid, fees_collected, reserved, paid_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(mode: SettlementMode, reserve_bps: u32) -> SettlementTerms {
        SettlementTerms { mode, reserve_bps, min_minor: 1, ..SettlementTerms::default() }
    }

    #[test]
    fn net_terms_pay_out_the_balance() {
        let facts = Facts { closing: 9_940, available: 9_940, payments: 10_000, fees: 60, ..Facts::default() };
        assert_eq!(shares(&facts, &terms(SettlementMode::Net, 0)).paid_out, 9_940);
    }

    #[test]
    fn gross_terms_pay_out_the_sales_and_claim_the_fees() {
        let facts = Facts { closing: 9_940, available: 9_940, payments: 10_000, fees: 60, ..Facts::default() };
        let found = shares(&facts, &terms(SettlementMode::Gross, 0));
        assert_eq!((found.fees_put_back, found.paid_out), (60, 10_000));
    }

    #[test]
    fn debts_come_before_reserve_and_payout() {
        let facts = Facts { closing: 1_000, available: 1_000, payments: 1_000, owed: 950, ..Facts::default() };
        let found = shares(&facts, &terms(SettlementMode::Net, 1_000));
        assert_eq!((found.repaid, found.reserved, found.paid_out), (950, 50, 0));
    }

    #[test]
    fn what_was_spent_after_the_cut_off_is_not_paid_out() {
        let facts = Facts { closing: 1_000, available: 300, payments: 1_000, ..Facts::default() };
        assert_eq!(shares(&facts, &terms(SettlementMode::Net, 0)).paid_out, 300);
    }

    #[test]
    fn less_than_the_least_payout_stays() {
        let terms = SettlementTerms { min_minor: 500, ..terms(SettlementMode::Net, 0) };
        let facts = Facts { closing: 499, available: 499, ..Facts::default() };
        assert_eq!(shares(&facts, &terms), Shares::default());
    }
}

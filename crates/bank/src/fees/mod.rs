//! Fees: what a payment costs, who bears it, how much of it is tax, and how much comes back with a refund.
//!
//! A [`Fee`] is part of a policy; [`Fee::compute`] is pure. Over a payment's life the cumulative fee is what counts:
//! - several captures together cost what one capture of their sum costs ([`Fee::further`]);
//! - several refunds together give back what one refund of their sum gives back ([`returned`]), so that a full refund
//!   in any number of parts returns the fee to the last minor unit, and never more.
//!
//! Invariants: the fee lies between its bounds before the merchant's cap; what a merchant bears never exceeds the amount of its payment,
//! so that a payment cannot cost a merchant money; fee and tax never fall when the amount grows. This module deliberately
//! knows no accounts: who is debited is the payment's affair.

use crate::policies::{Bearer, Fee};
use money::{MoneyError, Rounding, mul_div};
use serde::{Deserialize, Serialize};

/// A fee and its tax, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeParts {
    /// The bank's income, tax aside.
    pub fee: i64,
    /// Owed to the tax office.
    pub tax: i64,
}

impl FeeParts {
    /// Fee and tax together: what its bearer pays.
    #[must_use]
    pub const fn total(self) -> i64 {
        self.fee + self.tax
    }
}

const WHOLE: i64 = 10_000;

impl Fee {
    /// The fee on an amount: basis points rounded as named, plus the fixed part, kept between its bounds; the tax contained in
    /// it is set apart. What the payee bears is cut at the amount. Nothing
    /// is charged on nothing.
    ///
    /// # Errors
    /// `Negative` for a negative amount, `Overflow` when the fee leaves the range.
    pub fn compute(&self, amount: i64) -> Result<FeeParts, MoneyError> {
        if amount == 0 {
            return Ok(FeeParts::default());
        }
        let share = mul_div(amount, i64::from(self.bps), WHOLE, self.rounding.rounding())?;
        let total = share.checked_add(self.fixed_minor).ok_or(MoneyError::Overflow)?.max(self.min_minor);
        let total = self.max_minor.map_or(total, |max| total.min(max));
        self.split(match self.bearer {
            Bearer::Payee => total.min(amount),
            Bearer::Payer => total,
        })
    }

    fn split(&self, total: i64) -> Result<FeeParts, MoneyError> {
        // Rounded down: what cannot be split is the bank's to explain, not the state's to claim.
        let tax = mul_div(total, i64::from(self.tax_bps), WHOLE, Rounding::Down)?;
        Ok(FeeParts { fee: total - tax, tax })
    }

    /// What a further capture costs when `before` of the payment was captured already: the difference of the cumulative fees.
    ///
    /// # Errors
    /// As [`Fee::compute`].
    pub fn further(&self, before: i64, amount: i64) -> Result<FeeParts, MoneyError> {
        let old = self.compute(before)?;
        let new = self.compute(before.checked_add(amount).ok_or(MoneyError::Overflow)?)?;
        let total = new.total() - old.total();
        let tax = (new.tax - old.tax).clamp(0, total);
        Ok(FeeParts { fee: total - tax, tax })
    }
}

/// What a refund gives back of a fee: pro rata of all refunds so far together, less what was given back before.
/// `refunded` includes the refund at hand; at most `captured`.
///
/// # Errors
/// `Negative` when nothing was captured or an argument is negative.
pub fn returned(
    charged: FeeParts,
    before: FeeParts,
    (refunded, captured): (i64, i64),
    rounding: Rounding,
) -> Result<FeeParts, MoneyError> {
    let total = mul_div(charged.total(), refunded, captured, rounding)?;
    let tax = mul_div(charged.tax, refunded, captured, Rounding::Down)?;
    // No more fee than was charged: what rounding adds beyond it is tax.
    let tax = tax.max(total - charged.fee);
    let now = (total - before.total()).max(0);
    let tax = (tax - before.tax).clamp(0, now);
    Ok(FeeParts { fee: now - tax, tax })
}

#[cfg(test)]
mod tests;

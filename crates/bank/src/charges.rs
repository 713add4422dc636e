//! What a movement between people and banks costs: a fee with its tax contained, by a policy's terms.
//!
//! Pure. The fee never exceeds the amount when the payee bears it, so that nobody receives less than nothing.

use crate::fees::FeeParts;
use crate::policies::{Bearer, Fee};
use money::{MoneyError, Rounding, mul_div};

/// A fee, split; minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    /// The bank's part.
    pub(crate) fee: i64,
    /// The state's part.
    pub(crate) tax: i64,
    /// Whether it comes on top of the amount (the payer bears it) or out of it.
    pub(crate) on_top: bool,
    /// Whether it goes back when the movement does.
    pub(crate) refundable: bool,
}

const WHOLE: i64 = 10_000;

impl Charge {
    /// The charge on an amount under terms; nothing when there are none.
    ///
    /// # Errors
    /// `Overflow` when the sum leaves the range.
    pub(crate) fn of(terms: Option<&Fee>, amount: i64) -> Result<Self, MoneyError> {
        terms.map_or(Ok(Self::default()), |terms| Self::by(terms, amount))
    }

    fn by(terms: &Fee, amount: i64) -> Result<Self, MoneyError> {
        let share = mul_div(amount, i64::from(terms.bps), WHOLE, terms.rounding.rounding())?;
        let total = share.checked_add(terms.fixed_minor).ok_or(MoneyError::Overflow)?.max(terms.min_minor);
        let total = terms.max_minor.map_or(total, |max| total.min(max));
        let on_top = terms.bearer == Bearer::Payer;
        let total = if on_top { total } else { total.min(amount) };
        // Rounded down: what cannot be split is the bank's to explain, not the state's to claim.
        let tax = mul_div(total, i64::from(terms.tax_bps), WHOLE, Rounding::Down)?;
        Ok(Self { fee: total - tax, tax, on_top, refundable: terms.refundable })
    }

    /// The two parts, as they are shown.
    pub(crate) const fn parts(&self) -> FeeParts {
        FeeParts { fee: self.fee, tax: self.tax }
    }

    /// Who bears it.
    pub(crate) const fn bearer(&self) -> Bearer {
        if self.on_top { Bearer::Payer } else { Bearer::Payee }
    }

    /// Fee and tax.
    pub(crate) const fn total(&self) -> i64 {
        self.fee + self.tax
    }
}

#[cfg(test)]
mod tests {
    use super::Charge;
    use crate::policies::{Bearer, Fee, RoundingRule};

    #[test]
    fn a_charge_is_fixed_plus_share_between_bounds_with_its_tax_inside() {
        let terms = Fee {
            fixed_minor: 10,
            bps: 100,
            min_minor: 20,
            max_minor: Some(500),
            bearer: Bearer::Payer,
            tax_bps: 600,
            refundable: false,
            rounding: RoundingRule::HalfUp,
        };
        for (amount, fee, tax) in [(100, 19, 1), (5_000, 57, 3), (1_000_000, 470, 30)] {
            let charge = Charge::by(&terms, amount).expect("in range");
            assert_eq!((charge.fee, charge.tax, charge.on_top), (fee, tax, true), "on {amount}");
        }
        let payee = Fee { bearer: Bearer::Payee, ..terms };
        assert_eq!(Charge::by(&payee, 7).expect("in range").total(), 7, "at most the amount");
        assert!(Charge::by(&Fee { fixed_minor: i64::MAX, ..terms }, i64::MAX).is_err());
    }
}

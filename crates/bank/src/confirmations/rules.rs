//! When a movement has to be confirmed.

use serde::{Deserialize, Serialize};

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A factor was set or removed a short while ago.
    FactorChanged,
    /// The payee was never paid so before.
    NewPayee,
    /// It is not a small amount.
    Amount,
    /// Sum or number of small movements are used up.
    UsedUp,
}

/// What a decision rests on; amounts in minor units of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) amount: i64,
    pub(super) payee_is_new: bool,
    pub(super) factor_changed: bool,
    /// The largest small amount, the most in sum, the most in number.
    pub(super) most: (i64, i64, u32),
    /// What has passed since the last confirmed movement: sum and number.
    pub(super) passed: (i64, u32),
}

/// Why it has to be confirmed; nothing when it passes.
pub(super) fn reason(facts: &Facts) -> Option<Reason> {
    let (each, sum, count) = facts.most;
    let (passed_sum, passed_count) = facts.passed;
    if facts.factor_changed {
        return Some(Reason::FactorChanged);
    }
    if facts.payee_is_new {
        return Some(Reason::NewPayee);
    }
    if facts.amount > each {
        return Some(Reason::Amount);
    }
    let used_up = passed_sum.saturating_add(facts.amount) > sum || passed_count >= count;
    used_up.then_some(Reason::UsedUp)
}

#[cfg(test)]
mod tests {
    use super::{Facts, Reason, reason};

    #[test]
    fn small_movements_pass_until_sum_or_number_is_used_up() {
        let small = Facts {
            amount: 3_000,
            payee_is_new: false,
            factor_changed: false,
            most: (3_000, 10_000, 5),
            passed: (0, 0),
        };
        let cases = [
            (small, None),
            (Facts { amount: 3_001, ..small }, Some(Reason::Amount)),
            (Facts { passed: (7_000, 3), ..small }, None),
            (Facts { passed: (7_001, 3), ..small }, Some(Reason::UsedUp)),
            (Facts { passed: (4, 4), ..small }, None),
            (Facts { passed: (5, 5), ..small }, Some(Reason::UsedUp)),
            (Facts { passed: (i64::MAX, 1), ..small }, Some(Reason::UsedUp)),
            (Facts { most: (0, 0, 5), ..small }, Some(Reason::Amount)),
            (Facts { payee_is_new: true, ..small }, Some(Reason::NewPayee)),
            (Facts { payee_is_new: true, factor_changed: true, ..small }, Some(Reason::FactorChanged)),
        ];
        for (facts, expected) in cases {
            assert_eq!(reason(&facts), expected, "{facts:?}");
        }
    }
}

//! Division of money: every rounding is named, every remainder is allotted.

use crate::amount::MoneyError;

/// How a quotient that is not whole becomes whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest, a tie away from zero (commercial rounding).
    HalfUp,
    /// To the nearest, a tie to the even neighbour (banker's rounding, IEEE 754 `roundTiesToEven`).
    HalfEven,
}

/// `amount × numerator ÷ denominator` of non-negative numbers, exact in 128 bits, rounded as named.
///
/// # Errors
/// `Negative` for a negative operand or a zero denominator; `Overflow` when the result is above `i64::MAX`.
pub fn mul_div(amount: i64, numerator: i64, denominator: i64, rounding: Rounding) -> Result<i64, MoneyError> {
    if amount < 0 || numerator < 0 || denominator <= 0 {
        return Err(MoneyError::Negative);
    }
    let product = i128::from(amount) * i128::from(numerator);
    let divisor = i128::from(denominator);
    let (quotient, rest) = (product / divisor, product % divisor);
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfUp => rest * 2 >= divisor,
        Rounding::HalfEven => rest * 2 > divisor || (rest * 2 == divisor && quotient % 2 == 1),
    };
    i64::try_from(quotient + i128::from(up)).map_err(|_| MoneyError::Overflow)
}

/// Splits `amount` in proportion to `weights`, by largest remainder; the shares add up to `amount` exactly. A tie goes to
/// the earlier share.
///
/// # Errors
/// `Negative` when the amount or a weight is negative or all weights are zero.
pub fn allot(amount: i64, weights: &[i64]) -> Result<Vec<i64>, MoneyError> {
    let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if amount < 0 || total <= 0 || weights.iter().any(|w| *w < 0) {
        return Err(MoneyError::Negative);
    }
    let exact = |weight: &i64| i128::from(amount) * i128::from(*weight);
    let mut shares = Vec::with_capacity(weights.len());
    for weight in weights {
        shares.push(i64::try_from(exact(weight) / total).map_err(|_| MoneyError::Overflow)?);
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(exact(&weights[*i]) % total));
    let left = amount - shares.iter().sum::<i64>();
    for i in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        shares[i] += 1;
    }
    Ok(shares)
}

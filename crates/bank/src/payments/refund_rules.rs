//! Decisions about refunds: pure functions of the payment, what the merchant has, the wish and the moment.

use super::Payment;
use crate::Own;
use crate::fees::{FeeParts, returned};
use crate::policies::Bearer;
use ledger::{AccountNo, Count, Step, UpTo};
use money::MoneyError;
use vocabulary::{ErrorCode, Timestamp};

/// Why a payment cannot be refunded, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRejection {
    /// Nothing moved.
    NotCaptured,
    /// It is too long ago.
    TooLate {
        /// How many days the policy allows.
        days: u32,
    },
    /// There were too many refunds.
    TooMany {
        /// How many the policy allows.
        most: u32,
    },
    /// The amount is zero.
    AmountNotPositive,
    /// Refunds and disputes would exceed what moved.
    ExceedsPayment {
        /// Minor units that are left.
        left: i64,
    },
    /// Neither balance nor reserve suffice, and the merchant does not want to wait.
    MerchantShort,
}

impl RefundRejection {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotCaptured => ErrorCode::PaymentNotCaptured,
            Self::TooLate { .. } => ErrorCode::RefundTooLate,
            Self::TooMany { .. } => ErrorCode::RefundTooMany,
            Self::AmountNotPositive => ErrorCode::AmountNotPositive,
            Self::ExceedsPayment { .. } => ErrorCode::RefundExceedsPayment,
            Self::MerchantShort => ErrorCode::RefundMerchantShort,
        }
    }

    /// What to do.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::NotCaptured => "nothing of the payment was captured; void it instead".to_owned(),
            Self::TooLate { days } => {
                format!("a payment can be refunded for {days} days; pay the customer another way")
            }
            Self::TooMany { most } => format!("a payment can be refunded {most} times; pay the customer another way"),
            Self::AmountNotPositive => "refund an amount above zero".to_owned(),
            Self::ExceedsPayment { left } => {
                format!("refunds and open disputes leave {left} minor units; refund at most that")
            }
            Self::MerchantShort => {
                "balance and reserve are too small for the refund; let it wait for the next settlement, or add money"
                    .to_owned()
            }
        }
    }
}

/// How long and how often a payment can be refunded: the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundTerms {
    /// For how many days.
    pub days: u32,
    /// How often.
    pub most: u32,
}

/// How much a refund gives back: the amount asked for, or all that is left.
///
/// # Errors
/// The first that applies; [`RefundRejection::MerchantShort`] is decided later, on the balances.
pub fn refund(
    payment: &Payment,
    asked: Option<i64>,
    terms: RefundTerms,
    now: Timestamp,
) -> Result<i64, RefundRejection> {
    if payment.captured == 0 {
        return Err(RefundRejection::NotCaptured);
    }
    if now > payment.created.plus_seconds(i64::from(terms.days) * 86_400) {
        return Err(RefundRejection::TooLate { days: terms.days });
    }
    if payment.refunds >= terms.most {
        return Err(RefundRejection::TooMany { most: terms.most });
    }
    let left = payment.refundable_left();
    match asked {
        Some(amount) if amount <= 0 => Err(RefundRejection::AmountNotPositive),
        Some(amount) if amount > left => Err(RefundRejection::ExceedsPayment { left }),
        Some(amount) => Ok(amount),
        None if left == 0 => Err(RefundRejection::ExceedsPayment { left }),
        None => Ok(left),
    }
}

/// What a refund of this amount gives back of the fee, now.
///
/// # Errors
/// When the payment's sums contradict each other.
pub fn fee_back(payment: &Payment, amount: i64) -> Result<FeeParts, MoneyError> {
    if !payment.refundable {
        return Ok(FeeParts::default());
    }
    // A charge-back gives no fee back, neither itself nor through a refund after it.
    let gone = payment.refunded + amount;
    returned(payment.charged, payment.given_back, (gone, payment.captured), payment.rounding.rounding())
}

/// What the merchant can pay a refund from, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// Available on its account.
    pub balance: i64,
    /// Available in its reserve.
    pub reserve: i64,
    /// Nothing may be credited to its account: the merchant is suspended. It refunds all the same.
    pub frozen: bool,
}

/// The bank's own accounts that a refund touches, in the payment's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Till {
    /// [`Own::FeeIncome`]
    pub income: AccountNo,
    /// [`Own::TaxPayable`]
    pub tax: AccountNo,
}

impl Till {
    /// Which own accounts they are.
    pub const ACCOUNTS: [Own; 2] = [Own::FeeIncome, Own::TaxPayable];
}

/// The steps of a refund: the fee comes back first, then the reserve lends what the balance lacks, then the payer is paid and
/// gets back the limits used on the payment's day. To a suspended merchant nothing is credited on the way: everything goes
/// to the payer at once. Nothing when balance and reserve together do not suffice.
#[must_use]
pub fn steps(payment: &Payment, amount: i64, back: FeeParts, (purse, till): (Purse, Till)) -> Option<Vec<Step>> {
    let to_merchant = payment.bearer == Bearer::Payee;
    let receiver = if to_merchant { payment.to } else { payment.from };
    let give = Count::GiveBack { day: payment.day };
    let count = if to_merchant { Count::No } else { give };
    let regained = if to_merchant { back.fee + back.tax } else { 0 };
    let short = (amount - regained - purse.balance).max(0);
    if short > purse.reserve {
        return None;
    }
    if to_merchant && purse.frozen {
        let from_balance = amount - regained - short;
        return Some(moves(&[
            (payment.to, payment.from, from_balance, give),
            (payment.reserve, payment.from, short, give),
            (till.income, payment.from, back.fee, give),
            (till.tax, payment.from, back.tax, give),
        ]));
    }
    let legs = [
        (till.income, receiver, back.fee, count),
        (till.tax, receiver, back.tax, count),
        (payment.reserve, payment.to, short, Count::No),
        (payment.to, payment.from, amount, give),
    ];
    Some(moves(&legs))
}

/// Legs as steps, leaving out those that move nothing.
#[must_use]
pub(crate) fn moves(legs: &[(AccountNo, AccountNo, i64, Count)]) -> Vec<Step> {
    let step = |&(debit, credit, amount, count): &(AccountNo, AccountNo, i64, Count)| {
        (amount > 0).then_some(Step::Post { debit, credit, amount, up_to: UpTo::default(), count })
    };
    legs.iter().filter_map(step).collect()
}

//! Money on the wire: `{"amount":"12.34","currency":"CNY"}`, a decimal string and a code, never a number.

use bank::{Bank, Currencies};
use edge::{Object, Problem};
use money::{ParseAmountError, print_minor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use vocabulary::ErrorCode;

/// An amount of one currency. The amount is plain ASCII digits with at most one point and at most the currency's digits
/// after it: no sign, no exponent, no grouping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"amount": "12.34", "currency": "CNY"}))]
pub struct Money {
    /// Decimal digits.
    #[schema(pattern = "^(0|[1-9][0-9]{0,18})(\\.[0-9]{1,6})?$", max_length = 26)]
    pub amount: String,
    /// ISO 4217 code, or the code of a unit that the bank declared.
    #[schema(pattern = "^[A-Z0-9]{2,8}$")]
    pub currency: String,
}

/// A balance or a difference: as money, and below zero with a minus sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"amount": "-12.34", "currency": "CNY"}))]
pub struct Balance {
    /// Decimal digits, perhaps with a minus sign.
    #[schema(pattern = "^-?(0|[1-9][0-9]{0,38})(\\.[0-9]{1,6})?$", max_length = 48)]
    pub amount: String,
    /// ISO 4217 code, or the code of a unit that the bank declared.
    #[schema(pattern = "^[A-Z0-9]{2,8}$")]
    pub currency: String,
}

impl Balance {
    /// So many minor units of a currency that the bank knows.
    pub fn of(currencies: &Currencies, minor: impl Into<i128>, code: &str) -> Self {
        Self { amount: print(currencies, minor.into(), code), currency: code.to_owned() }
    }
}

fn print(currencies: &Currencies, minor: i128, code: &str) -> String {
    print_minor(minor, currencies.parse(code).map_or(0, |currency| currency.digits()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    amount: String,
    currency: String,
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(Form { amount, currency }) = Object::deserialize(deserializer)?;
        Ok(Self { amount, currency })
    }
}

impl Money {
    /// So many minor units of a currency that the bank knows.
    pub fn of(currencies: &Currencies, minor: i64, code: &str) -> Self {
        Self { amount: print(currencies, i128::from(minor), code), currency: code.to_owned() }
    }

    /// What it says. `at` is the pointer of the field it stands in.
    ///
    /// # Errors
    /// `currency_unknown`, `amount_malformed`, `amount_too_precise`, `amount_too_large`.
    pub fn read(&self, bank: &Bank, at: &str) -> Result<money::Money, Problem> {
        let currency =
            bank.currencies().parse(&self.currency).map_err(|code| Problem::new(code).at(format!("{at}/currency")))?;
        money::Money::parse(&self.amount, currency).map_err(|error| {
            let code = match error {
                ParseAmountError::Malformed => ErrorCode::AmountMalformed,
                ParseAmountError::TooManyDigits => ErrorCode::AmountTooPrecise,
                ParseAmountError::Overflow => ErrorCode::AmountTooLarge,
            };
            Problem::new(code).at(format!("{at}/amount"))
        })
    }

    /// What it says, when it is above zero.
    ///
    /// # Errors
    /// As [`Money::read`], and `amount_not_positive`.
    pub fn positive(&self, bank: &Bank, at: &str) -> Result<money::Money, Problem> {
        let money = self.read(bank, at)?;
        if money.is_zero() {
            return Err(Problem::new(ErrorCode::AmountNotPositive).at(format!("{at}/amount")));
        }
        Ok(money)
    }
}

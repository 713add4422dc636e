//! When a payer has to confirm a movement herself: the policy `step_up`.
//!
//! After Delegated Regulation (EU) 2018/389: article 5 (what is confirmed is tied to amount and payee) and article 16 (small
//! remote payments are let through until their sum or their number is used up).

use crate::currencies::Currencies;
use money::Currency;
use serde::{Deserialize, Serialize};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepUpMode {
    /// Nobody.
    Off,
    /// Customers who have set a PIN or an authenticator.
    Enrolled,
    /// Every customer; who has set nothing confirms by password.
    Required,
}

/// What passes without being asked in one currency, minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Small {
    /// The currency's code.
    pub currency: String,
    /// The largest amount.
    pub each_minor: i64,
    /// The most in sum since she last confirmed something.
    pub sum_minor: i64,
}

/// The policy `step_up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// Who is asked.
    pub mode: StepUpMode,
    /// Small movements, by currency; in a currency that has no row none is small.
    pub small: Vec<Small>,
    /// How many small movements in a row pass without being asked.
    pub small_count: u32,
    /// Whether the first transfer to a person and the first payout to a bank account are always asked for.
    pub new_payees: bool,
    /// For so many hours after a factor was set or removed everything is asked for.
    pub changed_hours: u32,
    /// For so many seconds a confirmation can be given and used.
    pub seconds: u32,
}

/// Whole units that are about 30 and 100 euros.
const FIRST: &[(&str, i64, i64)] = &[
    ("CHF", 30, 100),
    ("CNY", 200, 800),
    ("EUR", 30, 100),
    ("GBP", 25, 85),
    ("HKD", 250, 850),
    ("JPY", 5_000, 16_000),
    ("SGD", 45, 150),
    ("USD", 30, 110),
];

impl StepUp {
    pub(super) fn first(currencies: &Currencies) -> Self {
        let small = currencies.all().filter_map(|currency| {
            let (code, each, sum) = FIRST.iter().find(|(code, ..)| *code == currency.code())?;
            let unit = 10_i64.pow(u32::from(currency.digits()));
            Some(Small { currency: (*code).to_owned(), each_minor: each * unit, sum_minor: sum * unit })
        });
        let small = small.collect();
        let mode = StepUpMode::Enrolled;
        Self { mode, small, small_count: 5, new_payees: true, changed_hours: 24, seconds: 300 }
    }

    /// The largest small amount in a currency, and the most of them in sum; nothing is small in a currency without a row.
    #[must_use]
    pub fn small(&self, currency: Currency) -> (i64, i64) {
        let row = self.small.iter().find(|row| row.currency == currency.code());
        row.map_or((0, 0), |row| (row.each_minor, row.sum_minor))
    }

    pub(super) fn is_usable(&self) -> bool {
        let amounts = self.small.iter().all(|row| row.each_minor >= 0 && row.sum_minor >= 0);
        amounts && (30..=3_600).contains(&self.seconds) && self.changed_hours <= 720 && self.small_count <= 1_000
    }
}

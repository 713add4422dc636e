//! The values of policies that are more than a number.

use ledger::LimitSet;
use money::Rounding;
use serde::{Deserialize, Serialize};
use vocabulary::BookingDate;

/// Business days of the banks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Weekdays without business, Monday 1 to Sunday 7.
    pub weekend: Vec<u8>,
    /// Days without business, such as `2026-10-01`.
    pub holidays: Vec<String>,
    /// Weekend days on which banks work all the same.
    pub working_weekends: Vec<String>,
    /// Whether entries book on every day, business or not.
    pub books_every_day: bool,
}

impl Calendar {
    /// Whether banks work on that day.
    #[must_use]
    pub fn is_business_day(&self, day: BookingDate) -> bool {
        let named = |days: &[String]| days.iter().any(|text| BookingDate::parse(text) == Some(day));
        if self.weekend.contains(&day.weekday()) { named(&self.working_weekends) } else { !named(&self.holidays) }
    }

    /// The first business day from this day on; the day itself when a year has none.
    #[must_use]
    pub fn next_business_day(&self, day: BookingDate) -> BookingDate {
        (0..366).map(|ahead| day.plus_days(ahead)).find(|day| self.is_business_day(*day)).unwrap_or(day)
    }
}

/// Who bears a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// It is added to what the payer pays.
    Payer,
    /// It is taken from what the payee gets.
    Payee,
}

/// A named rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingRule {
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest, a tie away from zero.
    #[default]
    HalfUp,
    /// To the nearest, a tie to the even neighbour.
    HalfEven,
}

impl RoundingRule {
    /// As `money` names it.
    #[must_use]
    pub const fn rounding(self) -> Rounding {
        match self {
            Self::Down => Rounding::Down,
            Self::Up => Rounding::Up,
            Self::HalfUp => Rounding::HalfUp,
            Self::HalfEven => Rounding::HalfEven,
        }
    }
}

/// A fee: a fixed part and basis points of the amount, between bounds; amounts in the minor units of the movement's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// The fixed part.
    pub fixed_minor: i64,
    /// Basis points of the amount.
    pub bps: u32,
    /// At least.
    pub min_minor: i64,
    /// At most, if bounded.
    pub max_minor: Option<i64>,
    /// Who bears it.
    pub bearer: Bearer,
    /// Basis points of the fee that are tax, contained in it.
    pub tax_bps: u32,
    /// Whether a refund gives it back pro rata.
    pub refundable: bool,
    /// How it becomes whole.
    pub rounding: RoundingRule,
}

/// Whether fees are taken with each payment or at settlement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementMode {
    /// The merchant's bank gets everything; fees become a claim that is collected once a month.
    Gross,
    /// Fees are taken from each payment.
    #[default]
    Net,
}

/// When and how a merchant is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementTerms {
    /// Gross or net.
    pub mode: SettlementMode,
    /// Business days after the booking day.
    pub days: u32,
    /// Basis points of each day's receipts that are kept as reserve.
    pub reserve_bps: u32,
    /// Days for which the reserve is kept.
    pub reserve_days: u32,
    /// Less than this is carried forward; minor units.
    pub min_minor: i64,
}

impl Default for SettlementTerms {
    fn default() -> Self {
        Self { mode: SettlementMode::Net, days: 1, reserve_bps: 0, reserve_days: 90, min_minor: 1 }
    }
}

/// Limits in minor units; nothing where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Out, each movement.
    pub out_movement: Option<i64>,
    /// Out, a day.
    pub out_day: Option<i64>,
    /// Out, a month.
    pub out_month: Option<i64>,
    /// Out, a year.
    pub out_year: Option<i64>,
    /// In, each movement.
    pub in_movement: Option<i64>,
    /// In, a day.
    pub in_day: Option<i64>,
    /// In, a month.
    pub in_month: Option<i64>,
    /// In, a year.
    pub in_year: Option<i64>,
    /// The highest balance.
    pub balance: Option<i64>,
}

impl Limits {
    /// As the ledger takes them.
    #[must_use]
    pub const fn to_set(self) -> LimitSet {
        LimitSet {
            out: [self.out_movement, self.out_day, self.out_month, self.out_year],
            into: [self.in_movement, self.in_day, self.in_month, self.in_year],
            balance: self.balance,
        }
    }

    /// From what the ledger holds.
    #[must_use]
    pub const fn of_set(set: &LimitSet) -> Self {
        let [out_movement, out_day, out_month, out_year] = set.out;
        let [in_movement, in_day, in_month, in_year] = set.into;
        let balance = set.balance;
        Self { out_movement, out_day, out_month, out_year, in_movement, in_day, in_month, in_year, balance }
    }

    /// Every limit that is set.
    pub fn each(self) -> impl Iterator<Item = i64> {
        let set = self.to_set();
        set.out.into_iter().chain(set.into).chain([set.balance]).flatten()
    }
}

/// The limits of a tier in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierLimits {
    /// The tier, from 1.
    pub tier: u8,
    /// The currency's code.
    pub currency: String,
    /// Over all accounts of the person in the currency.
    pub person: Limits,
    /// Each account.
    pub account: Limits,
}

/// How many failures are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Failures before a pause.
    pub tries: u32,
    /// Minutes of the pause, and after which failures are forgotten.
    pub minutes: u32,
}

/// How long the tokens of a sign-in with a refresh token last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionTerms {
    /// Minutes for which an access token is good.
    pub access_minutes: u32,
    /// Minutes after its last refresh at which a session ends.
    pub idle_minutes: u32,
    /// Days after its last refresh at which a session of a bound device ends.
    pub device_idle_days: u32,
    /// Days for which a session of a bound device lasts, however often it is refreshed.
    pub device_days: u32,
    /// Seconds for which a challenge to a device is good.
    pub challenge_seconds: u32,
    /// Seconds for which the last refresh token may be used again, after an answer was lost.
    pub grace_seconds: u32,
}

impl SessionTerms {
    /// Whether every value is in its range.
    #[must_use]
    pub fn are_usable(&self) -> bool {
        (1..=1_440).contains(&self.access_minutes)
            && (self.access_minutes..=129_600).contains(&self.idle_minutes)
            && (1..=730).contains(&self.device_days)
            && (1..=self.device_days).contains(&self.device_idle_days)
            && (10..=3_600).contains(&self.challenge_seconds)
            && self.grace_seconds <= 300
    }
}

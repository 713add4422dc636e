//! The policies of a new bank, and the ranges within which a bank may set them.

use super::{
    Bearer, Calendar, Fee, Limits, Policies, RoundingRule, SessionTerms, SettlementMode, SettlementTerms, StepUp,
    Throttle, TierLimits,
};
use crate::approvals;
use crate::currencies::Currencies;
use crate::staff::{are_usable, first_roles};
use money::Currency;
use std::collections::BTreeMap;
use vocabulary::BookingDate;

/// Within so many days the last attempt of a webhook is made: a promise to receivers, which no bank takes back.
const WEBHOOK_DAYS: u64 = 3;

/// Where a default comes from, for auditors.
#[must_use]
pub(super) fn source(policy: &str) -> &'static str {
    match policy {
        "webhook_retry_seconds" => "the product's default, after the schedule that Standard Webhooks recommends",
        "webhook_secret_overlap_seconds" => "the product's default; Standard Webhooks asks for rotation without a gap",
        "order_longest_times" | "order_shortest_seconds" => "the product's default: an order lives a minute to a day",
        "rail_retry_seconds" => "the product's default: a bank that is away for a moment loses a customer no minute",
        "refund_retry_seconds" => "the product's default: a merchant's next money is tried within a quarter of an hour",
        "step_up" => {
            "the product's default, after Delegated Regulation (EU) 2018/389, article 16; about the same worth outside the euro"
        }
        "confirmation_seconds" => "the product's default: five times as long as a quote",
        "codes_at_once" => "the product's default: codes cost money and may annoy whoever the number belongs to",
        "password_characters" => "the product's default, above the eight of NIST SP 800-63B",
        _ => "the product's default",
    }
}

impl Policies {
    /// What a new bank starts with.
    #[must_use]
    pub fn defaults(currencies: &Currencies) -> Self {
        Self {
            version: 0,
            valid_until: None,
            unclaimed_hours: 24,
            refund_days: 365,
            refunds_per_payment: 50,
            order_seconds: 7200,
            order_shortest_seconds: 60,
            order_longest_times: 12,
            refund_retry_seconds: 900,
            rail_retry_seconds: 10,
            hold_days: 7,
            topup_deadline_seconds: 3600,
            payout_deadline_seconds: 86_400,
            investigation_next_days: 1,
            cut_off_second_of_day: 86_400,
            calendar: Calendar { weekend: vec![6, 7], books_every_day: true, ..Calendar::default() },
            fees: fees(),
            settlement: settlement(),
            limits: currencies.all().flat_map(limits).collect(),
            quote_seconds: 60,
            confirmation_seconds: 300,
            code_tries: 5,
            code_minutes: 10,
            codes_at_once: 5,
            registration_needs_contact: None,
            password_characters: 12,
            session_hours: 12,
            sessions: SessionTerms {
                access_minutes: 10,
                idle_minutes: 30,
                device_idle_days: 30,
                device_days: 180,
                challenge_seconds: 300,
                grace_seconds: 30,
            },
            sign_in: Throttle { tries: 5, minutes: 15 },
            pin: Throttle { tries: 5, minutes: 30 },
            totp: Throttle { tries: 5, minutes: 15 },
            recovery_code: Throttle { tries: 5, minutes: 60 },
            step_up: StepUp::first(currencies),
            staff_token_days: 90,
            sign_in_failure_days: 30,
            quote_days: 30,
            webhook_retry_seconds: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 72_000, 86_400],
            webhook_secret_overlap_seconds: 86_400,
            cards_per_customer: 10,
            webhook_endpoints: 20,
            roles: first_roles(),
            four_eyes: approvals::FIRST.iter().map(|act| (*act).to_owned()).collect(),
            approval_hours: 24,
        }
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// The name of the first policy at fault and what its range is.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let ranges = [
            ("unclaimed_hours", self.unclaimed_hours, 1, 8_760),
            ("refund_days", self.refund_days, 0, 3_650),
            ("refunds_per_payment", self.refunds_per_payment, 0, 1_000),
            ("order_seconds", self.order_seconds, 30, 2_592_000),
            ("order_shortest_seconds", self.order_shortest_seconds, 1, 86_400),
            ("order_longest_times", self.order_longest_times, 1, 1_000),
            ("refund_retry_seconds", self.refund_retry_seconds, 1, 86_400),
            ("rail_retry_seconds", self.rail_retry_seconds, 1, 3_600),
            ("hold_days", self.hold_days, 1, 365),
            ("topup_deadline_seconds", self.topup_deadline_seconds, 1, 2_592_000),
            ("payout_deadline_seconds", self.payout_deadline_seconds, 1, 2_592_000),
            ("investigation_next_days", self.investigation_next_days, 1, 30),
            ("cut_off_second_of_day", self.cut_off_second_of_day, 1, 86_400),
            ("quote_seconds", self.quote_seconds, 1, 86_400),
            ("confirmation_seconds", self.confirmation_seconds, 10, 86_400),
            ("code_tries", self.code_tries, 1, 20),
            ("code_minutes", self.code_minutes, 1, 1_440),
            ("codes_at_once", self.codes_at_once, 1, 100),
            // Never fewer than the interface promises.
            ("password_characters", self.password_characters, 12, 64),
            ("session_hours", self.session_hours, 1, 8_760),
            ("staff_token_days", self.staff_token_days, 1, 3_650),
            // Longer than the longest pause that failures lead to.
            ("sign_in_failure_days", self.sign_in_failure_days, 8, 3_650),
            ("quote_days", self.quote_days, 1, 3_650),
            ("webhook_secret_overlap_seconds", self.webhook_secret_overlap_seconds, 0, 2_592_000),
            ("cards_per_customer", self.cards_per_customer, 1, 100),
            ("webhook_endpoints", self.webhook_endpoints, 1, 100),
            ("approval_hours", self.approval_hours, 1, 720),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err((name, "the number is out of its range"));
            }
        }
        let throttles =
            [("sign_in", self.sign_in), ("pin", self.pin), ("totp", self.totp), ("recovery_code", self.recovery_code)];
        for (name, throttle) in throttles {
            if !(1..=1_000).contains(&throttle.tries) || !(1..=10_080).contains(&throttle.minutes) {
                return Err((name, "tries are 1 to 1,000 and minutes 1 to 10,080"));
            }
        }
        if !self.step_up.is_usable() {
            return Err(("step_up", "amounts are not negative, seconds 30 to 3,600, hours at most 720"));
        }
        if !self.sessions.are_usable() {
            let ranges = "access_minutes are 1 to 1,440, idle_minutes no fewer and at most 129,600, device_days 1 to 730 and \
                device_idle_days no more, challenge_seconds 10 to 3,600, grace_seconds at most 300";
            return Err(("sessions", ranges));
        }
        let pauses = &self.webhook_retry_seconds;
        let all: u64 = pauses.iter().copied().map(u64::from).sum();
        if pauses.len() > 30 || pauses.first() == Some(&0) || !pauses.is_sorted() || all > WEBHOOK_DAYS * 86_400 {
            return Err((
                "webhook_retry_seconds",
                "at most 30 pauses, none shorter than the one before, three days in all",
            ));
        }
        if !are_usable(&self.roles) {
            return Err(("roles", "at most 64 plain names, and somebody must keep policies.set and approvals.decide"));
        }
        if !self.four_eyes.iter().all(|act| approvals::ACTS.contains(&act.as_str())) {
            return Err(("four_eyes", "name acts that can be put under four eyes, such as policies.set"));
        }
        self.check_terms()
    }

    fn check_terms(&self) -> Result<(), (&'static str, &'static str)> {
        let days = self.calendar.holidays.iter().chain(&self.calendar.working_weekends);
        let weekend = &self.calendar.weekend;
        if !days.clone().all(|text| BookingDate::parse(text).is_some()) || !weekend.iter().all(|d| (1..=7).contains(d))
        {
            return Err(("calendar", "weekdays are 1 to 7 and days are written like 2026-10-01"));
        }
        let fee = |fee: &Fee| {
            let bounds = fee.fixed_minor >= 0 && fee.min_minor >= 0;
            bounds && fee.bps <= 10_000 && fee.tax_bps <= 10_000 && fee.max_minor.is_none_or(|max| max >= fee.min_minor)
        };
        if !self.fees.values().all(fee) {
            return Err(("fees", "amounts are not negative, shares at most 10,000 basis points, min at most max"));
        }
        let terms = |terms: &SettlementTerms| {
            terms.days <= 30 && terms.reserve_bps <= 10_000 && terms.reserve_days <= 3_650 && terms.min_minor >= 1
        };
        if !self.settlement.values().all(terms) {
            return Err(("settlement", "days are at most 30, shares at most 10,000 basis points, amounts above zero"));
        }
        let limits = |row: &TierLimits| row.person.each().chain(row.account.each()).all(|limit| limit >= 0);
        if !self.limits.iter().all(limits) {
            return Err(("limits", "limits are not negative"));
        }
        Ok(())
    }
}

/// 0.6 % of a payment, tax of 6 % contained; nothing for people.
fn fees() -> BTreeMap<String, Fee> {
    let free = Fee {
        fixed_minor: 0,
        bps: 0,
        min_minor: 0,
        max_minor: None,
        bearer: Bearer::Payee,
        tax_bps: 0,
        refundable: true,
        rounding: RoundingRule::HalfUp,
    };
    [
        ("payment.standard", Fee { bps: 60, tax_bps: 600, ..free }),
        ("payment.none", free),
        ("transfer", Fee { bearer: Bearer::Payer, ..free }),
        ("top_up", free),
        ("payout", Fee { bearer: Bearer::Payer, refundable: true, ..free }),
    ]
    .map(|(name, fee)| (name.to_owned(), fee))
    .into()
}

fn settlement() -> BTreeMap<String, SettlementTerms> {
    let standard = SettlementTerms::default();
    [
        ("standard", standard),
        ("gross", SettlementTerms { mode: SettlementMode::Gross, ..standard }),
        ("reserve", SettlementTerms { reserve_bps: 1_000, ..standard }),
    ]
    .map(|(name, terms)| (name.to_owned(), terms))
    .into()
}

/// Whole units of the currency by tier: each movement, a day, a month, a year, the balance.
const BY_TIER: [(u8, [i64; 5]); 3] = [
    (1, [200, 1_000, 5_000, 10_000, 1_000]),
    (2, [20_000, 50_000, 200_000, 1_000_000, 200_000]),
    (3, [100_000, 500_000, 2_000_000, 10_000_000, 2_000_000]),
];

fn limits(currency: Currency) -> impl Iterator<Item = TierLimits> {
    let unit = 10_i64.pow(u32::from(currency.digits()));
    BY_TIER.into_iter().map(move |(tier, [movement, day, month, year, balance])| {
        let some = |units: i64| Some(units * unit);
        let person = Limits {
            out_movement: some(movement),
            out_day: some(day),
            out_month: some(month),
            out_year: some(year),
            ..Limits::default()
        };
        let account = Limits { balance: some(balance), ..Limits::default() };
        TierLimits { tier, currency: currency.code().to_owned(), person, account }
    })
}

//! Policies: every number that a bank may want to change, as effective-dated rows with a source.
//!
//! [`Policies`] is what is in force at one moment; each of its fields is one policy, named as the field, and its value is
//! the field's JSON. A row is never changed: a new one takes its place from its moment on, which is never in the past.
//! [`Policies::version`] counts the rows that have come into force, so it names exactly one set of values for ever.

mod change;
mod defaults;
mod record;
pub mod records;
mod step_up;
mod terms;

pub use change::{Change, PolicyView, list, set};
pub use record::PolicyBook;
pub use records::MIGRATIONS;
pub use step_up::{Small, StepUp, StepUpMode};
pub use terms::{
    Bearer, Calendar, Fee, Limits, RoundingRule, SessionTerms, SettlementMode, SettlementTerms, Throttle, TierLimits,
};

use crate::bank::Bank;
use crate::currencies::Currencies;
use crate::error::BankError;
use crate::staff::{Permission, Role, Roles};
use ledger::LimitSet;
use money::Currency;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{BookingDate, Timestamp};

/// A policy row comes into force.
pub const JOB_EFFECTIVE: &str = "policies.effective";

/// The policies in force at one moment. A name that this program does not know is a policy of a newer one, and passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policies {
    /// How many rows have come into force; the journal keeps it with each entry.
    #[serde(skip)]
    pub version: u32,
    /// When the next row comes into force.
    #[serde(skip)]
    pub valid_until: Option<Timestamp>,
    /// Hours after which money for an alias that nobody holds goes back.
    pub unclaimed_hours: u32,
    /// Days during which a payment can be refunded.
    pub refund_days: u32,
    /// How many refunds a payment can have.
    pub refunds_per_payment: u32,
    /// Seconds after which an order expires when the merchant names no time.
    pub order_seconds: u32,
    /// The shortest life that a merchant may name for an order, seconds; never longer than the usual one.
    pub order_shortest_seconds: u32,
    /// How many times the usual life an order may live at most.
    pub order_longest_times: u32,
    /// Seconds after which a waiting refund is tried again between settlements.
    pub refund_retry_seconds: u32,
    /// Seconds until the bank is knocked at again when it was not reached.
    pub rail_retry_seconds: u32,
    /// Days after which a held payment expires when the merchant names no time.
    pub hold_days: u32,
    /// Seconds after which a top-up without a final answer is under investigation.
    pub topup_deadline_seconds: u32,
    /// Seconds after which a payout without a final answer is under investigation.
    pub payout_deadline_seconds: u32,
    /// Business days until an investigation is looked at again.
    pub investigation_next_days: u32,
    /// Second of the day from which entries book to the next day; 86,400 for midnight.
    pub cut_off_second_of_day: u32,
    /// Business days.
    pub calendar: Calendar,
    /// Fees by product and plan, such as `payment.standard`, `payout`, `transfer`.
    pub fees: BTreeMap<String, Fee>,
    /// Settlement terms by plan.
    pub settlement: BTreeMap<String, SettlementTerms>,
    /// Limits by tier and currency.
    pub limits: Vec<TierLimits>,
    /// Seconds for which a quote holds.
    pub quote_seconds: u32,
    /// Seconds for which the confirmation of a payee holds.
    pub confirmation_seconds: u32,
    /// How often a one-time code may be tried.
    pub code_tries: u32,
    /// Minutes for which a one-time code is good.
    pub code_minutes: u32,
    /// How many one-time codes a customer may ask for within the life of one.
    pub codes_at_once: u32,
    /// Whether a customer registers only with a phone number or an e-mail address that she proved; nothing for: in a live bank,
    /// and not in a sandbox.
    pub registration_needs_contact: Option<bool>,
    /// The fewest characters of a password.
    pub password_characters: u32,
    /// Hours for which a sign-in lasts, however often it is refreshed.
    pub session_hours: u32,
    /// Sign-ins with a refresh token.
    pub sessions: SessionTerms,
    /// Failed sign-ins.
    pub sign_in: Throttle,
    /// Wrong payment PINs.
    pub pin: Throttle,
    /// Wrong codes of an authenticator.
    pub totp: Throttle,
    /// Wrong recovery codes.
    pub recovery_code: Throttle,
    /// When a payer has to confirm a movement herself.
    pub step_up: StepUp,
    /// Days for which a staff token lasts.
    pub staff_token_days: u32,
    /// Days for which failed sign-ins are kept after the last one.
    pub sign_in_failure_days: u32,
    /// Days for which quotes are kept after they expired.
    pub quote_days: u32,
    /// Seconds from each failed attempt of a webhook to the next; one attempt more than there are pauses.
    pub webhook_retry_seconds: Vec<u32>,
    /// Seconds for which a replaced webhook secret still signs beside the new one.
    pub webhook_secret_overlap_seconds: u32,
    /// How many cards a customer may have.
    pub cards_per_customer: u32,
    /// How many webhook endpoints an owner may have.
    pub webhook_endpoints: u32,
    /// Roles of staff, and what each may do.
    pub roles: Roles,
    /// Acts of staff that need a second person's approval, such as `policies.set`.
    pub four_eyes: BTreeSet<String>,
    /// Hours for which an act that was asked for can be approved and carried out.
    pub approval_hours: u32,
}

impl Policies {
    /// The fee of a product or plan; none when the bank takes none.
    #[must_use]
    pub fn fee(&self, name: &str) -> Option<&Fee> {
        self.fees.get(name)
    }

    /// The settlement terms of a plan, those of `standard` when it has none of its own.
    #[must_use]
    pub fn settlement_terms(&self, plan: &str) -> SettlementTerms {
        self.settlement.get(plan).or_else(|| self.settlement.get("standard")).copied().unwrap_or_default()
    }

    /// Whether banks work on that day.
    #[must_use]
    pub fn is_business_day(&self, day: BookingDate) -> bool {
        self.calendar.is_business_day(day)
    }

    /// The day so many business days after a day; with 0 the day itself or the next business day.
    #[must_use]
    pub fn business_days_after(&self, day: BookingDate, count: u32) -> BookingDate {
        let mut day = self.calendar.next_business_day(day);
        for _ in 0..count {
            day = self.calendar.next_business_day(day.plus_days(1));
        }
        day
    }

    /// The first day from this one on to which entries may book.
    #[must_use]
    pub fn first_open(&self, day: BookingDate) -> BookingDate {
        if self.calendar.books_every_day { day } else { self.calendar.next_business_day(day) }
    }

    /// The limits of a tier in a currency: the person's over all accounts, and each account's.
    #[must_use]
    pub fn tier_limits(&self, tier: u8, currency: Currency) -> (LimitSet, LimitSet) {
        let row = self.limits.iter().find(|row| row.tier == tier && row.currency == currency.code());
        row.map_or_else(Default::default, |row| (row.person.to_set(), row.account.to_set()))
    }

    /// Whether a role may do something.
    #[must_use]
    pub fn may(&self, role: Role, permission: Permission) -> bool {
        self.roles.get(role.name()).is_some_and(|may| may.contains(&permission))
    }

    /// The JSON value of a policy.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(mut all)) => all.remove(name),
            _ => None,
        }
    }
}

/// The tiers of customers.
pub const TIERS: [u8; 3] = [1, 2, 3];

/// The store's profile of a tier, a currency, and the person's (else the account's) limits.
#[must_use]
pub fn profile_no(tier: u8, currency: u16, person: bool) -> u32 {
    u32::from(tier) << 20 | u32::from(currency) << 4 | u32::from(!person)
}

/// Sets the store's profiles to the limits in force.
pub(crate) fn push_profiles(
    uow: &mut Uow<'_, '_>,
    policies: &Policies,
    currencies: &Currencies,
) -> Result<(), StoreError> {
    for currency in currencies.all() {
        for tier in TIERS {
            let (person, account) = policies.tier_limits(tier, currency);
            uow.set_profile(profile_no(tier, currency.number(), true), &person)?;
            uow.set_profile(profile_no(tier, currency.number(), false), &account)?;
        }
    }
    Ok(())
}

/// Brings a row into force: the limits go to the store; everything else is read from [`Bank::policies`].
pub(crate) fn run_effective(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let claim = job.claim;
    let desk = bank.desk();
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            let now = uow.now();
            let book = PolicyBook::read(uow.reading())?;
            push_profiles(uow, &book.resolve(now)?, desk.currencies())?;
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    bank.reload_policies()
}

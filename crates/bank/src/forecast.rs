//! Dry runs: what a movement would come to, found by posting it in a unit of work that keeps nothing.
//!
//! The same rules in the same order as the movement itself, so a forecast and the movement cannot disagree except by what
//! happens between them.

use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::policies::Limits;
use crate::refusal::Refusal;
use crate::wish::Principal;
use ledger::{AccountNo, Entry, GroupNo, LimitSet};
use money::Money;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::Timestamp;

/// What a movement would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The amount, minor units.
    pub amount_minor: i64,
    /// The fee, tax included, minor units.
    pub fee_minor: i64,
    /// What leaves the payer's account, or enters the payee's, in all; minor units.
    pub total_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// The asker's posted balance after it, minor units.
    pub balance_after_minor: i64,
    /// What the asker could still spend after it, minor units.
    pub available_after_minor: i64,
    /// What would be left of the account's and the person's limits, in that order.
    pub limits_left: Vec<LimitsLeft>,
    /// The moment for which this holds.
    pub at: Timestamp,
}

/// What is left of one group's limits, minor units; nothing where there is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsLeft {
    /// `account` or `person`.
    pub whose: String,
    /// Outgoing this day.
    pub out_day: Option<i64>,
    /// Outgoing this month.
    pub out_month: Option<i64>,
    /// Outgoing this year.
    pub out_year: Option<i64>,
    /// Incoming this day.
    pub in_day: Option<i64>,
    /// Incoming this month.
    pub in_month: Option<i64>,
    /// Incoming this year.
    pub in_year: Option<i64>,
}

/// Of what a forecast is made.
pub(crate) struct Of {
    /// Who asks.
    pub(crate) who: Principal,
    /// The asker's account.
    pub(crate) account: AccountNo,
    /// The amount.
    pub(crate) amount: Money,
    /// The fee, minor units.
    pub(crate) fee: i64,
    /// What moves on the asker's account, minor units.
    pub(crate) total: i64,
}

/// Runs a body in a unit that it leaves without a trace.
pub(crate) async fn without_trace<F>(bank: &Bank, mut body: F) -> Result<Result<Forecast, Refusal>, BankError>
where
    F: FnMut(&mut Uow<'_, '_>) -> Result<Result<Forecast, Refusal>, StoreError> + Send + 'static,
{
    let outcome = bank.store().write(move |uow| Ok(Outcome::<_, ()>::Done(body(uow)?))).await?;
    match outcome {
        Outcome::Done(found) => Ok(found),
        Outcome::Refused(()) => Err(BankError::Bug("a forecast was neither made nor refused".to_owned())),
    }
}

/// Posts the entry, looks, and undoes it. The accounts it names exist: opening one here would leave a trace.
pub(crate) fn of(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    of: Of,
    entry: Entry,
) -> Result<Result<Forecast, Refusal>, StoreError> {
    let attempt: Result<(), Result<Forecast, ledger::Refusal>> = uow.attempt(|uow| {
        Ok(Err(match uow.post(&entry)? {
            Err(refusal) => Err(refusal),
            Ok(_) => Ok(look(uow, &of)?),
        }))
    })?;
    match attempt {
        Err(Ok(forecast)) => Ok(Ok(forecast)),
        Err(Err(refusal)) => Ok(Err(Refusal::of_ledger(desk, uow, of.who, &refusal)?)),
        Ok(()) => Err(StoreError::Bug("a forecast is always undone".to_owned())),
    }
}

/// What the asker's account and its limits come to as they stand now in this unit.
pub(crate) fn look(uow: &mut Uow<'_, '_>, of: &Of) -> Result<Forecast, StoreError> {
    let missing = StoreError::Corrupt { table: "account", finding: "an account of a wallet is missing" };
    let account = uow.account(of.account)?.ok_or(missing)?;
    let moment = uow.moment();
    let mut limits_left = Vec::new();
    for (group, whose) in account.groups.into_iter().zip(["account", "person"]) {
        if group != GroupNo::NONE {
            let (group, limits) = uow.group(group)?;
            limits_left.push(left(whose, &group.rolled(&moment), &limits));
        }
    }
    Ok(Forecast {
        amount_minor: of.amount.minor(),
        fee_minor: of.fee,
        total_minor: of.total,
        currency: of.amount.currency().code().to_owned(),
        balance_after_minor: account.posted(),
        available_after_minor: account.available().unwrap_or_else(|| account.posted()),
        limits_left,
        at: moment.now,
    })
}

fn left(whose: &str, group: &ledger::Group, limits: &LimitSet) -> LimitsLeft {
    let limits = Limits::of_set(limits);
    let rest = |limit: Option<i64>, used: i64| limit.map(|limit| limit.saturating_sub(used).max(0));
    LimitsLeft {
        whose: whose.to_owned(),
        out_day: rest(limits.out_day, group.out[0]),
        out_month: rest(limits.out_month, group.out[1]),
        out_year: rest(limits.out_year, group.out[2]),
        in_day: rest(limits.in_day, group.into[0]),
        in_month: rest(limits.in_month, group.into[1]),
        in_year: rest(limits.in_year, group.into[2]),
    }
}

//! The shape of quotes, the same for every movement, as customers and merchants see them.

use crate::dto::{Balance, Moment, Money, Ref, ids};
use crate::v1::payments::Fee;
use bank::forecast::LimitsLeft as LimitsLeftView;
use bank::quotes::{self, QuoteView};
use bank::{Currencies, policies};
use serde::Serialize;
use utoipa::ToSchema;

/// What a movement would come to for the caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quote {
    /// To make the movement with, once; null for captures, voids and refunds, whose fee the payment itself promised.
    pub id: Option<ids::Quote>,
    /// What would move.
    #[schema(value_type = Movement)]
    pub movement: quotes::Movement,
    /// The amount; of a void what it releases.
    pub amount: Money,
    /// The fee that the caller bears, tax included; of a refund what of it the caller gets back.
    pub fee: Money,
    /// What moves on the caller's account in all.
    pub total: Money,
    /// The caller's posted balance after it.
    pub balance_after: Balance,
    /// What the caller could still spend after it.
    pub available_after: Balance,
    /// What would be left of the limits.
    pub limits_left: Vec<LimitsLeft>,
    /// The fee and the tax on it, whoever bears them; of a refund what is given back.
    pub fee_parts: Fee,
    /// Who bears the fee, or gets it back.
    #[schema(value_type = FeeBearer)]
    pub fee_bearer: policies::Bearer,
    /// What arrives on the other side: at the payee, in the wallet, on the bank account; of a refund at the payer; of a void
    /// what the payer can spend again.
    pub payee_receives: Money,
    /// When it arrives.
    #[schema(value_type = Arrival)]
    pub arrival: quotes::Arrival,
    /// For what a bank does: by then it is final, or under investigation.
    pub decided_by: Option<Moment>,
    /// Until when the fee is promised; null where nothing is.
    pub expires_at: Option<Moment>,
}

/// What would move.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own kind is written")]
pub enum Movement {
    /// A payment at once.
    Payment,
    /// A payment that sets money aside.
    Hold,
    /// Bank account to wallet.
    TopUp,
    /// Wallet to bank account.
    Payout,
    /// Between people.
    Transfer,
    /// A merchant takes what is held.
    Capture,
    /// A merchant releases what is held.
    Void,
    /// A merchant gives back.
    Refund,
}

/// When the money is where it should go.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own word is written")]
pub enum Arrival {
    /// With the movement itself.
    AtOnce,
    /// When the merchant captures.
    OnCapture,
    /// When the bank says that it was done.
    WhenTheBankConfirms,
    /// When somebody proves that the alias is theirs.
    WhenClaimed,
    /// When the merchant has the money for it.
    WhenFunded,
}

/// Who bears a fee.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own word is written")]
pub enum FeeBearer {
    /// Who pays.
    Payer,
    /// Who is paid.
    Payee,
}

/// What is left of limits; null where there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitsLeft {
    /// `account` or `person`.
    #[schema(example = "person")]
    pub whose: String,
    /// Outgoing this day.
    pub out_day: Option<Money>,
    /// Outgoing this month.
    pub out_month: Option<Money>,
    /// Outgoing this year.
    pub out_year: Option<Money>,
    /// Incoming this day.
    pub in_day: Option<Money>,
    /// Incoming this month.
    pub in_month: Option<Money>,
    /// Incoming this year.
    pub in_year: Option<Money>,
}

fn show_left(currencies: &Currencies, left: LimitsLeftView, code: &str) -> LimitsLeft {
    let amount = |minor: Option<i64>| minor.map(|minor| Money::of(currencies, minor.max(0), code));
    LimitsLeft {
        out_day: amount(left.out_day),
        out_month: amount(left.out_month),
        out_year: amount(left.out_year),
        in_day: amount(left.in_day),
        in_month: amount(left.in_month),
        in_year: amount(left.in_year),
        whose: left.whose,
    }
}

pub(crate) fn show(currencies: &Currencies, view: QuoteView) -> Quote {
    let forecast = view.forecast;
    let code = forecast.currency;
    let amount = |minor| Money::of(currencies, minor, &code);
    let limits = forecast.limits_left.into_iter();
    Quote {
        id: view.id.map(Ref),
        movement: view.movement,
        amount: amount(forecast.amount_minor),
        fee: amount(forecast.fee_minor),
        total: amount(forecast.total_minor),
        balance_after: Balance::of(currencies, forecast.balance_after_minor, &code),
        available_after: Balance::of(currencies, forecast.available_after_minor, &code),
        limits_left: limits.map(|left| show_left(currencies, left, &code)).collect(),
        fee_parts: Fee { fee: amount(view.fee.fee), tax: amount(view.fee.tax) },
        fee_bearer: view.fee_bearer,
        payee_receives: amount(view.payee_receives),
        arrival: view.arrival,
        decided_by: view.decided_by.map(Moment),
        expires_at: view.expires_at.map(Moment),
    }
}

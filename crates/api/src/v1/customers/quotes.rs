//! Quotes and dry runs: what a movement would cost and leave, before it is made.

use super::{payments, payouts, top_ups, transfers};
use crate::dto::{Balance, Moment, Money, ids};
use crate::v1::payments::Fee;
use bank::forecast::{Forecast as ForecastView, LimitsLeft as LimitsLeftView};
use bank::payments::Method;
use bank::payouts::StartPayout;
use bank::topups::StartTopUp;
use bank::{BankError, Currencies, Refusal, quotes};
use edge::caller::AsCustomer;
use edge::reply::{Handled, Reply};
use edge::{Object, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::ErrorCode;

/// The movement to be quoted: exactly one of the four, written as it would be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payment": {"merchant": "mer_06f5t2c9wk7v1xq4mz8rhd3bne", "amount": {"amount": "25.00", "currency": "CNY"}}}))]
pub struct ToQuote {
    /// A payment; the quote can be paid with.
    #[schema(value_type = Option<payments::NewPayment>)]
    pub payment: Option<Object<payments::NewPayment>>,
    /// A transfer.
    #[schema(value_type = Option<transfers::NewTransfer>)]
    pub transfer: Option<Object<transfers::NewTransfer>>,
    /// A top-up.
    #[schema(value_type = Option<top_ups::NewTopUp>)]
    pub top_up: Option<Object<top_ups::NewTopUp>>,
    /// A payout.
    #[schema(value_type = Option<payouts::NewPayout>)]
    pub payout: Option<Object<payouts::NewPayout>>,
}

/// What a movement would come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quote {
    /// To pay with, for payments; null for a dry run of another movement.
    pub id: Option<ids::Quote>,
    /// The amount.
    pub amount: Money,
    /// The fee that the caller bears, tax included.
    pub fee: Money,
    /// What moves on the caller's account in all.
    pub total: Money,
    /// The caller's posted balance after it.
    pub balance_after: Balance,
    /// What the caller could still spend after it.
    pub available_after: Balance,
    /// What would be left of the limits.
    pub limits_left: Vec<LimitsLeft>,
    /// Payments: the fee, whoever bears it.
    pub payment_fee: Option<Fee>,
    /// Payments: what the merchant gets.
    pub payee_receives: Option<Money>,
    /// Payments: when the merchant has it.
    #[schema(example = "at once")]
    pub arrival: Option<String>,
    /// Until when the fee is promised; null for a dry run.
    pub expires_at: Option<Moment>,
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

fn show(currencies: &Currencies, forecast: ForecastView) -> Quote {
    let code = forecast.currency;
    let amount = |minor| Money::of(currencies, minor, &code);
    let limits = forecast.limits_left.into_iter();
    Quote {
        id: None,
        amount: amount(forecast.amount_minor),
        fee: amount(forecast.fee_minor),
        total: amount(forecast.total_minor),
        balance_after: Balance::of(currencies, forecast.balance_after_minor, &code),
        available_after: Balance::of(currencies, forecast.available_after_minor, &code),
        limits_left: limits.map(|left| show_left(currencies, left, &code)).collect(),
        payment_fee: None,
        payee_receives: None,
        arrival: None,
        expires_at: None,
    }
}

/// Quote a movement
///
/// Says what it would cost and leave, by the very rules that decide it, and moves nothing. The quote of a payment promises
/// its fee for a while.
#[utoipa::path(post, path = "/v1/quotes", tag = "quotes", request_body = ToQuote,
    responses((status = 200, description = "What it would come to.", body = Quote)))]
pub async fn quote(who: AsCustomer, Strict(body): Strict<ToQuote>) -> Handled<Quote> {
    match (body.payment, body.transfer, body.top_up, body.payout) {
        (Some(payment), None, None, None) => of_payment(&who, payment.0).await,
        (None, Some(Object(transfer)), None, None) => {
            let send = transfers::command_of(&who.bank, who.customer(), transfer).await?;
            dry(&who, bank::transfers::dry_run(&who.bank, who.principal(), send).await)
        }
        (None, None, Some(Object(top_up)), None) => {
            let amount = top_up.amount.positive(&who.bank, "/top_up/amount")?;
            let wallet = super::wallets::wallet_of(&who.bank, who.customer()).await?;
            let channel = bank::entries::Channel::Api;
            let start = StartTopUp { wallet, bank_account: top_up.bank_account.0, amount, channel };
            dry(&who, bank::topups::dry_run(&who.bank, who.principal(), start).await)
        }
        (None, None, None, Some(Object(payout))) => {
            let amount = payout.amount.positive(&who.bank, "/payout/amount")?;
            let wallet = super::wallets::wallet_of(&who.bank, who.customer()).await?;
            let channel = bank::entries::Channel::Api;
            let start = StartPayout { wallet, bank_account: payout.bank_account.0, amount, channel };
            dry(&who, bank::payouts::dry_run(&who.bank, who.principal(), start).await)
        }
        (None, None, None, None) => Err(Problem::because(
            ErrorCode::MissingField,
            "Say what to quote: send one of payment, transfer, top_up, payout.",
        )
        .at("/payment")),
        _ => Err(Problem::because(
            ErrorCode::InvalidField,
            "Quote one movement at a time: send one of payment, transfer, top_up, payout.",
        )
        .at("/payment")),
    }
}

fn dry(who: &AsCustomer, found: Result<Result<ForecastView, Refusal>, BankError>) -> Handled<Quote> {
    let forecast = found?.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    Ok(Reply::ok(show(&who.bank.currencies(), forecast)))
}

async fn of_payment(who: &AsCustomer, body: payments::NewPayment) -> Handled<Quote> {
    let method = if body.hold { Method::Hold } else { Method::Immediate };
    let command = payments::command_of(who, None, body).await?;
    let answer = quotes::quote(&who.bank, command, method).await?;
    let view = answer.result.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    let currencies = who.bank.currencies();
    let code = view.forecast.currency.clone();
    let amount = |minor| Money::of(&currencies, minor, &code);
    Ok(Reply::ok(Quote {
        id: Some(view.id.into()),
        payment_fee: Some(Fee { fee: amount(view.fee.fee), tax: amount(view.fee.tax) }),
        payee_receives: Some(amount(view.payee_receives)),
        arrival: Some(view.arrival),
        expires_at: Some(view.expires_at.into()),
        ..show(&currencies, view.forecast)
    }))
}

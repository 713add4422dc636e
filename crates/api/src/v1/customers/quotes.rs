//! Quotes of what a customer may do: what it would cost and leave, and the promise of its fee.

use super::{payments, payouts, top_ups, transfers};
use crate::v1::quotes::{Quote, show};
use bank::payments::How;
use bank::quotes::QuoteView;
use bank::{BankError, Refusal};
use edge::caller::AsCustomer;
use edge::reply::{Handled, Reply};
use edge::{Object, Problem, Strict};
use serde::Deserialize;
use utoipa::ToSchema;
use vocabulary::ErrorCode;

/// The movement to be quoted: exactly one of the four, written as it would be sent, without a quote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payment": {"merchant": "mer_06f5t2c9wk7v1xq4mz8rhd3bne", "amount": {"amount": "25.00", "currency": "CNY"}}}))]
pub struct ToQuote {
    /// A payment.
    #[schema(value_type = Option<payments::NewPayment>)]
    pub payment: Option<Object<payments::NewPayment>>,
    /// A transfer; it needs no confirmation yet.
    #[schema(value_type = Option<transfers::NewTransfer>)]
    pub transfer: Option<Object<transfers::NewTransfer>>,
    /// A top-up.
    #[schema(value_type = Option<top_ups::NewTopUp>)]
    pub top_up: Option<Object<top_ups::NewTopUp>>,
    /// A payout.
    #[schema(value_type = Option<payouts::NewPayout>)]
    pub payout: Option<Object<payouts::NewPayout>>,
}

/// Quote a movement
///
/// Says what it would cost and leave, by the very rules that decide it, and moves nothing. Make the very same movement with
/// the quote's id before it expires, and its fee is kept; a quote serves once.
#[utoipa::path(post, path = "/v1/quotes", tag = "quotes", request_body = ToQuote,
    responses((status = 200, description = "What it would come to.", body = Quote)))]
pub async fn quote(who: AsCustomer, Strict(body): Strict<ToQuote>) -> Handled<Quote> {
    let (bank, principal) = (&who.bank, who.principal());
    let found = match (body.payment, body.transfer, body.top_up, body.payout) {
        (Some(Object(payment)), None, None, None) => of_payment(&who, payment).await?,
        (None, Some(Object(transfer)), None, None) => {
            fresh(transfer.quote, "/transfer/quote")?;
            let send = transfers::command_of(bank, who.customer(), transfer).await?;
            bank::transfers::quote(bank, principal, send).await
        }
        (None, None, Some(Object(top_up)), None) => {
            fresh(top_up.quote, "/top_up/quote")?;
            let start = top_ups::command_of(&who, &top_up, "/top_up/amount").await?;
            bank::topups::quote(bank, principal, start).await
        }
        (None, None, None, Some(Object(payout))) => {
            fresh(payout.quote, "/payout/quote")?;
            let start = payouts::command_of(&who, &payout, "/payout/amount").await?;
            bank::payouts::quote(bank, principal, start).await
        }
        (None, None, None, None) => return Err(choose(ErrorCode::MissingField, "Say what to quote")),
        _ => return Err(choose(ErrorCode::InvalidField, "Quote one movement at a time")),
    };
    shown(&who, found)
}

fn choose(code: ErrorCode, what: &str) -> Problem {
    Problem::because(code, format!("{what}: send one of payment, transfer, top_up, payout.")).at("/payment")
}

/// A quote is not made from another one.
fn fresh<T>(quote: Option<T>, at: &str) -> Result<(), Problem> {
    let no = Problem::because(ErrorCode::InvalidField, "A quote is not made from another one; leave the quote out.");
    if quote.is_none() { Ok(()) } else { Err(no.at(at)) }
}

fn shown(who: &AsCustomer, found: Result<Result<QuoteView, Refusal>, BankError>) -> Handled<Quote> {
    let view = found?.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    Ok(Reply::ok(show(&who.bank.currencies(), view)))
}

async fn of_payment(
    who: &AsCustomer,
    body: payments::NewPayment,
) -> Result<Result<Result<QuoteView, Refusal>, BankError>, Problem> {
    fresh(body.quote, "/payment/quote")?;
    let seconds = payments::hold_seconds(&body)?;
    let how = if body.hold { How::Hold { seconds } } else { How::AtOnce };
    let command = payments::command_of(who, None, body).await?;
    Ok(bank::quotes::of_payment(&who.bank, command, how).await)
}

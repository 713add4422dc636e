//! What a capture, void or refund would come to, before it is made: the same body and scope as the movement itself.

use super::payments::{NewCapture, capture_of};
use super::refunds::{NewRefund, refund_of};
use crate::v1::quotes::{Quote, show};
use bank::entries::Channel;
use bank::quotes::{self, QuoteView};
use bank::{Bank, BankError, Refusal};
use edge::caller::{AsMerchant, PaymentsWrite, RefundsWrite};
use edge::reply::{Handled, Reply};
use edge::{PathId, Problem, Strict};
use vocabulary::kinds;

fn shown(bank: &Bank, found: Result<Result<QuoteView, Refusal>, BankError>) -> Handled<Quote> {
    let view = found?.map_err(|refusal| Problem::refused(bank, refusal))?;
    Ok(Reply::ok(show(&bank.currencies(), view)))
}

/// Preview a capture
///
/// What it would cost and leave the merchant, by the very rules that decide it. Moves nothing.
#[utoipa::path(post, path = "/v1/payments/{payment}/capture/quote", tag = "quotes", request_body = NewCapture,
    responses((status = 200, description = "What it would come to.", body = Quote)))]
pub async fn capture(
    who: AsMerchant<PaymentsWrite>,
    PathId(payment): PathId<kinds::Payment>,
    Strict(body): Strict<NewCapture>,
) -> Handled<Quote> {
    let capture = capture_of(&who, None, (payment, body)).await?;
    shown(&who.bank, quotes::of_capture(&who.bank, capture).await)
}

/// Preview a void
///
/// What it would release of the payer's money. Moves nothing.
#[utoipa::path(post, path = "/v1/payments/{payment}/void/quote", tag = "quotes",
    responses((status = 200, description = "What it would come to.", body = Quote)))]
pub async fn void(who: AsMerchant<PaymentsWrite>, PathId(payment): PathId<kinds::Payment>) -> Handled<Quote> {
    shown(&who.bank, quotes::of_void(&who.bank, (who.principal(), Channel::Api), payment).await)
}

/// Preview a refund
///
/// What it would cost and leave the merchant, by the very rules that decide it. Moves nothing.
#[utoipa::path(post, path = "/v1/payments/{payment}/refunds/quote", tag = "quotes", request_body = NewRefund,
    responses((status = 200, description = "What it would come to.", body = Quote)))]
pub async fn refund(
    who: AsMerchant<RefundsWrite>,
    PathId(payment): PathId<kinds::Payment>,
    Strict(body): Strict<NewRefund>,
) -> Handled<Quote> {
    let refund = refund_of(&who, None, (payment, body)).await?;
    shown(&who.bank, quotes::of_refund(&who.bank, refund).await)
}

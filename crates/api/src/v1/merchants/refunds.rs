//! Refunds: give back all or part of a payment.

use super::payments::same_currency;
use crate::dto::{Money, Page};
use crate::v1::payments::{Refund, show_refund};
use bank::BankError;
use bank::entries::Channel;
use bank::payments::{self, RefundCommand};
use edge::caller::{AsMerchant, PaymentsRead, RefundsWrite};
use edge::reply::{self, Handled, Reply};
use edge::{Command, PathId, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use vocabulary::{Id, kinds};

/// A refund to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": "5.00", "currency": "CNY"}, "reference": "R-1001", "reason": "One bowl was cold"}))]
pub struct NewRefund {
    /// How much; all that is left when absent.
    pub amount: Option<Money>,
    /// The merchant's name for it, unique for ever: a retry with it finds the refund that was made.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: Option<String>,
    /// Why.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
    /// Wait for money when balance and reserve do not suffice; otherwise be refused.
    #[serde(default)]
    pub wait_for_funds: bool,
}

/// Refund a payment
#[utoipa::path(post, path = "/v1/payments/{payment}/refunds", tag = "refunds", request_body = NewRefund,
    responses((status = 201, description = "The refund.", body = Refund)))]
pub async fn create(
    who: AsMerchant<RefundsWrite>,
    PathId(payment): PathId<kinds::Payment>,
    command: Command<NewRefund>,
) -> Handled<Refund> {
    let Command { key, body, .. } = command;
    let refund = refund_of(&who, Some(key), (payment, body)).await?;
    let currencies = who.bank.currencies();
    reply::created(&who.bank, payments::refund(&who.bank, refund).await, |view| show_refund(&currencies, view))
}

/// The bank's command for a refund.
///
/// # Errors
/// What is wrong with the fields.
pub(crate) async fn refund_of<S>(
    who: &AsMerchant<S>,
    key: Option<String>,
    (payment, body): (Id<kinds::Payment>, NewRefund),
) -> Result<RefundCommand, Problem> {
    let amount = body.amount.as_ref().map(|amount| amount.positive(&who.bank, "/amount")).transpose()?;
    if let Some(amount) = amount {
        same_currency(who, payment, amount.currency()).await?;
    }
    Ok(RefundCommand {
        principal: who.principal(),
        key,
        channel: Channel::Api,
        payment,
        amount: amount.map(|amount| amount.minor()),
        reference: body.reference,
        reason: body.reason,
        wait: body.wait_for_funds,
    })
}

/// List a payment's refunds
#[utoipa::path(get, path = "/v1/payments/{payment}/refunds", tag = "refunds",
    responses((status = 200, description = "Oldest first.", body = Page<Refund>)))]
pub async fn list(who: AsMerchant<PaymentsRead>, PathId(id): PathId<kinds::Payment>) -> Handled<Page<Refund>> {
    let (merchant, currencies) = (who.merchant(), who.bank.currencies());
    let known = who.bank.currencies();
    let found = who.bank.store().read(move |snapshot| {
        let found = payments::by_id(snapshot.reading(), id)?.filter(|payment| payment.merchant == merchant);
        found.map(|payment| payments::refunds_of(snapshot, &known, &payment)).transpose()
    });
    let views = reply::found(found.await.map_err(BankError::from))?;
    let data = views.into_iter().map(|view| show_refund(&currencies, view)).collect();
    Ok(Reply::ok(Page { data, next_cursor: None }))
}

/// Look at a refund
#[utoipa::path(get, path = "/v1/refunds/{refund}", tag = "refunds",
    responses((status = 200, description = "The refund.", body = Refund)))]
pub async fn get(who: AsMerchant<PaymentsRead>, PathId(id): PathId<kinds::Refund>) -> Handled<Refund> {
    let (merchant, currencies) = (who.merchant(), who.bank.currencies());
    let known = who.bank.currencies();
    let found = who.bank.store().read(move |snapshot| {
        let found = payments::refund_by_id(snapshot, &known, id)?;
        Ok(found.filter(|(payment, _)| payment.merchant == merchant).map(|(_, view)| view))
    });
    let view = reply::found(found.await.map_err(BankError::from))?;
    Ok(Reply::ok(show_refund(&currencies, view)))
}

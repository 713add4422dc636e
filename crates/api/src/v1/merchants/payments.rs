//! Payments as the merchant sees them: look, list, capture, void.

use crate::dto::{Cursor, Money, Page, page};
use crate::v1::customers::payments::PaymentListing;
use crate::v1::payments::{Payment, Side, show};
use bank::entries::Channel;
use bank::payments::{self, CaptureCommand};
use bank::{BankError, merchants};
use edge::caller::{AsMerchant, PaymentsRead, PaymentsWrite};
use edge::reply::{self, Handled, Reply};
use edge::{BareCommand, Command, Params, PathId, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use vocabulary::{ErrorCode, Id, kinds};

/// A capture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": "20.00", "currency": "CNY"}, "final": true}))]
pub struct NewCapture {
    /// How much; all that is held when absent.
    pub amount: Option<Money>,
    /// Release the rest; when false it stays held for further captures.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub r#final: bool,
}

const fn yes() -> bool {
    true
}

/// Look at a payment to the merchant
#[utoipa::path(get, path = "/v1/merchant/payments/{payment}", tag = "merchant payments",
    responses((status = 200, description = "The payment.", body = Payment)))]
pub async fn get(who: AsMerchant<PaymentsRead>, PathId(id): PathId<kinds::Payment>) -> Handled<Payment> {
    let (merchant, currencies) = (who.merchant(), who.bank.currencies());
    let known = who.bank.currencies();
    let found = who.bank.store().read(move |snapshot| {
        let found = payments::by_id(snapshot.reading(), id)?.filter(|payment| payment.merchant == merchant);
        found.map(|payment| payments::view(snapshot, &known, &payment)).transpose()
    });
    let view = reply::found(found.await.map_err(BankError::from))?;
    Ok(Reply::ok(show(&currencies, view, Side::Merchant)))
}

/// List payments to the merchant
#[utoipa::path(get, path = "/v1/merchant/payments", tag = "merchant payments", params(PaymentListing),
    responses((status = 200, description = "Newest first.", body = Page<Payment>)))]
pub async fn list(who: AsMerchant<PaymentsRead>, Params(params): Params<PaymentListing>) -> Handled<Page<Payment>> {
    let listing = params.listing();
    let (before, limit) = (listing.before()?, listing.rows()?);
    let currencies = who.bank.currencies();
    let code = match params.currency {
        Some(code) => code,
        None => {
            let merchant = reply::found(merchants::view(&who.bank, who.merchant()).await)?;
            merchant.currencies.into_iter().next().unwrap_or_default()
        }
    };
    let currency = currencies.parse(&code).map_err(|code| Problem::new(code).at("currency"))?;
    let account = reply::found(merchants::find(&who.bank, who.merchant(), currency).await)?.account;
    let known = who.bank.currencies();
    let rows = who.bank.store().read(move |snapshot| {
        let found = payments::list_by_account(snapshot, account, before, limit as usize)?;
        found.iter().map(|payment| payments::view(snapshot, &known, payment)).collect::<Result<Vec<_>, _>>()
    });
    let rows = rows.await.map_err(BankError::from)?;
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view, Side::Merchant))
}

/// Capture a held payment
///
/// A capture releases the rest unless it says `"final": false`.
#[utoipa::path(post, path = "/v1/payments/{payment}/capture", tag = "merchant payments", request_body = NewCapture,
    responses((status = 200, description = "The payment.", body = Payment)))]
pub async fn capture(
    who: AsMerchant<PaymentsWrite>,
    PathId(payment): PathId<kinds::Payment>,
    command: Command<NewCapture>,
) -> Handled<Payment> {
    let Command { key, body, .. } = command;
    let capture = capture_of(&who, Some(key), (payment, body)).await?;
    let currencies = who.bank.currencies();
    reply::done(&who.bank, payments::capture(&who.bank, capture).await, |view| show(&currencies, view, Side::Merchant))
}

/// The bank's command for a capture.
///
/// # Errors
/// What is wrong with the fields.
pub(crate) async fn capture_of<S>(
    who: &AsMerchant<S>,
    key: Option<String>,
    (payment, body): (Id<kinds::Payment>, NewCapture),
) -> Result<CaptureCommand, Problem> {
    let amount = body.amount.as_ref().map(|amount| amount.positive(&who.bank, "/amount")).transpose()?;
    if let Some(amount) = amount {
        same_currency(who, payment, amount.currency()).await?;
    }
    let (principal, amount) = (who.principal(), amount.map(|amount| amount.minor()));
    Ok(CaptureCommand { principal, key, channel: Channel::Api, payment, amount, last: body.r#final })
}

/// Amounts of captures and refunds are in the payment's currency.
///
/// # Errors
/// `currency_mismatch`; `not_found` for a payment that is not the merchant's.
pub(crate) async fn same_currency<S>(
    who: &AsMerchant<S>,
    payment: Id<kinds::Payment>,
    currency: money::Currency,
) -> Result<(), Problem> {
    let merchant = who.merchant();
    let found = who.bank.store().read(move |snapshot| {
        Ok(payments::by_id(snapshot.reading(), payment)?.filter(|found| found.merchant == merchant))
    });
    let found = reply::found(found.await.map_err(BankError::from))?;
    if found.currency == currency.number() {
        Ok(())
    } else {
        Err(Problem::new(ErrorCode::CurrencyMismatch).at("/amount/currency"))
    }
}

/// Release a held payment
#[utoipa::path(post, path = "/v1/payments/{payment}/void", tag = "merchant payments",
    responses((status = 200, description = "The payment.", body = Payment)))]
pub async fn void(
    who: AsMerchant<PaymentsWrite>,
    PathId(id): PathId<kinds::Payment>,
    command: BareCommand,
) -> Handled<Payment> {
    let currencies = who.bank.currencies();
    let answer = payments::void(&who.bank, (who.principal(), Channel::Api), Some(command.key), id).await;
    reply::done(&who.bank, answer, |view| show(&currencies, view, Side::Merchant))
}

//! What a scanned code means: one of our stores or orders, another scheme's code, or no code at all.

use super::own_guid;
use crate::merchants::StoreView;
use crate::merchants::records::{self as merchants, StoreRow};
use crate::orders::{self, Order, OrderView};
use crate::{Bank, BankError, Refusal};
use formats::emvco::{self, OwnReference, Payload};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};
use vocabulary::{ErrorCode, Id, kinds};

/// A code that was scanned and is ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// Who would be paid.
    pub merchant: Id<kinds::Merchant>,
    /// Its name.
    pub merchant_name: String,
    /// At which store.
    pub store: Option<StoreView>,
    /// For which order, with its present state.
    pub order: Option<OrderView>,
    /// The currency's code.
    pub currency: String,
    /// How much, minor units, if the code or order says.
    pub amount: Option<i64>,
}

/// Reads a scanned text.
///
/// # Errors
/// Trouble; the inner error says what is wrong with the code: damaged, incomplete, foreign, or of nothing that is ours.
pub async fn resolve(bank: &Bank, text: &str) -> Result<Result<Scanned, Refusal>, BankError> {
    let payload = match emvco::decode(text) {
        Ok(payload) => payload,
        Err(defect) => return Ok(Err(Refusal::new(defect.code(), defect.to_string()))),
    };
    let reference = match OwnReference::read(&payload, &own_guid(bank)) {
        Ok(reference) => reference,
        Err(no) => return Ok(Err(Refusal::new(no.code(), no.to_string()))),
    };
    let Some(currency) = payload.content().currency() else {
        return Ok(Err(Refusal::new(ErrorCode::QrInvalidField, "the code's currency is not known")));
    };
    match (&reference.order, &reference.store) {
        (Some(order), _) => by_order(bank, order, (&payload, currency)).await,
        (None, Some(store)) => by_store(bank, store, (&payload, currency)).await,
        (None, None) => Ok(Err(Refusal::new(ErrorCode::QrMissingField, "the code names neither store nor order"))),
    }
}

fn bad_reference() -> Refusal {
    Refusal::new(ErrorCode::QrInvalidField, "the code's reference is not of the form that the bank writes")
}

/// The amount that the code itself names.
fn amount_of(payload: &Payload, currency: Currency) -> Result<Option<i64>, Refusal> {
    let Some(text) = &payload.content().amount else { return Ok(None) };
    match Money::parse(text, currency) {
        Ok(amount) => Ok(Some(amount.minor())),
        Err(error) => Err(Refusal::new(ErrorCode::QrInvalidField, error.to_string())),
    }
}

async fn by_order(
    bank: &Bank,
    text: &str,
    (payload, currency): (&Payload, Currency),
) -> Result<Result<Scanned, Refusal>, BankError> {
    let Ok(id) = Id::<kinds::Order>::parse(text) else { return Ok(Err(bad_reference())) };
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(order) = orders::by_id(reading, id)? else { return Ok(None) };
        let store = order.store.map(|store| merchants::store(reading, store)).transpose()?.flatten();
        let merchant = merchants::by_id(reading, order.merchant)?;
        Ok(merchant.map(|merchant| (order, store, merchant.name)))
    });
    let Some((order, store, name)) = found.await? else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
    let amount = match amount_of(payload, currency) {
        Ok(amount) => amount,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if order.currency != currency.number() || amount.is_some_and(|amount| amount != order.amount) {
        let detail = "the code's amount or currency is not that of its order; ask the merchant for a new code";
        return Ok(Err(Refusal::new(ErrorCode::QrInvalidField, detail)));
    }
    Ok(Ok(of_order(bank, &order, store, name)))
}

fn of_order(bank: &Bank, order: &Order, store: Option<StoreRow>, merchant_name: String) -> Scanned {
    let view = order.view(&bank.currencies(), bank.now());
    Scanned {
        merchant: order.merchant,
        merchant_name,
        store: store.map(StoreView::from),
        currency: view.currency.clone(),
        amount: Some(order.amount),
        order: Some(view),
    }
}

async fn by_store(
    bank: &Bank,
    text: &str,
    (payload, currency): (&Payload, Currency),
) -> Result<Result<Scanned, Refusal>, BankError> {
    let Ok(id) = Id::<kinds::Store>::parse(text) else { return Ok(Err(bad_reference())) };
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(store) = merchants::store(reading, id)? else { return Ok(None) };
        let merchant = merchants::by_id(reading, store.merchant)?;
        Ok(merchant.map(|merchant| (store, merchant.name)))
    });
    let Some((store, merchant_name)) = found.await? else { return Ok(Err(Refusal::of(ErrorCode::StoreNotFound))) };
    let amount = match amount_of(payload, currency) {
        Ok(amount) => amount,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (merchant, currency) = (store.merchant, currency.code().to_owned());
    let store = Some(StoreView::from(store));
    Ok(Ok(Scanned { merchant, merchant_name, store, order: None, currency, amount }))
}

//! Codes to be shown or printed.

use super::own_guid;
use crate::merchants::records::{self as merchants, StoreRow};
use crate::orders::{self, Order};
use crate::{Bank, BankError, Refusal};
use formats::emvco::{AdditionalData, Builder, Initiation, LanguageTemplate, Merchant, OwnReference, Tag};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// The template that carries the bank's own reference: the first of those for schemes.
const TEMPLATE: u8 = 26;
/// The longest name and city of a code (EMVCo MPM 1.1, table 3.5).
const NAME: usize = 25;
const CITY: usize = 15;

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeView {
    /// The text to be drawn as a QR symbol.
    pub payload: String,
    /// `static` or `dynamic`.
    pub kind: String,
    /// When paying by it ends, for a dynamic one.
    pub expires_at: Option<Timestamp>,
}

/// The static code of a store: the payer names the amount.
///
/// # Errors
/// Trouble; the inner error when there is no such store, or the currency has no ISO number.
pub async fn for_store(
    bank: &Bank,
    store: Id<kinds::Store>,
    currency: Currency,
) -> Result<Result<CodeView, Refusal>, BankError> {
    let found = bank.store().read(move |snapshot| merchants::store(snapshot.reading(), store)).await?;
    let Some(found) = found else { return Ok(Err(Refusal::of(ErrorCode::StoreNotFound))) };
    let reference = OwnReference { store: Some(store.to_string()), ..OwnReference::default() };
    let builder = begin(bank, &found, (currency, Initiation::Static), &reference);
    Ok(finish(builder, "static", None))
}

/// The dynamic code of an order: everything is fixed.
///
/// # Errors
/// Trouble; the inner error when there is no such order, or its currency has no ISO number.
pub async fn for_order(bank: &Bank, order: Id<kinds::Order>) -> Result<Result<CodeView, Refusal>, BankError> {
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(order) = orders::by_id(reading, order)? else { return Ok(None) };
        let store = match order.store {
            Some(store) => merchants::store(reading, store)?,
            None => merchants::stores(reading, order.merchant)?.into_iter().next(),
        };
        Ok(store.map(|store| (order, store)))
    });
    let Some((order, store)) = found.await? else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
    let currency = bank.currencies().by_number(order.currency);
    let amount = currency.and_then(|currency| Money::new(order.amount, currency).ok());
    let Some(amount) = amount else { return Ok(Err(Refusal::of(ErrorCode::CurrencyUnknown))) };
    let reference = OwnReference { order: Some(order.id.to_string()), ..OwnReference::default() };
    let mut builder = begin(bank, &store, (amount.currency(), Initiation::Dynamic), &reference).amount(amount);
    if let Some(label) = label(&order) {
        builder = builder.additional(&AdditionalData { reference_label: Some(label), ..AdditionalData::default() });
    }
    Ok(finish(builder, "dynamic", Some(order.expires)))
}

/// The order's reference as a label, where it fits.
fn label(order: &Order) -> Option<String> {
    (order.reference.len() <= NAME).then(|| order.reference.clone())
}

fn begin(
    bank: &Bank,
    store: &StoreRow,
    (currency, initiation): (Currency, Initiation),
    reference: &OwnReference,
) -> Builder {
    let merchant = Merchant {
        category: store.mcc.clone(),
        currency,
        country: store.country.clone(),
        name: plain(&store.name, NAME, "Merchant"),
        city: plain(&store.city, CITY, "City"),
    };
    let tag = Tag::new(TEMPLATE).unwrap_or(Tag::GUID);
    let builder = Builder::new(merchant, initiation).account(&reference.account(tag, &own_guid(bank)));
    match language_of(&store.name) {
        Some(language) => builder.language(&LanguageTemplate {
            language: language.to_owned(),
            name: store.name.chars().take(NAME).collect(),
            city: (!store.city.is_ascii()).then(|| store.city.chars().take(CITY).collect()),
            reserved: Vec::new(),
        }),
        None => builder,
    }
}

fn finish(builder: Builder, kind: &str, expires_at: Option<Timestamp>) -> Result<CodeView, Refusal> {
    match builder.build() {
        Ok(payload) => Ok(CodeView { payload: payload.encode(), kind: kind.to_owned(), expires_at }),
        Err(error) => Err(Refusal::new(error.code(), error.to_string())),
    }
}

/// The ASCII characters of a name, as many as fit; a stand-in when it has none. The name itself is in the language template.
fn plain(name: &str, most: usize, stand_in: &str) -> String {
    let kept: String = name.chars().filter(|sign| sign.is_ascii_graphic() || *sign == ' ').take(most).collect();
    let kept = kept.trim();
    if kept.is_empty() { stand_in.to_owned() } else { kept.to_owned() }
}

/// The language that a name's script suggests (ISO 639-1); nothing for a name in ASCII.
fn language_of(name: &str) -> Option<&'static str> {
    if name.is_ascii() {
        return None;
    }
    let script = |low: char, high: char| name.chars().any(|sign| (low..=high).contains(&sign));
    let ranges = [
        ('\u{3040}', '\u{30FF}', "ja"),
        ('\u{AC00}', '\u{D7A3}', "ko"),
        ('\u{4E00}', '\u{9FFF}', "zh"),
        ('\u{0E00}', '\u{0E7F}', "th"),
        ('\u{1780}', '\u{17FF}', "km"),
        ('\u{0400}', '\u{04FF}', "ru"),
        ('\u{0600}', '\u{06FF}', "ar"),
    ];
    let found = ranges.into_iter().find(|(low, high, _)| script(*low, *high));
    Some(found.map_or("en", |(_, _, language)| language))
}

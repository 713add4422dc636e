//! Reading: the delivery log of an endpoint, and events as they are sent.

use super::{DeliveryView, Owner, records};
use crate::bank::Bank;
use crate::error::BankError;
use vocabulary::{Id, kinds};

/// An endpoint's deliveries, those of the latest events first, from `before` (an event's number, exclusive) on; nothing
/// when the endpoint is not this owner's.
///
/// # Errors
/// Trouble.
pub async fn log(
    bank: &Bank,
    (owner, endpoint): (Owner, Id<kinds::Webhook>),
    before: Option<u64>,
    limit: u32,
) -> Result<Option<Vec<DeliveryView>>, BankError> {
    let before = before.unwrap_or(i64::MAX.unsigned_abs());
    let found = bank.store().read(move |snapshot| {
        if records::endpoint(snapshot.reading(), owner, endpoint)?.is_none() {
            return Ok(None);
        }
        records::log(snapshot.reading(), endpoint, before, limit).map(Some)
    });
    Ok(found.await?)
}

/// One delivery, if its endpoint is this owner's.
///
/// # Errors
/// Trouble.
pub async fn delivery(bank: &Bank, owner: Owner, id: Id<kinds::Delivery>) -> Result<Option<DeliveryView>, BankError> {
    let found = bank.store().read(move |snapshot| {
        let Some(delivery) = records::delivery(snapshot.reading(), id)? else { return Ok(None) };
        let own = records::endpoint(snapshot.reading(), owner, delivery.endpoint)?;
        Ok(own.map(|_| delivery))
    });
    Ok(found.await?)
}

/// Events after a number as they are sent, each with its number: all of them for nobody's, else the owner's.
///
/// # Errors
/// Trouble.
pub async fn payloads_after(
    bank: &Bank,
    owner: Owner,
    after: u64,
    limit: u32,
) -> Result<Vec<(u64, String)>, BankError> {
    let events = bank.store().read(move |snapshot| snapshot.events_after(after, owner, limit)).await?;
    Ok(events.iter().map(|event| (event.no, super::payload(event))).collect())
}

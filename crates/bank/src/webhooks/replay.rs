//! Sending again: one delivery, or everything since an event.

use super::{DeliveryView, EndpointView, Owner, records};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// What a replay will send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replayed {
    /// The endpoint, with its cursor moved back.
    pub endpoint: EndpointView,
}

/// The owner's endpoint, when it is enabled.
fn ready(uow: &Uow<'_, '_>, owner: Owner, id: Id<kinds::Webhook>) -> Result<Result<EndpointView, Refusal>, StoreError> {
    Ok(match records::endpoint(uow.reading(), owner, id)? {
        None => Err(Refusal::of(ErrorCode::NotFound)),
        Some(endpoint) if !endpoint.enabled => Err(Refusal::of(ErrorCode::WebhookDisabled)),
        Some(endpoint) => Ok(endpoint),
    })
}

/// Sends a delivery again, with the same message id, whatever came of it before.
///
/// # Errors
/// Trouble. Refusals: `not_found`, `webhook_disabled`.
pub async fn resend(
    bank: &Bank,
    wish: Wish,
    owner: Owner,
    id: Id<kinds::Delivery>,
) -> Result<Answer<DeliveryView>, BankError> {
    bank.once(wish, move |uow| {
        let Some(delivery) = records::delivery(uow.reading(), id)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        if let Err(refusal) = ready(uow, owner, delivery.endpoint)? {
            return Ok(Outcome::Refused(refusal));
        }
        records::restart(uow, id)?;
        let delivery = records::delivery(uow.reading(), id)?.unwrap_or(delivery);
        Ok(Outcome::Done(delivery))
    })
    .await
}

/// Sends every event after a number again that the endpoint wants, with the message ids they had.
///
/// # Errors
/// Trouble. Refusals: `not_found`, `webhook_disabled`, `invalid_field` when the number lies ahead of the sequence.
pub async fn replay(
    bank: &Bank,
    wish: Wish,
    (owner, id): (Owner, Id<kinds::Webhook>),
    after: u64,
) -> Result<Answer<Replayed>, BankError> {
    bank.once(wish, move |uow| {
        let mut endpoint = match ready(uow, owner, id)? {
            Ok(endpoint) => endpoint,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        if after > endpoint.cursor {
            let detail = "these events were not sent yet; name an earlier number";
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("after")));
        }
        records::set_cursor(uow, id, after)?;
        endpoint.cursor = after;
        Ok(Outcome::Done(Replayed { endpoint }))
    })
    .await
}

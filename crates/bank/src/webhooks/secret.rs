//! Endpoint secrets: drawn here, shown once, stored sealed under a key of the endpoint.

use crate::desk::Desk;
use crate::error::BankError;
use crate::sealed::{Place, Sealed, Sealing};
use formats::standard_webhooks::SigningSecret;
use sql::Reading;
use store::{StoreError, Uow};
use vocabulary::{Draw, Id, kinds};

type WebhookId = Id<kinds::Webhook>;

const fn place(endpoint: WebhookId) -> Place {
    Place::new("webhook_endpoint", "secret", endpoint.as_u128())
}

/// A fresh secret: its text, and sealed for its row. The first secret of an endpoint comes with the endpoint's key.
pub(super) fn draw(desk: &Desk, uow: &mut Uow<'_, '_>, endpoint: WebhookId) -> Result<(String, Vec<u8>), StoreError> {
    let bytes: [u8; 32] = desk.entropy().bytes();
    let owner = endpoint.as_u128();
    let key = match desk.sealing().key(uow.reading(), owner)? {
        Some(key) => key,
        None => {
            let new = desk.sealing().new_person(owner)?;
            Sealing::insert(uow, owner, &new)?;
            new.key
        }
    };
    let sealed = key.seal(desk.entropy(), place(endpoint), &bytes.to_vec())?;
    Ok((SigningSecret::print(&bytes), sealed.stored().to_vec()))
}

/// Opens a stored secret for signing.
pub(super) fn open(
    desk: &Desk,
    reading: Reading<'_>,
    endpoint: WebhookId,
    stored: Vec<u8>,
) -> Result<SigningSecret, BankError> {
    let damaged = || BankError::Unsealed("webhook_endpoint");
    let key = desk.sealing().key(reading, endpoint.as_u128())?.ok_or_else(damaged)?;
    let bytes = Sealed::<Vec<u8>>::from_stored(stored).open(&key, place(endpoint))?;
    SigningSecret::from_bytes(&bytes).map_err(|_| damaged())
}

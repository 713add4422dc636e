//! A person's own devices: seeing and revoking them.

use super::proof::Algorithm;
use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use crate::notices::Told;
use crate::refusal::Refusal;
use crate::sessions::{self, Session};
use crate::wish::Wish;
use store::{NewEvent, Outcome};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A device, for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceView {
    /// Its id.
    pub id: Id<kinds::Device>,
    /// What she calls it.
    pub name: Option<String>,
    /// How it signs.
    pub algorithm: Algorithm,
    /// When it was bound.
    pub created: Timestamp,
    /// When it last proved itself: signing in or refreshing.
    pub seen: Timestamp,
}

/// So many are shown.
const MOST: u32 = 200;

/// Her devices that are not revoked, newest first, at most 200.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, customer: Id<kinds::Customer>) -> Result<Vec<DeviceView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let key = desk.sealing().key(reading, customer.as_u128())?;
        let mut all = Vec::new();
        for device in records::of_customer(reading, customer, MOST)? {
            let name = match (&key, &device.name) {
                (Some(key), Some(name)) => Some(name.open(key, records::name_place(device.id))?),
                _ => None,
            };
            let (created, seen) = (device.created, device.seen);
            all.push(DeviceView { id: device.id, name, algorithm: device.key.algorithm, created, seen });
        }
        Ok(all)
    });
    Ok(found.await?)
}

/// Revokes one of her devices and ends its sessions, the one that asks too if it is its. Refused with `not_found` when it is none of
/// hers, or revoked.
///
/// # Errors
/// Trouble.
pub async fn revoke(bank: &Bank, asking: Session, id: Id<kinds::Device>) -> Result<Result<(), Refusal>, BankError> {
    let customer = asking.customer;
    let text = "One of your devices was revoked and signed out, as you asked. If that was not you, change your password and \
        tell the bank.";
    let told = Told::draft(bank, customer, text).await?;
    let answer = bank.once_then(
        Wish::internal(asking.principal(), "devices.revoke"),
        move |uow| {
            if !records::revoke(uow, customer, id)? {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            sessions::records::end_of_device(uow, customer, id)?;
            told.write(uow)?;
            let body = serde_json::json!({ "customer": customer, "device": id }).to_string();
            let (owner, subject) = (Some(customer.as_u128()), customer.as_u128());
            uow.emit(NewEvent { kind: "customer.device_revoked", version: 1, owner, subject, body });
            Ok(Outcome::Done(()))
        },
        move |bank| {
            // Those of other devices are read again.
            bank.caches().sessions.forget_where(|found| found.customer == customer);
            Ok(())
        },
    );
    Ok(answer.await?.result)
}

//! Signing in with a device, or without one.

use super::proof::{DeviceKey, sign_in_text};
use super::{challenge, records};
use crate::audit::Recorder;
use crate::bank::Bank;
use crate::error::BankError;
use crate::notices::Told;
use crate::refusal::Refusal;
use crate::sealed::Sealed;
use crate::tokens::{self, TokenHash};
use crate::wish::Principal;
use store::{NewEvent, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A device's proof at signing in, as it was sent.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The public key's bytes.
    pub key: Vec<u8>,
    /// The challenge that was signed.
    pub challenge: String,
    /// The signature over `jiaozi sign-in`, the challenge and the sign-in name, with line feeds between.
    pub signature: Vec<u8>,
}

fn no_good() -> Refusal {
    Refusal::of(ErrorCode::DeviceProofInvalid)
}

/// A proof whose signature is good.
#[derive(Clone, Debug)]
pub(crate) struct Entering {
    key: DeviceKey,
    challenge: TokenHash,
    expires: Timestamp,
}

impl Entering {
    /// Checks everything but whether the challenge was used before. Looks at no customer, so it tells nothing of any.
    pub(crate) fn check(bank: &Bank, proof: &Proof, name: &str) -> Result<Self, Refusal> {
        let key = DeviceKey::read(&proof.key).ok_or_else(no_good)?;
        let expires = challenge::read(bank.sealing(), &proof.challenge).ok_or_else(no_good)?;
        let good = bank.now() < expires && key.signed(&sign_in_text(&proof.challenge, name), &proof.signature);
        let challenge = tokens::hash(&proof.challenge);
        if good { Ok(Self { key, challenge, expires }) } else { Err(no_good()) }
    }
}

/// What the unit of a sign-in that asks for a refresh token writes about the device.
pub(crate) struct Entry {
    id: Id<kinds::Device>,
    with: Option<Entering>,
    name: Option<Sealed<String>>,
    told: Told,
    recorder: Recorder,
}

impl Entry {
    pub(crate) async fn new(
        bank: &Bank,
        customer: Id<kinds::Customer>,
        with: Option<Entering>,
        name: Option<&str>,
    ) -> Result<Self, BankError> {
        let (id, desk) = (bank.new_id(), bank.desk());
        let owner = customer.as_u128();
        let key = bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), owner)?)).await?;
        let name = match (key, name) {
            (Some(key), Some(name)) => Some(key.seal(bank.entropy(), records::name_place(id), &name.to_owned())?),
            _ => None,
        };
        let text = "Somebody signed in to your wallet with your password on a device that we did not know. If that was not \
            you, end that sign-in, change your password and tell the bank.";
        let told = Told::draft(bank, customer, text).await?;
        let recorder = Recorder::new(bank, Principal::Customer(customer), "devices.bind");
        Ok(Self { id, with, name, told, recorder })
    }

    /// Uses the challenge up and finds or binds the device; the id of the device, if there is one.
    pub(crate) fn write(
        &self,
        uow: &mut Uow<'_, '_>,
        customer: Id<kinds::Customer>,
    ) -> Result<Result<Option<Id<kinds::Device>>, Refusal>, StoreError> {
        let Some(with) = &self.with else {
            self.tell(uow, customer, None)?;
            return Ok(Ok(None));
        };
        if uow.now() >= with.expires || !records::use_up(uow, &with.challenge, with.expires)? {
            return Ok(Err(no_good()));
        }
        match records::by_key(uow.reading(), customer, &with.key)? {
            Some(found) if found.revoked.is_some() => Ok(Err(no_good())),
            Some(found) => {
                records::set_seen(uow, found.id)?;
                Ok(Ok(Some(found.id)))
            }
            None => {
                records::insert(uow, (self.id, customer), (&with.key, self.name.as_ref()))?;
                self.recorder.write(uow, "done")?;
                self.tell(uow, customer, Some(self.id))?;
                Ok(Ok(Some(self.id)))
            }
        }
    }

    fn tell(
        &self,
        uow: &mut Uow<'_, '_>,
        customer: Id<kinds::Customer>,
        device: Option<Id<kinds::Device>>,
    ) -> Result<(), StoreError> {
        self.told.write(uow)?;
        let body = serde_json::json!({ "customer": customer, "device": device }).to_string();
        let (owner, subject) = (Some(customer.as_u128()), customer.as_u128());
        uow.emit(NewEvent { kind: "customer.new_device", version: 1, owner, subject, body });
        Ok(())
    }
}

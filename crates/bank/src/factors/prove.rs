//! Proving a factor.
//!
//! Races closed: what takes time (argon2, opening what is sealed) is done before the unit, on what was read then; the unit looks
//! whether it still stands so, so that a PIN that was changed meanwhile proves nothing, and counts failures where it decides,
//! so that guesses sent at the same time count as much as one after another. A code is taken by the unit that acts on it, once.

use super::records::{self, FactorRow, Kind, secret_place};
use super::{recovery_codes, totp};
use crate::bank::Bank;
use crate::customers;
use crate::customers::records::Credential;
use crate::error::BankError;
use crate::passwords;
use crate::policies::{Policies, Throttle};
use crate::refusal::Refusal;
use crate::sealed::KeyedHash;
use sql::Reading;
use store::{StoreError, Uow};
use vocabulary::{ErrorCode, Id, Secret, Timestamp, kinds};

/// What is given as proof.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The password.
    Password(Secret<String>),
    /// The payment PIN.
    Pin(Secret<String>),
    /// A code of the authenticator.
    Totp(Secret<String>),
    /// A recovery code.
    RecoveryCode(Secret<String>),
}

impl Proof {
    /// Of what it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Password(_) => Kind::Password,
            Self::Pin(_) => Kind::Pin,
            Self::Totp(_) => Kind::Totp,
            Self::RecoveryCode(_) => Kind::RecoveryCode,
        }
    }
}

impl Kind {
    /// How often it may be tried.
    #[must_use]
    pub const fn throttle(self, policies: &Policies) -> Throttle {
        match self {
            Self::Password => policies.sign_in,
            Self::Pin => policies.pin,
            Self::Totp => policies.totp,
            Self::RecoveryCode => policies.recovery_code,
        }
    }
}

/// What a proof was found right for, before the unit.
enum Found {
    Nothing,
    Password(Credential),
    /// A PIN, or an authenticator's code of a step.
    Factor(FactorRow, i64),
    Code(KeyedHash),
}

/// A proof that was looked at; the unit decides.
pub(crate) struct Prepared {
    customer: Id<kinds::Customer>,
    kind: Kind,
    throttle: Throttle,
    found: Found,
}

/// Everything that takes time. Refused with `too_many_attempts`.
pub(crate) async fn prepare(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    proof: Proof,
) -> Result<Result<Prepared, Refusal>, BankError> {
    let kind = proof.kind();
    let throttle = kind.throttle(&bank.policies());
    let paused =
        bank.store().read(move |snapshot| pause(snapshot.reading(), (customer, kind), (throttle, snapshot.now())));
    if let Some(until) = paused.await? {
        return Ok(Err(too_many(until)));
    }
    let found = match proof {
        Proof::Password(given) => of_password(bank, customer, given).await?,
        Proof::Pin(given) => of_pin(bank, customer, given).await?,
        Proof::Totp(given) => of_totp(bank, customer, (given, false)).await?,
        Proof::RecoveryCode(given) => Found::Code(recovery_codes::hash(bank.sealing(), customer, given.expose())),
    };
    Ok(Ok(Prepared { customer, kind, throttle, found }))
}

/// As [`prepare`], for the first code of an authenticator.
pub(super) async fn prepare_first(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    given: Secret<String>,
) -> Result<Prepared, BankError> {
    let throttle = Kind::Totp.throttle(&bank.policies());
    let found = of_totp(bank, customer, (given, true)).await?;
    Ok(Prepared { customer, kind: Kind::Totp, throttle, found })
}

async fn of_password(bank: &Bank, customer: Id<kinds::Customer>, given: Secret<String>) -> Result<Found, BankError> {
    let found = bank.store().read(move |snapshot| customers::records::credential(snapshot.reading(), customer)).await?;
    let credential = found.map(|(_, credential)| credential);
    let right = passwords::verify(given, credential.as_ref().and_then(|found| found.password.clone())).await?;
    Ok(credential.filter(|_| right).map_or(Found::Nothing, Found::Password))
}

/// A person's factor of a kind, and what is sealed in it.
async fn opened(
    bank: &Bank,
    of: (Id<kinds::Customer>, Kind),
    waits: bool,
) -> Result<Option<(FactorRow, Secret<Vec<u8>>)>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(row) = records::of_kind(reading, of, waits)? else { return Ok(None) };
        let Some(key) = desk.sealing().key(reading, of.0.as_u128())? else { return Ok(None) };
        let secret = row.secret.open(&key, secret_place(row.id))?;
        Ok(Some((row, Secret::new(secret))))
    });
    Ok(found.await?)
}

async fn of_pin(bank: &Bank, customer: Id<kinds::Customer>, given: Secret<String>) -> Result<Found, BankError> {
    let found = opened(bank, (customer, Kind::Pin), false).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.expose().clone());
    let right = passwords::verify(given, hash).await?;
    Ok(found.filter(|_| right).map_or(Found::Nothing, |(row, _)| Found::Factor(row, 0)))
}

async fn of_totp(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    (given, waits): (Secret<String>, bool),
) -> Result<Found, BankError> {
    let Some((row, secret)) = opened(bank, (customer, Kind::Totp), waits).await? else { return Ok(Found::Nothing) };
    let step = totp::matching(secret.expose(), &given, (bank.now(), row.last_step));
    Ok(step.map_or(Found::Nothing, |step| Found::Factor(row, step)))
}

impl Prepared {
    /// Takes the proof, or counts a failure. Refused with `too_many_attempts`, `factor_wrong`.
    pub(crate) fn decide(&self, uow: &mut Uow<'_, '_>) -> Result<Result<(), Refusal>, StoreError> {
        let of = (self.customer, self.kind);
        let now = uow.now();
        if let Some(until) = pause(uow.reading(), of, (self.throttle, now))? {
            return Ok(Err(too_many(until)));
        }
        if self.take(uow)? {
            records::clear_failures(uow, of)?;
            return Ok(Ok(()));
        }
        let recent = records::failures(uow.reading(), of)?.filter(|(_, last)| now < over(*last, self.throttle));
        records::set_failures(uow, of, recent.map_or(0, |(count, _)| count) + 1)?;
        Ok(Err(Refusal::of(ErrorCode::FactorWrong)))
    }

    fn take(&self, uow: &mut Uow<'_, '_>) -> Result<bool, StoreError> {
        match &self.found {
            Found::Nothing => Ok(false),
            Found::Password(credential) => {
                let present = customers::records::credential(uow.reading(), self.customer)?;
                Ok(present.is_some_and(|(_, present)| present == *credential))
            }
            Found::Factor(row, step) => {
                let present = records::by_id(uow.reading(), row.id)?;
                let good = |present: &FactorRow| {
                    let fresh = self.kind == Kind::Pin || *step > present.last_step;
                    fresh && present.confirmed.is_some() == row.confirmed.is_some()
                };
                if !present.as_ref().is_some_and(good) {
                    return Ok(false);
                }
                match row.confirmed {
                    Some(_) => records::set_used(uow, row.id, *step)?,
                    None => records::set_confirmed(uow, row.id, *step)?,
                }
                Ok(true)
            }
            Found::Code(hash) => records::use_code(uow, self.customer, hash),
        }
    }
}

fn over(last: Timestamp, throttle: Throttle) -> Timestamp {
    last.plus_seconds(i64::from(throttle.minutes) * 60)
}

fn pause(
    reading: Reading<'_>,
    of: (Id<kinds::Customer>, Kind),
    (throttle, now): (Throttle, Timestamp),
) -> Result<Option<Timestamp>, StoreError> {
    let found = records::failures(reading, of)?.filter(|(count, _)| *count >= throttle.tries);
    Ok(found.map(|(_, last)| over(last, throttle)).filter(|until| now < *until))
}

fn too_many(until: Timestamp) -> Refusal {
    Refusal::new(ErrorCode::TooManyAttempts, format!("too many wrong tries; try again after {until}"))
}

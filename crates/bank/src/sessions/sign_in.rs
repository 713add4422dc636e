//! Signing in and out.
//!
//! Race closed: between reading a password's hash and opening the session lies the hashing of what was given, long enough for
//! the customer to be erased, or for the password to be changed by somebody who ends all sessions for it. So the unit that
//! opens the session looks once more whether the name still lets in the same customer by the same password; if not, it is
//! a wrong password. Erasing and changing end the sessions that they find, so none is left either way.

use super::begin::{Begun, Wanted};
use super::{ACCESS_PREFIX, Session, records};
use crate::bank::Bank;
use crate::customers::records::Credential;
use crate::customers::{self, SIGN_IN};
use crate::devices::Entering;
use crate::error::BankError;
use crate::policies::Throttle;
use crate::refusal::Refusal;
use crate::sealed::KeyedHash;
use crate::wish::{Principal, Wish};
use crate::{passwords, tokens};
use formats::alias::Alias;
use sql::Reading;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Secret, Timestamp};

/// A customer signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The token; it is shown once and not stored.
    pub token: Secret<String>,
    /// The session.
    pub session: Session,
    /// With which it is refreshed, if that was asked for.
    pub refresh: Option<Refresh>,
}

/// A refresh token, shown once and not stored.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The token.
    pub token: Secret<String>,
    /// Until when it can be used.
    pub until: Timestamp,
}

/// Signs a customer in, without a refresh token. See [`sign_in_as`].
///
/// # Errors
/// Trouble.
pub async fn sign_in(
    bank: &Bank,
    name: &str,
    password: Secret<String>,
) -> Result<Result<SignedIn, Refusal>, BankError> {
    sign_in_as(bank, (name, password), Wanted::default()).await
}

/// Signs a customer in. Wrong name and wrong password are the same refusal and take the same time. After too many failures
/// even the right password is refused until the pause is over. Not recorded under a key: a retry gives another session.
///
/// # Errors
/// Trouble.
pub async fn sign_in_as(
    bank: &Bank,
    (name, password): (&str, Secret<String>),
    wanted: Wanted,
) -> Result<Result<SignedIn, Refusal>, BankError> {
    if let Err(refusal) = wanted.check() {
        return Ok(Err(refusal));
    }
    let (attempt, tokens) = match prepare(bank, (name, password), wanted).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match bank.store().write(move |uow| attempt.decide(uow)).await? {
        Outcome::Done((session, until)) => {
            let refresh = tokens.refresh.map(|token| Refresh { token, until });
            Ok(Ok(SignedIn { token: tokens.access, session, refresh }))
        }
        Outcome::Refused(refusal) => Ok(Err(refusal)),
    }
}

/// The texts of a session's tokens.
pub(super) struct Tokens {
    pub(super) access: Secret<String>,
    pub(super) refresh: Option<Secret<String>>,
}

/// Everything that takes time: reading, and hashing what was given.
pub(super) async fn prepare(
    bank: &Bank,
    (name, password): (&str, Secret<String>),
    wanted: Wanted,
) -> Result<Result<(Attempt, Tokens), Refusal>, BankError> {
    let Ok(alias) = Alias::parse(name) else { return Ok(Err(Refusal::of(ErrorCode::InvalidCredentials))) };
    let device = match wanted.device.as_ref().map(|proof| Entering::check(bank, proof, name)).transpose() {
        Ok(device) => device,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let hash = bank.sealing().hash(SIGN_IN, alias.as_str());
    let throttle = bank.policies().sign_in;
    let found = bank.store().read(move |snapshot| {
        let paused = pause(snapshot.reading(), &hash, throttle, snapshot.now())?;
        Ok((paused, customers::records::by_sign_in(snapshot.reading(), &hash)?))
    });
    let (paused, found) = found.await?;
    if let Some(until) = paused {
        return Ok(Err(too_many(until)));
    }
    let stored = found.as_ref().and_then(|found| found.password.clone());
    let right = passwords::verify(password, stored).await?;
    let access = tokens::draw(ACCESS_PREFIX, bank.entropy());
    let credential = found.filter(|_| right);
    let owner = credential.as_ref().map(|found| found.customer);
    let (begun, refresh) = Begun::new(bank, (owner, tokens::hash(access.expose())), (wanted, device)).await?;
    Ok(Ok((Attempt { name: hash, credential, throttle, begun }, Tokens { access, refresh })))
}

pub(super) struct Attempt {
    name: KeyedHash,
    /// What the password was right for; none when name or password was wrong.
    credential: Option<Credential>,
    throttle: Throttle,
    begun: Begun,
}

impl Attempt {
    /// The session, and until when it can be refreshed. Counts failures where they are decided, so that guesses sent at the same time count as much as one after another.
    pub(super) fn decide(&self, uow: &mut Uow<'_, '_>) -> Result<Outcome<(Session, Timestamp), Refusal>, StoreError> {
        let now = uow.now();
        if let Some(until) = pause(uow.reading(), &self.name, self.throttle, now)? {
            return Ok(Outcome::Refused(too_many(until)));
        }
        let present = customers::records::by_sign_in(uow.reading(), &self.name)?;
        let customer = present.filter(|present| self.credential.as_ref() == Some(present)).map(|found| found.customer);
        let Some(customer) = customer else {
            return wrong(uow, &self.name, self.throttle).map(Outcome::Refused);
        };
        records::clear_failures(uow, &self.name)?;
        records::sweep(uow, customer)?;
        self.begun.write(uow, customer)
    }
}

/// Counts a failure.
pub(super) fn wrong(uow: &mut Uow<'_, '_>, name: &KeyedHash, throttle: Throttle) -> Result<Refusal, StoreError> {
    let now = uow.now();
    let before = records::failures(uow.reading(), name)?;
    let recent = before.filter(|(_, last)| now < over(*last, throttle)).map_or(0, |(count, _)| count);
    records::set_failures(uow, name, recent + 1)?;
    Ok(Refusal::of(ErrorCode::InvalidCredentials))
}

fn over(last: Timestamp, throttle: Throttle) -> Timestamp {
    last.plus_seconds(i64::from(throttle.minutes) * 60)
}

/// Until when a name is paused.
pub(super) fn pause(
    reading: Reading<'_>,
    name: &KeyedHash,
    throttle: Throttle,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let found = records::failures(reading, name)?.filter(|(count, _)| *count >= throttle.tries);
    Ok(found.map(|(_, last)| over(last, throttle)).filter(|until| now < *until))
}

pub(super) fn too_many(until: Timestamp) -> Refusal {
    Refusal::new(ErrorCode::TooManyAttempts, format!("too many failed sign-ins; try again after {until}"))
}

/// Ends a session.
///
/// # Errors
/// Trouble.
pub async fn sign_out(bank: &Bank, session: Session) -> Result<(), BankError> {
    bank.once_then(
        Wish::internal(session.principal(), "sessions.sign_out"),
        move |uow| {
            records::end_own(uow, session.customer, session.id)?;
            Ok(Outcome::Done(()))
        },
        move |bank| {
            bank.caches().sessions.forget_where(|found| found.id == session.id);
            Ok(())
        },
    )
    .await
    .map(drop)
}

impl Session {
    /// Who acts with it.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal::Customer(self.customer)
    }
}

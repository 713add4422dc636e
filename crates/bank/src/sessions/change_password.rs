//! Changing the password: by her who is signed in and knows the present one.
//!
//! Races closed: the present password is looked at again where the new one is written, so that of two changes at a time one
//! is refused, and a change never brings back a customer who was erased meanwhile. Failures count with those of signing in,
//! where they are decided. Every other session ends with the change, in tables and in memory, even if the caller hangs up.

use super::Session;
use super::records;
use super::sign_in::{pause, too_many, wrong};
use crate::bank::Bank;
use crate::customers::records::Credential;
use crate::error::BankError;
use crate::notices::Told;
use crate::policies::Throttle;
use crate::refusal::Refusal;
use crate::sealed::KeyedHash;
use crate::wish::Wish;
use crate::{customers, passwords};
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Secret};

/// Changes the password of the session's customer and ends her other sessions. In order: `password_too_weak`,
/// `too_many_attempts`, `invalid_credentials`. Not recorded under a key, because a record would let passwords be guessed from
/// it: whoever repeats it after success is told that the former password is wrong.
///
/// # Errors
/// Trouble.
pub async fn change_password(
    bank: &Bank,
    session: Session,
    current: Secret<String>,
    new: Secret<String>,
) -> Result<Result<(), Refusal>, BankError> {
    let change = match prepare(bank, session, current, new).await? {
        Ok(change) => change,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let answer = bank.once_then(
        Wish::internal(session.principal(), "sessions.change_password"),
        move |uow| change.decide(uow),
        move |bank| {
            let others = |found: &Session| found.customer == session.customer && found.id != session.id;
            bank.caches().sessions.forget_where(others);
            Ok(())
        },
    );
    Ok(answer.await?.result)
}

/// Everything that takes time: reading, and hashing both passwords.
pub(super) async fn prepare(
    bank: &Bank,
    session: Session,
    current: Secret<String>,
    new: Secret<String>,
) -> Result<Result<Change, Refusal>, BankError> {
    if let Err(refusal) = passwords::check_new(&bank.policies(), &new) {
        return Ok(Err(refusal.at("new_password")));
    }
    let (throttle, customer) = (bank.policies().sign_in, session.customer);
    let found = bank.store().read(move |snapshot| {
        let Some(found) = customers::records::credential(snapshot.reading(), customer)? else { return Ok(None) };
        let paused = pause(snapshot.reading(), &found.0, throttle, snapshot.now())?;
        Ok(Some((found, paused)))
    });
    let Some(((name, credential), paused)) = found.await? else {
        return Ok(Err(Refusal::of(ErrorCode::InvalidCredentials)));
    };
    if let Some(until) = paused {
        return Ok(Err(too_many(until)));
    }
    let right = passwords::verify(current, credential.password.clone()).await?;
    let password = if right { Some(passwords::hash(new, bank.entropy()).await?) } else { None };
    let text = "Your password was changed, and everybody else who was signed in with it is signed out. If that was not you, \
        tell the bank at once.";
    let notice = Told::draft(bank, session.customer, text).await?;
    Ok(Ok(Change { session, name, credential, password, throttle, notice }))
}

pub(super) struct Change {
    session: Session,
    name: KeyedHash,
    /// As it was when the present password was checked.
    credential: Credential,
    /// The new one's hash; none when the present password was wrong.
    password: Option<passwords::PasswordHash>,
    throttle: Throttle,
    notice: Told,
}

impl Change {
    pub(super) fn decide(&self, uow: &mut Uow<'_, '_>) -> Result<Outcome<(), Refusal>, StoreError> {
        let (now, customer) = (uow.now(), self.session.customer);
        if let Some(until) = pause(uow.reading(), &self.name, self.throttle, now)? {
            return Ok(Outcome::Refused(too_many(until)));
        }
        let present = customers::records::credential(uow.reading(), customer)?;
        let unchanged = present.is_some_and(|(_, present)| present == self.credential);
        let Some(password) = self.password.as_ref().filter(|_| unchanged) else {
            return wrong(uow, &self.name, self.throttle).map(Outcome::Refused);
        };
        customers::records::set_password(uow, customer, password)?;
        records::end_others(uow, &self.session)?;
        records::clear_failures(uow, &self.name)?;
        self.notice.write(uow)?;
        let body = serde_json::json!({ "customer": customer }).to_string();
        let (owner, subject) = (Some(customer.as_u128()), customer.as_u128());
        uow.emit(NewEvent { kind: "customer.password_changed", version: 1, owner, subject, body });
        Ok(Outcome::Done(()))
    }
}

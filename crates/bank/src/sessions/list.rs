//! A person's own sessions: seeing them, and ending them from any other.

use super::Session;
use super::about::About;
use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use crate::notices::Told;
use crate::refusal::Refusal;
use crate::wish::Wish;
use store::{NewEvent, Outcome, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A session, for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its id.
    pub id: Id<kinds::Session>,
    /// What she calls the device.
    pub device_name: Option<String>,
    /// From which network it was begun, such as `203.0.113.0/24`.
    pub network: Option<String>,
    /// When it was begun.
    pub created: Timestamp,
    /// When it was last used, to the minute or so.
    pub seen: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires: Timestamp,
    /// Whether it has a refresh token.
    pub refreshable: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// So many are shown.
const MOST: u32 = 200;

/// The sessions of the one who asks whose time is not over, newest first, at most 200.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, asking: Session) -> Result<Vec<SessionView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let key = desk.sealing().key(reading, asking.customer.as_u128())?;
        let mut all = Vec::new();
        for shown in records::of_customer(reading, asking.customer, (snapshot.now(), MOST))? {
            let about = match (&key, &shown.about) {
                (Some(key), Some(sealed)) => About::open(sealed, key, shown.id)?,
                _ => About::default(),
            };
            all.push((shown, about));
        }
        Ok(all)
    });
    let view = |(shown, about): (records::Shown, About)| SessionView {
        id: shown.id,
        device_name: about.device_name,
        network: about.network,
        created: shown.created,
        seen: bank.seen().of(shown.id).max(shown.seen).unwrap_or(shown.created),
        expires: shown.expires,
        refreshable: shown.refreshable,
        current: shown.id == asking.id,
    };
    Ok(found.await?.into_iter().map(view).collect())
}

/// Ends one of her sessions. Refused with `not_found` when it is none of hers, or over.
///
/// # Errors
/// Trouble.
pub async fn end(bank: &Bank, asking: Session, id: Id<kinds::Session>) -> Result<Result<(), Refusal>, BankError> {
    let customer = asking.customer;
    let answer = bank.once_then(
        Wish::internal(asking.principal(), "sessions.end"),
        move |uow| {
            if !records::end_own(uow, customer, id)? {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            tell_ended(uow, customer, &serde_json::json!({ "customer": customer, "session": id }));
            Ok(Outcome::Done(()))
        },
        move |bank| {
            bank.caches().sessions.forget_where(|found| found.id == id);
            Ok(())
        },
    );
    Ok(answer.await?.result)
}

/// Ends all of her sessions but the one that asks, and tells her so; returns how many.
///
/// # Errors
/// Trouble.
pub async fn end_others(bank: &Bank, asking: Session) -> Result<u64, BankError> {
    let text = "All your other sign-ins were ended, as you asked. If that was not you, change your password and tell the bank.";
    let (customer, told) = (asking.customer, Told::draft(bank, asking.customer, text).await?);
    let answer = bank.once_then(
        Wish::internal(asking.principal(), "sessions.end_others"),
        move |uow| {
            let ended = records::end_others(uow, &asking)? as u64;
            if ended > 0 {
                told.write(uow)?;
                tell_ended(uow, customer, &serde_json::json!({ "customer": customer, "ended": ended }));
            }
            Ok(Outcome::Done(ended))
        },
        move |bank| {
            bank.caches().sessions.forget_where(|found| found.customer == customer && found.id != asking.id);
            Ok(())
        },
    );
    answer.await?.result.map_err(|refusal| BankError::Bug(refusal.detail))
}

fn tell_ended(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>, body: &serde_json::Value) {
    let (owner, subject) = (Some(customer.as_u128()), customer.as_u128());
    uow.emit(NewEvent { kind: "customer.sessions_ended", version: 1, owner, subject, body: body.to_string() });
}

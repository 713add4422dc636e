//! Refreshing: a refresh token is used once and gives the next access token and the next refresh token.
//!
//! Races closed here. *A lost answer:* the client still has the token that was replaced. The very last one may be used again for
//! `grace_seconds` and gives the same next tokens, which are computed from it and not stored; so two requests at the same
//! time with the same token agree as well. *A stolen token:* whoever uses a replaced token after that, or one replaced before
//! the last, holds a copy: the session ends, in tables and memory and on all nodes, and the person is told. Which of the two
//! was the thief is not known, and need not be. What remains: a thief who refreshes within the grace of each of the owner's
//! refreshes is not noticed.
//!
//! The token is looked at again where the next one is written, behind which no other unit decides. What a refused token
//! was refused for is not said.

use super::Session;
use super::begin::ends;
use super::records::{self, Family};
use super::refresh_token::RefreshToken;
use super::sign_in::{Refresh, SignedIn};
use crate::bank::Bank;
use crate::error::BankError;
use crate::notices::Told;
use crate::policies::SessionTerms;
use crate::refusal::Refusal;
use crate::wish::{Principal, Wish};
use crate::{devices, tokens};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::sync::Arc;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Timestamp};

/// What a token of ours comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The present one: it is replaced.
    Good,
    /// The last one, soon after it was replaced.
    Again,
    /// One that was replaced, too late or too long ago.
    Reused,
    /// Its session has ended.
    Over,
}

fn verdict(family: Option<&Family>, token: &RefreshToken, (terms, now): (SessionTerms, Timestamp)) -> Verdict {
    let Some(family) = family.filter(|family| now < family.ends.until) else { return Verdict::Over };
    if token.generation == family.generation {
        let same = verify_slices_are_equal(&family.secret, &token.secret_hash()).is_ok();
        return if same { Verdict::Good } else { Verdict::Over };
    }
    let last = token.generation.checked_add(1) == Some(family.generation);
    let soon = now < family.rotated.plus_seconds(i64::from(terms.grace_seconds));
    if last && soon { Verdict::Again } else { Verdict::Reused }
}

fn refused() -> Refusal {
    Refusal::of(ErrorCode::RefreshTokenInvalid)
}

/// Gives the next tokens of a session; one of a device needs its signature over `jiaozi refresh`, a line feed and the token. Refused with `refresh_token_invalid`, whatever the reason.
///
/// # Errors
/// Trouble.
pub async fn refresh(
    bank: &Bank,
    text: &str,
    signature: Option<&[u8]>,
) -> Result<Result<SignedIn, Refusal>, BankError> {
    let Some(token) = RefreshToken::read(bank.sealing(), text) else { return Ok(Err(refused())) };
    let id = token.session;
    let Some(family) = bank.store().look_up(|reading| records::family(reading, id))? else { return Ok(Err(refused())) };
    if !is_proved(bank, &family, (text, signature))? {
        return Ok(Err(refused()));
    }
    let principal = Principal::Customer(family.customer);
    let (next, access) = token.next(bank.sealing());
    let printed = next.print(bank.sealing());
    let rotation = Arc::new(Rotation { token, hashes: (tokens::hash(access.expose()), next.secret_hash()) });
    let (terms, deciding) = (bank.policies().sessions, Arc::clone(&rotation));
    let decided = bank.once_then(
        Wish::internal(principal, "sessions.refresh"),
        move |uow| deciding.decide(uow, terms),
        move |bank| {
            bank.caches().sessions.forget_where(|found| found.id == id);
            Ok(())
        },
    );
    match decided.await?.result {
        Ok(Some((expires, until))) => {
            let session = Session { id, customer: family.customer, expires };
            Ok(Ok(SignedIn { token: access, session, refresh: Some(Refresh { token: printed, until }) }))
        }
        Ok(None) => end_reused(bank, (principal, &family), rotation, terms).await.map(Err),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Whether the session's device signed the token, if it has one. Without that a copied token is worth nothing, not even to end
/// the session. A device that is revoked meanwhile has taken its sessions along.
fn is_proved(bank: &Bank, family: &Family, (text, signature): (&str, Option<&[u8]>)) -> Result<bool, BankError> {
    let Some(device) = family.device else { return Ok(true) };
    let key = bank.store().look_up(|reading| devices::records::key(reading, device))?;
    let signed = |key: devices::DeviceKey| key.signed(&devices::refresh_text(text), signature.unwrap_or_default());
    Ok(key.is_some_and(signed))
}

struct Rotation {
    token: RefreshToken,
    /// Of the next access token and of the next refresh token's secret.
    hashes: (tokens::TokenHash, tokens::TokenHash),
}

/// When the access token ends, and until when the session can be refreshed; none when the token was used before.
type Decided = Outcome<Option<(Timestamp, Timestamp)>, Refusal>;

impl Rotation {
    fn decide(&self, uow: &mut Uow<'_, '_>, terms: SessionTerms) -> Result<Decided, StoreError> {
        let (now, id) = (uow.now(), self.token.session);
        let family = records::family(uow.reading(), id)?;
        let verdict = verdict(family.as_ref(), &self.token, (terms, now));
        let Some(family) = family.filter(|_| verdict != Verdict::Over) else { return Ok(Outcome::Refused(refused())) };
        let ends = match verdict {
            Verdict::Good => {
                let ends = ends(terms, family.device.is_some(), (now, family.ends.longest));
                records::rotate(uow, id, (&self.hashes.0, &self.hashes.1), ends)?;
                if let Some(device) = family.device {
                    devices::records::set_seen(uow, device)?;
                }
                ends
            }
            Verdict::Again => family.ends,
            Verdict::Reused | Verdict::Over => return Ok(Outcome::Done(None)),
        };
        Ok(Outcome::Done(Some((ends.access, ends.until))))
    }
}

/// Ends the session of a token that was used before, and tells its owner.
async fn end_reused(
    bank: &Bank,
    (principal, family): (Principal, &Family),
    rotation: Arc<Rotation>,
    terms: SessionTerms,
) -> Result<Refusal, BankError> {
    let (customer, id) = (family.customer, rotation.token.session);
    let text = "One of your sign-ins was ended, because a key of it was used twice and may have been copied. Sign in again. If \
        you did not expect this, change your password and tell the bank.";
    let told = Told::draft(bank, customer, text).await?;
    let ended = bank.once_then(
        Wish::internal(principal, "sessions.end_reused"),
        move |uow| {
            let found = records::family(uow.reading(), id)?;
            let now = uow.now();
            if verdict(found.as_ref(), &rotation.token, (terms, now)) == Verdict::Reused
                && records::end_own(uow, customer, id)?
            {
                told.write(uow)?;
                let body = serde_json::json!({ "customer": customer, "session": id }).to_string();
                let (owner, subject) = (Some(customer.as_u128()), customer.as_u128());
                uow.emit(NewEvent { kind: "customer.refresh_reused", version: 1, owner, subject, body });
            }
            Ok(Outcome::<(), Refusal>::Refused(refused()))
        },
        move |bank| {
            bank.caches().sessions.forget_where(|found| found.id == id);
            Ok(())
        },
    );
    Ok(ended.await?.result.err().unwrap_or_else(refused))
}

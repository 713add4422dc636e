//! Whose a session token is.

use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use crate::tokens::{self, TokenHash};
use store::Ground;
use vocabulary::{Clock, Id, Timestamp, kinds};

/// A session that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: Id<kinds::Session>,
    /// Whose.
    pub customer: Id<kinds::Customer>,
    /// When its present token ends.
    pub expires: Timestamp,
}

/// The request's unit is refused when the session is gone where it decides.
fn rests_on(bank: &Bank, hash: TokenHash) {
    let clock = bank.store().clock();
    bank.store().rely(Ground::Authority, move |reading| {
        Ok(records::by_hash(reading, &hash)?.is_some_and(|session| clock.now() < session.expires))
    });
}

/// The session of a token; none when the token is unknown, signed out or over.
///
/// # Errors
/// Trouble.
pub async fn authenticate(bank: &Bank, token: &str) -> Result<Option<Session>, BankError> {
    let hash = tokens::hash(token);
    let good = |session: Session| {
        let good = bank.now() < session.expires;
        good.then(|| rests_on(bank, hash)).map(|()| {
            bank.seen().note(session.id, bank.now());
            session
        })
    };
    let ticket = match bank.caches().sessions.get(&hash) {
        Ok(session) => return Ok(good(session)),
        Err(ticket) => ticket,
    };
    let found = bank.store().look_up(|reading| records::by_hash(reading, &hash))?;
    if let Some(session) = found {
        bank.caches().sessions.keep(ticket, hash, session);
    }
    Ok(found.and_then(good))
}

//! Tickets: with one a customer may bring one card to the vault, within five minutes.
//!
//! `jct_` and base64url of 41 bytes and their HMAC-SHA-256: version, id, customer, the moment of its end. The vault remembers the
//! ids of those that were used until they have ended, so that each is good once.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use vocabulary::{ErrorCode, Id, Secret, Timestamp, kinds};

/// For how long a ticket is good.
pub const LIFE_SECONDS: i64 = 300;
/// How far the clocks of bank and vault may differ.
const SKEW_SECONDS: i64 = 30;

const PREFIX: &str = "jct_";
const VERSION: u8 = 1;
const BODY: usize = 1 + 16 + 16 + 8;
const TAG: usize = 32;

/// A ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its id, drawn at random.
    pub id: u128,
    /// Whose card it lets in.
    pub owner: Id<kinds::Customer>,
    /// When it ends.
    pub expires: Timestamp,
}

/// Why a ticket lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketError {
    /// Not a ticket, or not of this bank, or changed.
    Foreign,
    /// Its time is over, or further away than a ticket's may be.
    Expired,
}

impl TicketError {
    /// The stable code for callers.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        ErrorCode::CardTicketInvalid
    }
}

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "the ticket is not one of this bank",
            Self::Expired => "the ticket's time is over",
        })
    }
}

impl std::error::Error for TicketError {}

/// What authenticates tickets.
pub struct TicketKey(hmac::Key);

impl TicketKey {
    pub(super) fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// The text of a ticket.
    #[must_use]
    pub fn print(&self, ticket: &Ticket) -> String {
        let mut bytes = Vec::with_capacity(BODY + TAG);
        bytes.push(VERSION);
        bytes.extend_from_slice(&ticket.id.to_be_bytes());
        bytes.extend_from_slice(&ticket.owner.to_bytes());
        bytes.extend_from_slice(&ticket.expires.micros().to_be_bytes());
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a ticket that is shown at `now`. That it was not used before is for the vault to know.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn read(&self, text: &str, now: Timestamp) -> Result<Ticket, TicketError> {
        let encoded =
            text.strip_prefix(PREFIX).filter(|rest| rest.len() < 2 * (BODY + TAG)).ok_or(TicketError::Foreign)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TicketError::Foreign)?;
        let (body, tag) = bytes.split_at_checked(BODY).ok_or(TicketError::Foreign)?;
        hmac::verify(&self.0, body, tag).map_err(|_| TicketError::Foreign)?;
        let part = |from: usize| u128::from_be_bytes(std::array::from_fn(|place| body[from + place]));
        let micros = i64::from_be_bytes(std::array::from_fn(|place| body[33 + place]));
        let ticket = Ticket { id: part(1), owner: Id::from_u128(part(17)), expires: Timestamp::from_micros(micros) };
        if body[0] != VERSION {
            return Err(TicketError::Foreign);
        }
        if ticket.expires <= now || ticket.expires > now.plus_seconds(LIFE_SECONDS + SKEW_SECONDS) {
            return Err(TicketError::Expired);
        }
        Ok(ticket)
    }
}

//! A card comes in: the ticket, the message, the details, and then one unit that spends the ticket and writes the card.
//!
//! Refused in that order. A ticket whose card was refused may be tried a few times more, so that somebody who mistyped need
//! not begin anew, and no more, so that nobody tries messages on us. Details name the ticket they come with: a message that
//! was seen on its way is worth nothing with another ticket.
//!
//! Races closed here: the same ticket twice at once, and the same number twice at once under two tickets: both are decided in
//! the unit, under the store's lock. A lost answer: the customer asks for another ticket and gets the same token.

use crate::envelope::{Envelope, KEY_VERSION};
use crate::error::{Refused, Trouble};
use crate::records::{self, Card};
use crate::vault::{Vault, write_expiry};
use formats::card::{self, CardNumber, Expiry};
use formats::card_link::{Described, Ticket};
use formats::jwe::{JweError, Message};
use serde::Deserialize;
use sql::Connection;
use vocabulary::{Id, Secret, Timestamp};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// So often a ticket may be tried.
const MOST_TRIES: u32 = 5;

/// What is encrypted.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Details {
    ticket: String,
    number: String,
    expiry_month: u8,
    expiry_year: u16,
    #[serde(default)]
    security_code: Option<String>,
}

impl Vault {
    /// Takes a card in, and gives what may be told of it. The same number of the same customer gives the same token.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn take_in(&self, ticket: &str, message: &str) -> Result<Described, Refused> {
        let now = self.clock.now();
        let shown = self.tickets.read(ticket, now).map_err(Refused::Ticket)?;
        self.try_ticket(&shown)?;
        let (number, expiry) = self.read_details(ticket, message, now)?;
        let connection = self.lock();
        records::unit(&connection, |connection| {
            if records::ticket(connection, shown.id)?.1 {
                return Err(Refused::TicketSpent);
            }
            records::mark_ticket(connection, shown.id, true, shown.expires)?;
            self.keep(connection, &shown, (&number, expiry))
        })
    }

    /// Counts the try before anything costs us work.
    fn try_ticket(&self, ticket: &Ticket) -> Result<(), Refused> {
        let connection = self.lock();
        records::unit(&connection, |connection| {
            let (tries, used) = records::ticket(connection, ticket.id)?;
            if used || tries >= MOST_TRIES {
                return Err(Refused::TicketSpent);
            }
            Ok(records::mark_ticket(connection, ticket.id, false, ticket.expires)?)
        })
    }

    fn read_details(&self, ticket: &str, message: &str, now: Timestamp) -> Result<(CardNumber, Expiry), Refused> {
        let message = Message::parse(message).map_err(Refused::Message)?;
        let recipient = message.kid().and_then(|kid| self.recipient(kid, now));
        let recipient = recipient.ok_or(Refused::Message(JweError::Undecryptable))?;
        let plain = message.decrypt(&recipient).map_err(Refused::Message)?;
        let mut details: Details = serde_json::from_slice(plain.expose()).map_err(|_| Refused::Details)?;
        if details.ticket != ticket {
            return Err(Refused::Details);
        }
        let number = CardNumber::parse(&details.number).map_err(Refused::Card)?;
        let expiry = Expiry::check(details.expiry_year, details.expiry_month, now).map_err(Refused::Card)?;
        if let Some(code) = details.security_code.take() {
            // There is no card network to give it to yet, so this is where it ends.
            card::check_security_code(&Secret::new(code), number.brand()).map_err(Refused::Card)?;
        }
        Ok((number, expiry))
    }

    /// The owner's card of this number, written if it is new.
    fn keep(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        (number, expiry): (&CardNumber, Expiry),
    ) -> Result<Described, Refused> {
        let entropy = self.entropy.as_ref();
        let fingerprint = self.fingerprint(ticket.owner.as_u128(), number.expose());
        if let Some(mut found) = records::by_fingerprint(connection, &fingerprint)? {
            // A card that was issued anew keeps its number and gets a later expiry.
            let envelope = Envelope::stored(self.keys.as_ref(), Self::place(&found), &found.wrapped)?;
            found.expiry = envelope.seal(entropy, "expiry", &write_expiry(expiry))?;
            records::bring_again(connection, found.token, &found.expiry, self.clock.now())?;
            return Ok(self.describe_row(&found)?);
        }
        let now = self.clock.now();
        let mut card = Card {
            token: Id::draw(now, entropy),
            owner: ticket.owner,
            key_version: KEY_VERSION,
            wrapped: Vec::new(),
            number: Vec::new(),
            expiry: Vec::new(),
            fingerprint,
            brand: number.brand().name().to_owned(),
            last4: number.last4().to_owned(),
            created: now,
        };
        let (envelope, wrapped) = Envelope::fresh(self.keys.as_ref(), entropy, Self::place(&card))?;
        card.wrapped = wrapped;
        card.number = envelope.seal(entropy, "number", number.expose().as_bytes())?;
        card.expiry = envelope.seal(entropy, "expiry", &write_expiry(expiry))?;
        records::insert(connection, &card)?;
        self.describe_row(&card).map_err(|error: Trouble| error.into())
    }
}

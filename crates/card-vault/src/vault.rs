//! The vault: one store, the keys that are held ready, and what the bank may ask.
//!
//! Everything here blocks. One connection is behind a lock; RSA work is done before it is taken. Time and chance are arguments.

use crate::envelope::{Envelope, Place};
use crate::error::{OpenError, Trouble};
use crate::keys::{self, Held};
use crate::records::{self, Card};
use aws_lc_rs::hmac;
use formats::card::Expiry;
use formats::card_link::{Described, LinkSecret, Question, TicketKey};
use formats::jwe::RecipientKey;
use formats::jwk::KeySet;
use ports::KeyVault;
use sql::{Connection, DirectoryLock};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use vocabulary::{Clock, Entropy, Timestamp};

/// A card that nobody links for so long is destroyed.
pub const UNCLAIMED_SECONDS: i64 = 86_400;

/// How a vault is opened.
pub struct Options {
    /// Its directory.
    pub directory: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// What wraps its keys; never the bank's.
    pub keys: Arc<dyn KeyVault>,
    /// The secret that it shares with its bank.
    pub secret: LinkSecret,
    /// The age in days at which the key for card details is replaced.
    pub key_days: u32,
}

/// The vault.
pub struct Vault {
    connection: Mutex<Connection>,
    _lock: DirectoryLock,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: Arc<dyn KeyVault>,
    pub(crate) secret: LinkSecret,
    pub(crate) tickets: TicketKey,
    fingerprints: hmac::Key,
    held: RwLock<Vec<Held>>,
    key_seconds: i64,
}

/// What tidying did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// The key for card details was replaced.
    pub replaced: bool,
    /// So many old ones are gone.
    pub retired: usize,
    /// So many cards that nobody linked were destroyed.
    pub unclaimed: usize,
    /// So many ended tickets were forgotten.
    pub tickets: usize,
}

impl Vault {
    /// Opens, and when new creates, the vault of a directory.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { directory, clock, entropy, keys, secret, key_days } = options;
        let lock = DirectoryLock::take(&directory).map_err(OpenError::Lock)?;
        let connection = Connection::open_writer(&directory.join(crate::FILE_NAME), 4_096).map_err(OpenError::File)?;
        records::prepare(&connection).map_err(OpenError::File)?;
        sql::migrate(&connection, records::MIGRATIONS).map_err(OpenError::Tables)?;
        let fingerprint = keys.derive("card fingerprint").map_err(|error| OpenError::Read(error.into()))?;
        let vault = Self {
            connection: Mutex::new(connection),
            _lock: lock,
            clock,
            entropy,
            keys,
            tickets: secret.tickets(),
            secret,
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, fingerprint.expose()),
            held: RwLock::default(),
            key_seconds: i64::from(key_days.max(1)) * 86_400,
        };
        vault.reload().and_then(|()| vault.tidy()).map_err(OpenError::Read)?;
        Ok(vault)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reload(&self) -> Result<(), Trouble> {
        let found = keys::load(&self.lock(), self.keys.as_ref())?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    /// The live key of this name.
    pub(crate) fn recipient(&self, kid: &str, now: Timestamp) -> Option<Arc<RecipientKey>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let found = held.iter().find(|held| held.key.kid() == kid && held.is_live(now));
        found.map(|held| Arc::clone(&held.key))
    }

    /// The key that card details are to be encrypted for: the newest one alone.
    #[must_use]
    pub fn published(&self) -> KeySet {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        KeySet { keys: held.iter().take(1).map(|held| held.key.published()).collect() }
    }

    /// Replaces the key for card details when it is old enough, drops what has retired, destroys what nobody linked, forgets
    /// ended tickets, and empties the log. Call it every minute or so.
    ///
    /// # Errors
    /// Trouble; what was done stays done.
    pub fn tidy(&self) -> Result<Tidied, Trouble> {
        let now = self.clock.now();
        let newest = self.held.read().unwrap_or_else(PoisonError::into_inner).first().map(|held| held.created);
        let replaced = newest.is_none_or(|created| created.plus_seconds(self.key_seconds) <= now);
        if replaced {
            self.replace_key()?;
        }
        let connection = self.lock();
        let retired = records::drop_intake_keys(&connection, now)?;
        let unclaimed = records::destroy_unclaimed(&connection, now.plus_seconds(-UNCLAIMED_SECONDS), now)?;
        let tickets = records::forget_tickets(&connection, now)?;
        records::settle(&connection)?;
        drop(connection);
        if retired > 0 {
            self.reload()?;
        }
        Ok(Tidied { replaced, retired, unclaimed, tickets })
    }

    /// Replaces the key for card details now; the one before it still decrypts for [`OVERLAP_SECONDS`](crate::OVERLAP_SECONDS).
    ///
    /// # Errors
    /// Trouble.
    pub fn replace_key(&self) -> Result<(), Trouble> {
        keys::replace(&self.lock(), (self.keys.as_ref(), self.entropy.as_ref()), self.clock.now())?;
        self.reload()
    }

    /// The keyed fingerprint of a number of an owner's. The owner is part of it, so that equal numbers of two people are not
    /// equal here.
    pub(crate) fn fingerprint(&self, owner: u128, number: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.fingerprints);
        context.update(&owner.to_be_bytes());
        context.update(number.as_bytes());
        let tag = context.sign();
        std::array::from_fn(|place| tag.as_ref()[place])
    }

    pub(crate) fn place(card: &Card) -> Place {
        Place { table: "card", row: card.token.as_u128(), version: card.key_version }
    }

    /// What may be told of a card. Opening its number too notices a row that was put together from others.
    pub(crate) fn describe_row(&self, card: &Card) -> Result<Described, Trouble> {
        let envelope = Envelope::stored(self.keys.as_ref(), Self::place(card), &card.wrapped)?;
        let number = envelope.open("number", &card.number)?;
        let digits = std::str::from_utf8(number.expose()).map_err(|_| Trouble::Unsealed("number"))?;
        if self.fingerprint(card.owner.as_u128(), digits) != card.fingerprint || !digits.ends_with(&card.last4) {
            return Err(Trouble::Unsealed("number"));
        }
        let expiry = read_expiry(envelope.open("expiry", &card.expiry)?.expose())?;
        Ok(Described {
            token: card.token,
            brand: card.brand.clone(),
            last4: card.last4.clone(),
            expiry_month: expiry.month(),
            expiry_year: expiry.year(),
        })
    }

    /// What a token stands for, if it is this customer's. From then on the card is kept until the bank has it destroyed.
    ///
    /// # Errors
    /// Trouble.
    pub fn describe(&self, question: &Question) -> Result<Option<Described>, Trouble> {
        let connection = self.lock();
        let found = records::card(&connection, question.token)?.filter(|card| card.owner == question.owner);
        let Some(card) = found else { return Ok(None) };
        let described = self.describe_row(&card)?;
        records::claim(&connection, card.token, self.clock.now())?;
        Ok(Some(described))
    }

    /// Destroys a card of this customer's; nothing happens when there is none.
    ///
    /// # Errors
    /// Trouble.
    pub fn destroy(&self, question: &Question) -> Result<(), Trouble> {
        let connection = self.lock();
        if records::destroy(&connection, question.token, question.owner, self.clock.now())? {
            records::settle(&connection)?;
        }
        Ok(())
    }

    /// Whether a bearer token is the bank's.
    #[must_use]
    pub fn is_bank(&self, bearer: &str) -> bool {
        self.secret.is_bearer(bearer)
    }
}

/// How an expiry is sealed: year and month.
pub(crate) fn write_expiry(expiry: Expiry) -> [u8; 3] {
    let [high, low] = expiry.year().to_be_bytes();
    [high, low, expiry.month()]
}

fn read_expiry(bytes: &[u8]) -> Result<Expiry, Trouble> {
    let [high, low, month] = *bytes else { return Err(Trouble::Unsealed("expiry")) };
    Ok(Expiry::stored(u16::from_be_bytes([high, low]), month))
}

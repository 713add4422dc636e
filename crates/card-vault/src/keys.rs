//! The keys that card details are encrypted for: kept sealed, replaced with an overlap, gone for good afterwards.
//!
//! Who encrypts takes the published one, the newest. The one before it still decrypts for a day, for pages that were open.
//! Once a key is gone, a message that somebody recorded cannot be read by anybody any more.

use crate::envelope::{Envelope, KEY_VERSION, Place};
use crate::error::Trouble;
use crate::records::{self, IntakeKey};
use formats::jwe::RecipientKey;
use ports::KeyVault;
use sql::Connection;
use std::sync::Arc;
use vocabulary::{Draw, Entropy, Timestamp};

/// For how long the key before the newest still decrypts.
pub const OVERLAP_SECONDS: i64 = 86_400;

const COLUMN: &str = "private";

/// A key that is held ready.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) key: Arc<RecipientKey>,
    pub(crate) created: Timestamp,
    pub(crate) retires: Option<Timestamp>,
}

impl Held {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.retires.is_none_or(|retires| now < retires)
    }
}

fn place(row: u128, version: i64) -> Place {
    Place { table: "intake_key", row, version }
}

/// Every key of the store, newest first.
pub(crate) fn load(connection: &Connection, keys: &dyn KeyVault) -> Result<Vec<Held>, Trouble> {
    let held = records::intake_keys(connection)?.into_iter().map(|row| {
        let envelope = Envelope::stored(keys, place(row.id, row.key_version), &row.wrapped)?;
        let der = envelope.open(COLUMN, &row.private)?;
        let key = RecipientKey::from_pkcs8(&der).map_err(|_| Trouble::Unsealed(COLUMN))?;
        Ok(Held { key: Arc::new(key), created: row.created, retires: row.retires })
    });
    held.collect()
}

/// Makes a key and writes it; those before it retire after the overlap.
pub(crate) fn replace(
    connection: &Connection,
    (keys, entropy): (&dyn KeyVault, &dyn Entropy),
    now: Timestamp,
) -> Result<(), Trouble> {
    let der = RecipientKey::generate().map_err(|_| Trouble::Library("no RSA key can be made"))?;
    let key = RecipientKey::from_pkcs8(&der).map_err(|_| Trouble::Library("a fresh RSA key cannot be read"))?;
    let id = u128::from_be_bytes(entropy.bytes());
    let (envelope, wrapped) = Envelope::fresh(keys, entropy, place(id, KEY_VERSION))?;
    let private = envelope.seal(entropy, COLUMN, der.expose())?;
    let row = IntakeKey { id, key_version: KEY_VERSION, wrapped, private, created: now, retires: None };
    records::unit(connection, |connection| {
        records::add_intake_key(connection, key.kid(), &row, now.plus_seconds(OVERLAP_SECONDS)).map_err(Trouble::from)
    })
}

//! Sessions, and failed sign-ins by the hash of the name.
//!
//! `expires` is when a session ends for good unless it is refreshed; `access_until` is when its present token ends, earlier than
//! that where there is a refresh token. A program from before refresh tokens takes the one for the other, which lets nobody
//! in whose session has ended.

use super::Session;
use crate::known::Kind;
use crate::sealed::{KeyedHash, Place, Sealed};
use crate::tokens::TokenHash;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 16, name: "sessions", sql: SESSION },
    Migration { version: 80, name: "sessions that are refreshed and shown", sql: REFRESH },
    Migration { version: 81, name: "sessions of devices", sql: DEVICE },
];

const SESSION: &str = "
CREATE TABLE session(
  hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE, customer BLOB NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_customer ON session(customer);
CREATE INDEX session_expires ON session(expires);
CREATE TABLE sign_in_failure(
  hash BLOB PRIMARY KEY, failures INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_failure_last ON sign_in_failure(last);
";

const REFRESH: &str = "
ALTER TABLE session ADD COLUMN access_until INTEGER;
ALTER TABLE session ADD COLUMN longest INTEGER;
ALTER TABLE session ADD COLUMN generation INTEGER;
ALTER TABLE session ADD COLUMN secret BLOB;
ALTER TABLE session ADD COLUMN rotated INTEGER;
ALTER TABLE session ADD COLUMN seen INTEGER;
ALTER TABLE session ADD COLUMN about BLOB;
";

const DEVICE: &str = "
ALTER TABLE session ADD COLUMN device BLOB;
CREATE INDEX session_device ON session(device) WHERE device IS NOT NULL;
";

/// What the present tokens of a session are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// The access token.
    pub(super) access: Timestamp,
    /// The refresh token, and with it the session; equal to `access` where there is none.
    pub(super) until: Timestamp,
    /// The session, however often it is refreshed.
    pub(super) longest: Timestamp,
}

/// A session to be written.
pub(super) struct NewSession<'a> {
    pub(super) id: Id<kinds::Session>,
    pub(super) customer: Id<kinds::Customer>,
    /// Of the access token.
    pub(super) hash: &'a TokenHash,
    /// Of the refresh token's secret.
    pub(super) secret: Option<&'a TokenHash>,
    pub(super) ends: Ends,
    pub(super) about: Option<&'a Sealed<String>>,
    pub(super) device: Option<Id<kinds::Device>>,
}

pub(super) fn about_place(id: Id<kinds::Session>) -> Place {
    Place::new("session", "about", id.as_u128())
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, new: &NewSession<'_>) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO session(hash, id, customer, created, expires, access_until, longest, generation, secret, rotated, \
        seen, about, device) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?4, ?4, ?10, ?11)";
    let generation = new.secret.map(|_| 0_u32);
    let params = params![
        new.hash,
        new.id,
        new.customer,
        now,
        new.ends.until,
        new.ends.access,
        new.ends.longest,
        generation,
        new.secret,
        new.about.map(Sealed::stored),
        new.device
    ];
    uow.execute(sql, params).map(drop)
}

pub(super) fn by_hash(reading: Reading<'_>, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT id, customer, COALESCE(access_until, expires) FROM session WHERE hash = ?1";
    Ok(reading.query_opt(sql, params![hash], |row| {
        Ok(Session { id: row.id(0)?, customer: row.id(1)?, expires: row.time(2)? })
    })?)
}

/// A session that can be refreshed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) customer: Id<kinds::Customer>,
    pub(super) ends: Ends,
    /// How often it was refreshed.
    pub(super) generation: u32,
    /// The hash of the present refresh token's secret.
    pub(super) secret: TokenHash,
    /// When it was refreshed last.
    pub(super) rotated: Timestamp,
    /// The device that has to prove itself.
    pub(super) device: Option<Id<kinds::Device>>,
}

/// The session with this id, if it can be refreshed.
pub(super) fn family(reading: Reading<'_>, id: Id<kinds::Session>) -> Result<Option<Family>, StoreError> {
    let sql = "SELECT customer, access_until, expires, longest, generation, secret, rotated, device FROM session \
        WHERE id = ?1 AND secret IS NOT NULL";
    Ok(reading.query_opt(sql, params![id], |row| {
        Ok(Family {
            customer: row.id(0)?,
            ends: Ends { access: row.time(1)?, until: row.time(2)?, longest: row.time(3)? },
            generation: row.small(4)?,
            secret: row.blob(5)?.try_into().map_err(|_| SqlError::Corrupt("a refresh token's hash"))?,
            rotated: row.time(6)?,
            device: row.opt_id(7)?,
        })
    })?)
}

/// Puts the next tokens in the place of the present ones. After the commit forget the session in memory too.
pub(super) fn rotate(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Session>,
    (access, secret): (&TokenHash, &TokenHash),
    ends: Ends,
) -> Result<(), StoreError> {
    uow.tell(Kind::Session.of(id.as_u128()));
    let now = uow.now();
    let sql = "UPDATE session SET hash = ?2, secret = ?3, access_until = ?4, expires = ?5, generation = generation + 1, \
        rotated = ?6, seen = ?6 WHERE id = ?1";
    uow.execute(sql, params![id, access, secret, ends.access, ends.until, now]).map(drop)
}

/// A session as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) id: Id<kinds::Session>,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) seen: Option<Timestamp>,
    pub(super) about: Option<Sealed<String>>,
    pub(super) refreshable: bool,
}

/// The customer's sessions whose time is not over, newest first.
pub(super) fn of_customer(
    reading: Reading<'_>,
    customer: Id<kinds::Customer>,
    (now, limit): (Timestamp, u32),
) -> Result<Vec<Shown>, StoreError> {
    let sql = "SELECT id, created, expires, seen, about, generation FROM session WHERE customer = ?1 AND expires > ?2 \
        ORDER BY id DESC LIMIT ?3";
    let read = |row: &Row<'_>| {
        Ok(Shown {
            id: row.id(0)?,
            created: row.time(1)?,
            expires: row.time(2)?,
            seen: row.opt_time(3)?,
            about: row.opt_blob(4)?.map(Sealed::from_stored),
            refreshable: row.opt_int(5)?.is_some(),
        })
    };
    Ok(reading.query(sql, params![customer, now, limit], read)?)
}

/// Notes when a session was last used, unless a later moment stands there.
pub(super) fn set_seen(uow: &mut Uow<'_, '_>, id: Id<kinds::Session>, at: Timestamp) -> Result<(), StoreError> {
    uow.put("UPDATE session SET seen = ?2 WHERE id = ?1 AND (seen IS NULL OR seen < ?2)", params![id, at])
}

/// Ends a session of a customer; false when she has no such session. After the commit forget it in memory too.
pub(super) fn end_own(
    uow: &mut Uow<'_, '_>,
    customer: Id<kinds::Customer>,
    id: Id<kinds::Session>,
) -> Result<bool, StoreError> {
    uow.tell(Kind::Session.of(id.as_u128()));
    Ok(uow.execute("DELETE FROM session WHERE id = ?1 AND customer = ?2", params![id, customer])? == 1)
}

/// Ends all sessions of a device. After the commit forget those of its customer in memory.
pub(crate) fn end_of_device(
    uow: &mut Uow<'_, '_>,
    customer: Id<kinds::Customer>,
    device: Id<kinds::Device>,
) -> Result<(), StoreError> {
    uow.tell(Kind::SessionsOf.of(customer.as_u128()));
    uow.execute("DELETE FROM session WHERE device = ?1", params![device]).map(drop)
}

/// Ends all sessions of a customer. After the commit forget them in memory too.
pub(crate) fn end_all(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    uow.tell(Kind::SessionsOf.of(customer.as_u128()));
    uow.execute("DELETE FROM session WHERE customer = ?1", params![customer]).map(drop)
}

/// Ends all sessions of a customer but one; returns how many. After the commit forget them in memory too.
pub(super) fn end_others(uow: &mut Uow<'_, '_>, one: &Session) -> Result<usize, StoreError> {
    uow.tell(Kind::SessionsOf.of(one.customer.as_u128()));
    let sql = "DELETE FROM session WHERE customer = ?1 AND id <> ?2";
    uow.execute(sql, params![one.customer, one.id])
}

/// Ends the customer's sessions whose time is over, so that they do not pile up.
pub(super) fn sweep(uow: &mut Uow<'_, '_>, customer: Id<kinds::Customer>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("DELETE FROM session WHERE customer = ?1 AND expires <= ?2", params![customer, now]).map(drop)
}

/// Ends at most so many sessions whose time was over before a moment; returns how many.
pub(crate) fn sweep_ended(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql =
        "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    uow.execute(sql, params![before, most])
}

/// Forgets failures of at most so many names that last failed before a moment; returns of how many.
pub(crate) fn sweep_failures(uow: &mut Uow<'_, '_>, before: Timestamp, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM sign_in_failure WHERE hash IN \
        (SELECT hash FROM sign_in_failure WHERE last < ?1 ORDER BY last LIMIT ?2)";
    uow.execute(sql, params![before, most])
}

/// How many failures in a row, and when the last was.
pub(super) fn failures(reading: Reading<'_>, hash: &KeyedHash) -> Result<Option<(u32, Timestamp)>, StoreError> {
    let sql = "SELECT failures, last FROM sign_in_failure WHERE hash = ?1";
    Ok(reading.query_opt(sql, params![hash], |row| Ok((row.small(0)?, row.time(1)?)))?)
}

pub(super) fn set_failures(uow: &mut Uow<'_, '_>, hash: &KeyedHash, failures: u32) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO sign_in_failure(hash, failures, last) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO UPDATE SET \
        failures = ?2, last = ?3";
    uow.execute(sql, params![hash, failures, now]).map(drop)
}

pub(super) fn clear_failures(uow: &mut Uow<'_, '_>, hash: &KeyedHash) -> Result<(), StoreError> {
    uow.execute("DELETE FROM sign_in_failure WHERE hash = ?1", params![hash]).map(drop)
}

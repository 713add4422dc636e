//! Idempotency records: what was answered to a key, so that a retry is answered the same and acts at most once.
//!
//! Records append; the look-up index rolls (see `rolling`). A key is a digest of tenant, principal, operation and the
//! caller's key, made above; the response is opaque (and sealed) here.

use sql::{Connection, SqlError};
use vocabulary::Timestamp;

/// A digest that names one wish of one principal.
pub type KeyDigest = [u8; 16];

/// A digest of the request's content.
pub type Fingerprint = [u8; 16];

/// A recorded answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The digest of the request that was answered.
    pub fingerprint: Fingerprint,
    /// When.
    pub at: Timestamp,
    /// The answer, opaque to the store.
    pub response: Vec<u8>,
}

/// A record of the present group.
#[derive(Clone, Debug)]
pub(crate) struct KeyRecord {
    pub(crate) key: KeyDigest,
    pub(crate) remembered: Remembered,
}

pub(crate) fn hash(key: &KeyDigest) -> i64 {
    i64::from_be_bytes([key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7]])
}

/// Writes records in order, the first with this number.
pub(crate) fn insert_all(connection: &Connection, first: u64, records: &[KeyRecord]) -> Result<(), SqlError> {
    let sql = "INSERT INTO idempotency(seq, key, fingerprint, at, response) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = connection.prepare(sql)?;
    for (seq, KeyRecord { key, remembered }) in (first..).zip(records) {
        let response = remembered.response.as_slice();
        statement.execute(sql::params![seq, key, &remembered.fingerprint, remembered.at, response])?;
    }
    Ok(())
}

pub(crate) fn by_seq(connection: &Connection, seq: u64, key: &KeyDigest) -> Result<Option<Remembered>, SqlError> {
    let sql = "SELECT key, fingerprint, at, response FROM idempotency WHERE seq = ?1";
    let found = connection.query_opt(sql, sql::params![seq], |row| {
        let fingerprint = row.blob(1)?.try_into().map_err(|_| SqlError::Corrupt("a fingerprint"))?;
        Ok((row.blob(0)?, Remembered { fingerprint, at: row.time(2)?, response: row.blob(3)? }))
    })?;
    Ok(found.filter(|(stored, _)| stored.as_slice() == key).map(|(_, remembered)| remembered))
}

/// Hashes and numbers from a record on.
pub(crate) fn each_from(connection: &Connection, first: u64, mut visit: impl FnMut(i64, u64)) -> Result<(), SqlError> {
    let sql = "SELECT key, seq FROM idempotency WHERE seq >= ?1";
    connection.each(sql, sql::params![first], |row| {
        let key: KeyDigest = row.blob(0)?.try_into().map_err(|_| SqlError::Corrupt("an idempotency key"))?;
        visit(hash(&key), row.small(1)?);
        Ok(())
    })
}

//! The vault's tables, in a file of its own. The only file here that has SQL.

use sql::{Connection, Migration, Row, SqlError, params};
use vocabulary::{Id, Timestamp, kinds};

pub(crate) const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "card vault", sql: TABLES }];

/// `number`, `expiry` and `private` are sealed under the row's own data key, which stands wrapped beside them; they, the
/// fingerprint and the last four digits go when the card is destroyed, and what stays says that there was one. `claimed` is
/// when the bank first asked for it.
const TABLES: &str = "
CREATE TABLE card(
  token BLOB PRIMARY KEY, owner BLOB NOT NULL, key_version INTEGER NOT NULL, wrapped BLOB, number BLOB, expiry BLOB,
  fingerprint BLOB, brand TEXT NOT NULL, last4 TEXT, created INTEGER NOT NULL, claimed INTEGER, deleted INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX card_fingerprint ON card(fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX card_unclaimed ON card(created) WHERE claimed IS NULL AND deleted IS NULL;
CREATE TABLE intake_key(
  id BLOB PRIMARY KEY, kid TEXT NOT NULL, key_version INTEGER NOT NULL, wrapped BLOB NOT NULL, private BLOB NOT NULL,
  created INTEGER NOT NULL, retires INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE used_ticket(
  id BLOB PRIMARY KEY, tries INTEGER NOT NULL, used INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What was deleted is overwritten with zeros, in the file too.
pub(crate) fn prepare(connection: &Connection) -> Result<(), SqlError> {
    connection.query("PRAGMA secure_delete=ON", &[], |row| row.int(0)).map(drop)
}

/// Moves the log into the file and empties it.
pub(crate) fn settle(connection: &Connection) -> Result<(), SqlError> {
    connection.query("PRAGMA wal_checkpoint(TRUNCATE)", &[], |row| row.int(0)).map(drop)
}

/// One unit on the vault's file.
pub(crate) fn unit<T, E: From<SqlError>>(
    connection: &Connection,
    body: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = body(connection).and_then(|value| Ok(connection.execute_batch("COMMIT").map(|()| value)?));
    if result.is_err() {
        // When COMMIT itself failed the unit may be over already: then there is nothing to roll back.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}

/// A card that was not destroyed.
pub(crate) struct Card {
    pub(crate) token: Id<kinds::CardToken>,
    pub(crate) owner: Id<kinds::Customer>,
    pub(crate) key_version: i64,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) number: Vec<u8>,
    pub(crate) expiry: Vec<u8>,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) brand: String,
    pub(crate) last4: String,
    pub(crate) created: Timestamp,
}

const COLUMNS: &str = "token, owner, key_version, wrapped, number, expiry, fingerprint, brand, last4, created";

fn read(row: &Row<'_>) -> Result<Card, SqlError> {
    Ok(Card {
        token: row.id(0)?,
        owner: row.id(1)?,
        key_version: row.int(2)?,
        wrapped: row.blob(3)?,
        number: row.blob(4)?,
        expiry: row.blob(5)?,
        fingerprint: row.blob(6)?.try_into().map_err(|_| SqlError::Corrupt("a card's fingerprint"))?,
        brand: row.text(7)?,
        last4: row.text(8)?,
        created: row.time(9)?,
    })
}

pub(crate) fn card(connection: &Connection, token: Id<kinds::CardToken>) -> Result<Option<Card>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM card WHERE token = ?1 AND deleted IS NULL");
    connection.query_opt(&sql, params![token], read)
}

pub(crate) fn by_fingerprint(connection: &Connection, fingerprint: &[u8; 32]) -> Result<Option<Card>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM card WHERE fingerprint = ?1 AND deleted IS NULL");
    connection.query_opt(&sql, params![fingerprint], read)
}

pub(crate) fn insert(connection: &Connection, new: &Card) -> Result<(), SqlError> {
    let sql = format!("INSERT INTO card({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    let params = params![
        new.token,
        new.owner,
        new.key_version,
        &new.wrapped,
        &new.number,
        &new.expiry,
        &new.fingerprint,
        &new.brand,
        &new.last4,
        new.created
    ];
    connection.execute(&sql, params).map(drop)
}

/// Sets the expiry of a card that was brought again; one that nobody asked for yet is kept for another day.
pub(crate) fn bring_again(
    connection: &Connection,
    token: Id<kinds::CardToken>,
    expiry: &[u8],
    now: Timestamp,
) -> Result<(), SqlError> {
    let sql =
        "UPDATE card SET expiry = ?2, created = CASE WHEN claimed IS NULL THEN ?3 ELSE created END WHERE token = ?1";
    connection.execute(sql, params![token, expiry, now]).map(drop)
}

pub(crate) fn claim(connection: &Connection, token: Id<kinds::CardToken>, now: Timestamp) -> Result<(), SqlError> {
    let sql = "UPDATE card SET claimed = ?2 WHERE token = ?1 AND claimed IS NULL";
    connection.execute(sql, params![token, now]).map(drop)
}

/// Destroys a card of this owner; false when there is none.
pub(crate) fn destroy(
    connection: &Connection,
    token: Id<kinds::CardToken>,
    owner: Id<kinds::Customer>,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let sql = "UPDATE card SET wrapped = NULL, number = NULL, expiry = NULL, fingerprint = NULL, last4 = NULL, \
        deleted = ?3 WHERE token = ?1 AND owner = ?2 AND deleted IS NULL";
    Ok(connection.execute(sql, params![token, owner, now])? == 1)
}

/// Destroys what was brought before a moment and never asked for.
pub(crate) fn destroy_unclaimed(connection: &Connection, before: Timestamp, now: Timestamp) -> Result<usize, SqlError> {
    let sql = "UPDATE card SET wrapped = NULL, number = NULL, expiry = NULL, fingerprint = NULL, last4 = NULL, \
        deleted = ?2 WHERE created < ?1 AND claimed IS NULL AND deleted IS NULL";
    connection.execute(sql, params![before, now])
}

/// A key that card details are encrypted for.
pub(crate) struct IntakeKey {
    pub(crate) id: u128,
    pub(crate) key_version: i64,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) private: Vec<u8>,
    pub(crate) created: Timestamp,
    pub(crate) retires: Option<Timestamp>,
}

/// All of them, newest first: that is the one that does not retire, whatever the clock did.
pub(crate) fn intake_keys(connection: &Connection) -> Result<Vec<IntakeKey>, SqlError> {
    let sql = "SELECT id, key_version, wrapped, private, created, retires FROM intake_key \
        ORDER BY retires IS NULL DESC, created DESC, id DESC";
    connection.query(sql, &[], |row| {
        Ok(IntakeKey {
            id: row.u128(0)?,
            key_version: row.int(1)?,
            wrapped: row.blob(2)?,
            private: row.blob(3)?,
            created: row.time(4)?,
            retires: row.opt_time(5)?,
        })
    })
}

/// Adds a key; those before it go at `retires`.
pub(crate) fn add_intake_key(
    connection: &Connection,
    kid: &str,
    new: &IntakeKey,
    retires: Timestamp,
) -> Result<(), SqlError> {
    connection.execute("UPDATE intake_key SET retires = ?1 WHERE retires IS NULL", params![retires])?;
    let sql = "INSERT INTO intake_key(id, kid, key_version, wrapped, private, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let id = new.id.to_be_bytes();
    connection.execute(sql, params![&id, kid, new.key_version, &new.wrapped, &new.private, new.created]).map(drop)
}

pub(crate) fn drop_intake_keys(connection: &Connection, now: Timestamp) -> Result<usize, SqlError> {
    connection.execute("DELETE FROM intake_key WHERE retires <= ?1", params![now])
}

/// How often a ticket was tried in vain, and whether it brought a card.
pub(crate) fn ticket(connection: &Connection, id: u128) -> Result<(u32, bool), SqlError> {
    let sql = "SELECT tries, used FROM used_ticket WHERE id = ?1";
    let found = connection.query_opt(sql, params![&id.to_be_bytes()], |row| Ok((row.small(0)?, row.flag(1)?)))?;
    Ok(found.unwrap_or_default())
}

/// Counts a try of a ticket, or that it brought a card.
pub(crate) fn mark_ticket(connection: &Connection, id: u128, used: bool, expires: Timestamp) -> Result<(), SqlError> {
    let sql = "INSERT INTO used_ticket(id, tries, used, expires) VALUES (?1, 1, ?2, ?3) \
        ON CONFLICT(id) DO UPDATE SET tries = tries + 1, used = max(used, excluded.used)";
    connection.execute(sql, params![&id.to_be_bytes(), used, expires]).map(drop)
}

/// Forgets tickets that have ended: they let nobody in any more.
pub(crate) fn forget_tickets(connection: &Connection, now: Timestamp) -> Result<usize, SqlError> {
    connection.execute("DELETE FROM used_ticket WHERE expires <= ?1", params![now])
}

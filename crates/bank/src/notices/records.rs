//! The table of messages to people.

use crate::sealed::{Place, Sealed};
use ports::Channel;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 18, name: "messages to people", sql: NOTICE }];

const NOTICE: &str = "
CREATE TABLE notice(
  id BLOB PRIMARY KEY, owner BLOB NOT NULL, channel INTEGER NOT NULL, recipient BLOB NOT NULL, text BLOB NOT NULL,
  created INTEGER NOT NULL, sent INTEGER
) STRICT, WITHOUT ROWID;
";

/// A message's row.
#[derive(Clone, Debug)]
pub struct NoticeRow {
    /// Its id.
    pub id: Id<kinds::Message>,
    /// The person under whose key it is sealed.
    pub owner: u128,
    /// By which way.
    pub channel: Channel,
    /// Phone number or address.
    pub recipient: Sealed<String>,
    /// What it says.
    pub text: Sealed<String>,
    /// When it was written.
    pub created: Timestamp,
    /// When the notifier took it.
    pub sent: Option<Timestamp>,
}

pub(super) fn recipient_place(id: Id<kinds::Message>) -> Place {
    Place::new("notice", "recipient", id.as_u128())
}

pub(super) fn text_place(id: Id<kinds::Message>) -> Place {
    Place::new("notice", "text", id.as_u128())
}

const fn number(channel: Channel) -> u8 {
    match channel {
        Channel::Phone => 1,
        Channel::Email => 2,
        Channel::App => 3,
    }
}

fn read(row: &Row<'_>) -> Result<NoticeRow, SqlError> {
    Ok(NoticeRow {
        id: row.id(0)?,
        owner: row.u128(1)?,
        channel: match row.int(2)? {
            1 => Channel::Phone,
            2 => Channel::Email,
            3 => Channel::App,
            _ => return Err(SqlError::Corrupt("a message's channel")),
        },
        recipient: Sealed::from_stored(row.blob(3)?),
        text: Sealed::from_stored(row.blob(4)?),
        created: row.time(5)?,
        sent: row.opt_time(6)?,
    })
}

/// `created` and `sent` of the row are not used.
pub(super) fn insert(uow: &mut Uow<'_, '_>, new: &NoticeRow) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO notice(id, owner, channel, recipient, text, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let owner = new.owner.to_be_bytes();
    let params = params![new.id, &owner, number(new.channel), new.recipient.stored(), new.text.stored(), now];
    uow.put(sql, params)
}

pub(super) fn by_id(reading: Reading<'_>, id: Id<kinds::Message>) -> Result<Option<NoticeRow>, StoreError> {
    let sql = "SELECT id, owner, channel, recipient, text, created, sent FROM notice WHERE id = ?1";
    Ok(reading.query_opt(sql, params![id], read)?)
}

pub(super) fn page(
    reading: Reading<'_>,
    before: Option<Id<kinds::Message>>,
    limit: u32,
) -> Result<Vec<NoticeRow>, StoreError> {
    let sql = "SELECT id, owner, channel, recipient, text, created, sent FROM notice WHERE id < ?1 \
        ORDER BY id DESC LIMIT ?2";
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    Ok(reading.query(sql, params![before, limit], read)?)
}

pub(super) fn set_sent(uow: &mut Uow<'_, '_>, id: Id<kinds::Message>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.put("UPDATE notice SET sent = ?2 WHERE id = ?1", params![id, now])
}

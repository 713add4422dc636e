//! The table of acts that wait for a second person.

use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 63, name: "approvals", sql: APPROVAL }];

const APPROVAL: &str = "
CREATE TABLE approval(
  id BLOB PRIMARY KEY, requester BLOB NOT NULL, operation TEXT NOT NULL, permission TEXT NOT NULL, subject TEXT,
  digest BLOB NOT NULL, asked BLOB NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
  decider BLOB, decided INTEGER, used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX approval_state ON approval(state, id);
";

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a second person.
    Asked = 1,
    /// The second person said yes.
    Approved = 2,
    /// The second person said no.
    Refused = 3,
    /// The act was done.
    Used = 4,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Used => "used",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Asked, Self::Approved, Self::Refused, Self::Used].into_iter().find(|state| state.name() == name)
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approval {
    pub(super) id: Id<kinds::Approval>,
    pub(super) requester: Id<kinds::Staff>,
    pub(super) operation: String,
    /// The permission that the act needs.
    pub(super) permission: String,
    pub(super) subject: Option<String>,
    pub(super) digest: [u8; 32],
    /// Sealed.
    pub(super) asked: Vec<u8>,
    pub(super) state: State,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) decider: Option<Id<kinds::Staff>>,
}

fn read(row: &Row<'_>) -> Result<Approval, SqlError> {
    let number = row.int(7)?;
    let state = [State::Asked, State::Approved, State::Refused, State::Used];
    let state = state.into_iter().find(|state| *state as i64 == number);
    Ok(Approval {
        id: row.id(0)?,
        requester: row.id(1)?,
        operation: row.text(2)?,
        permission: row.text(3)?,
        subject: row.opt_text(4)?,
        digest: row.blob(5)?.try_into().map_err(|_| SqlError::Corrupt("a digest of an approval"))?,
        asked: row.blob(6)?,
        state: state.ok_or(SqlError::Corrupt("a state of an approval"))?,
        created: row.time(8)?,
        expires: row.time(9)?,
        decider: row.opt_id(10)?,
    })
}

const SELECT: &str = "SELECT id, requester, operation, permission, subject, digest, asked, state, created, expires, decider \
    FROM approval";

pub(super) fn insert(uow: &mut Uow<'_, '_>, row: &Approval) -> Result<(), StoreError> {
    let sql = "INSERT INTO approval(id, requester, operation, permission, subject, digest, asked, state, created, expires) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let Approval { id, requester, operation, permission, subject, digest, asked, created, expires, .. } = row;
    let state = row.state as i64;
    uow.put(
        sql,
        params![*id, *requester, operation, permission, subject.as_ref(), digest, asked, state, *created, *expires],
    )
}

pub(super) fn by_id(reading: Reading<'_>, id: Id<kinds::Approval>) -> Result<Option<Approval>, StoreError> {
    Ok(reading.query_opt(&format!("{SELECT} WHERE id = ?1"), params![id], read)?)
}

/// Newest first, from before an id.
pub(super) fn page(
    reading: Reading<'_>,
    state: State,
    before: Option<Id<kinds::Approval>>,
    limit: u32,
) -> Result<Vec<Approval>, StoreError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    let sql = format!("{SELECT} WHERE state = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    Ok(reading.query(&sql, params![state as i64, before, limit], read)?)
}

pub(super) fn set_decided(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Approval>,
    state: State,
    decider: Id<kinds::Staff>,
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "UPDATE approval SET state = ?2, decider = ?3, decided = ?4 WHERE id = ?1";
    uow.put(sql, params![id, state as i64, decider, now])
}

pub(super) fn set_used(uow: &mut Uow<'_, '_>, id: Id<kinds::Approval>) -> Result<(), StoreError> {
    let now = uow.now();
    uow.put("UPDATE approval SET state = ?2, used = ?3 WHERE id = ?1", params![id, State::Used as i64, now])
}

//! Staff and their tokens.

use super::roles::Role;
use crate::known::Kind;
use crate::sealed::{Place, Sealed};
use crate::tokens::TokenHash;
use sql::{Migration, Reading, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 17, name: "staff", sql: STAFF },
    Migration { version: 62, name: "roles of staff by name", sql: ROLE_NAMES },
];

const STAFF: &str = "
CREATE TABLE staff(
  id BLOB PRIMARY KEY, role INTEGER NOT NULL, name BLOB NOT NULL, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE staff_token(
  hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE, staff BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Roles had numbers. The old column stays for programs from before this step; it is 4, an auditor, for roles that had none.
const ROLE_NAMES: &str = "
ALTER TABLE staff ADD COLUMN role_name TEXT;
UPDATE staff SET role_name = CASE role WHEN 1 THEN 'operations' WHEN 2 THEN 'compliance' WHEN 3 THEN 'product'
  WHEN 4 THEN 'auditor' WHEN 5 THEN 'administrator' END;
";

/// The number that older programs know a role by.
fn former_number(role: Role) -> u8 {
    Role::FIRST.iter().zip(1_u8..).find(|(first, _)| **first == role).map_or(4, |(_, number)| number)
}

pub(super) fn name_place(id: Id<kinds::Staff>) -> Place {
    Place::new("staff", "name", id.as_u128())
}

pub(super) fn insert(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Staff>,
    role: Role,
    name: &Sealed<String>,
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO staff(id, role, role_name, name, created) VALUES (?1, ?2, ?3, ?4, ?5)";
    uow.execute(sql, params![id, former_number(role), role.name(), name.stored(), now]).map(drop)
}

pub(super) fn exists(reading: Reading<'_>, id: Id<kinds::Staff>) -> Result<bool, StoreError> {
    Ok(reading.query_opt("SELECT 1 FROM staff WHERE id = ?1", params![id], |_| Ok(()))?.is_some())
}

pub(super) fn insert_token(
    uow: &mut Uow<'_, '_>,
    hash: &TokenHash,
    (id, staff): (Id<kinds::StaffToken>, Id<kinds::Staff>),
    expires: Timestamp,
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO staff_token(hash, id, staff, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)";
    uow.execute(sql, params![hash, id, staff, now, expires]).map(drop)
}

/// The member of staff, role and expiry of a token.
pub(super) fn by_token(
    reading: Reading<'_>,
    hash: &TokenHash,
) -> Result<Option<(Id<kinds::Staff>, Role, Timestamp)>, StoreError> {
    let sql = "SELECT s.id, s.role, s.role_name, t.expires FROM staff_token t JOIN staff s ON s.id = t.staff WHERE t.hash = ?1";
    Ok(reading
        .query_opt(sql, params![hash], |row| Ok((row.id(0)?, role(row.small(1)?, row.opt_text(2)?)?, row.time(3)?)))?)
}

/// A role by its name; by its number in a row that an older program wrote.
fn role(number: u8, name: Option<String>) -> Result<Role, SqlError> {
    let found = match name {
        Some(name) => Role::parse(&name),
        None => Role::FIRST.get(usize::from(number).wrapping_sub(1)).copied(),
    };
    found.ok_or(SqlError::Corrupt("a role"))
}

/// The role of a member of staff.
pub(crate) fn role_of(reading: Reading<'_>, staff: Id<kinds::Staff>) -> Result<Option<Role>, StoreError> {
    let sql = "SELECT role, role_name FROM staff WHERE id = ?1";
    Ok(reading.query_opt(sql, params![staff], |row| role(row.small(0)?, row.opt_text(1)?))?)
}

/// Whose each good token is, with which role, and until when.
pub(crate) fn good_tokens(
    reading: Reading<'_>,
    now: Timestamp,
) -> Result<Vec<(Id<kinds::Staff>, Role, Timestamp)>, StoreError> {
    let sql = "SELECT s.id, s.role, s.role_name, t.expires FROM staff_token t JOIN staff s ON s.id = t.staff \
        WHERE t.expires > ?1";
    Ok(reading
        .query(sql, params![now], |row| Ok((row.id(0)?, role(row.small(1)?, row.opt_text(2)?)?, row.time(3)?)))?)
}

pub(super) fn revoke_all(uow: &mut Uow<'_, '_>, staff: Id<kinds::Staff>) -> Result<usize, StoreError> {
    uow.tell(Kind::Staff.of(staff.as_u128()));
    uow.execute("DELETE FROM staff_token WHERE staff = ?1", params![staff])
}

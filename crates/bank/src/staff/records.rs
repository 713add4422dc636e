//! Staff and their tokens.

use crate::known::Kind;
use crate::sealed::{Place, Sealed};
use crate::tokens::TokenHash;
use sql::{Migration, Reading, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 17, name: "staff", sql: STAFF }];

const STAFF: &str = "
CREATE TABLE staff(
  id BLOB PRIMARY KEY, role INTEGER NOT NULL, name BLOB NOT NULL, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE staff_token(
  hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE, staff BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What a member of staff may do. Each capability of staff names the roles it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Day-to-day work: investigations, reconciliation, day close, merchants.
    Operations,
    /// Freezes, tiers, erasure.
    Compliance,
    /// Policies: fees, limits, terms.
    Product,
    /// Sees everything, changes nothing.
    Auditor,
    /// Everything that staff can do.
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Operations, Self::Compliance, Self::Product, Self::Auditor, Self::Administrator];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Compliance => "compliance",
            Self::Product => "product",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it is one of these; an administrator always is.
    #[must_use]
    pub fn is_any(self, roles: &[Self]) -> bool {
        self == Self::Administrator || roles.contains(&self)
    }

    const fn number(self) -> u8 {
        self as u8 + 1
    }
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
    let sql = "INSERT INTO staff(id, role, name, created) VALUES (?1, ?2, ?3, ?4)";
    uow.execute(sql, params![id, role.number(), name.stored(), now]).map(drop)
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
    let sql = "SELECT s.id, s.role, t.expires FROM staff_token t JOIN staff s ON s.id = t.staff WHERE t.hash = ?1";
    Ok(reading.query_opt(sql, params![hash], |row| {
        let number: u8 = row.small(1)?;
        let role = Role::ALL.into_iter().find(|role| role.number() == number);
        Ok((row.id(0)?, role.ok_or(SqlError::Corrupt("a role"))?, row.time(2)?))
    })?)
}

pub(super) fn revoke_all(uow: &mut Uow<'_, '_>, staff: Id<kinds::Staff>) -> Result<usize, StoreError> {
    uow.tell(Kind::Staff.of(staff.as_u128()));
    uow.execute("DELETE FROM staff_token WHERE staff = ?1", params![staff])
}

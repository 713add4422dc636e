//! The table of policies.

use crate::known::Kind;
use serde_json::Value;
use sql::{Migration, Reading, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 11, name: "policies", sql: POLICY }];

const POLICY: &str = "
CREATE TABLE policy(
  id BLOB PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL, effective_from INTEGER NOT NULL, source TEXT NOT NULL,
  staff BLOB, created INTEGER NOT NULL, UNIQUE (name, effective_from, id)
) STRICT, WITHOUT ROWID;
";

/// A policy row.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRow {
    /// Its id.
    pub id: Id<kinds::Policy>,
    /// Which policy: the name of a field of [`super::Policies`].
    pub name: String,
    /// Its value.
    pub value: Value,
    /// From when it is in force.
    pub effective_from: Timestamp,
    /// Where it comes from: a law, a decision, the product's default.
    pub source: String,
    /// Who set it, none for a default.
    pub staff: Option<Id<kinds::Staff>>,
}

impl PolicyRow {
    pub(super) fn of_default(id: Id<kinds::Policy>, name: &str, value: &Value) -> Self {
        Self {
            id,
            name: name.to_owned(),
            value: value.clone(),
            effective_from: Timestamp::from_micros(0),
            source: super::defaults::source(name).to_owned(),
            staff: None,
        }
    }
}

/// Writes a row. Race closed: two changes of one policy within a microsecond are told apart by `created`, which no two rows
/// share, so the later one is in force.
pub(super) fn insert(uow: &mut Uow<'_, '_>, row: &PolicyRow) -> Result<(), StoreError> {
    let last = uow.reading().number("SELECT max(created) FROM policy", &[])?;
    let created = uow.now().max(Timestamp::from_micros(last.saturating_add(1)));
    let value = row.value.to_string();
    let sql = "INSERT INTO policy(id, name, value, effective_from, source, staff, created) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    uow.tell(Kind::Policies.of(0));
    let params = params![row.id, &row.name, &value, row.effective_from, &row.source, row.staff, created];
    uow.execute(sql, params).map(drop)
}

pub(super) fn all(reading: Reading<'_>) -> Result<Vec<PolicyRow>, StoreError> {
    let sql = "SELECT id, name, value, effective_from, source, staff FROM policy ORDER BY effective_from, created, id";
    let corrupt = || sql::SqlError::Corrupt("a policy's value is not JSON");
    Ok(reading.query(sql, &[], |row| {
        Ok(PolicyRow {
            id: row.id(0)?,
            name: row.text(1)?,
            value: serde_json::from_str(&row.text(2)?).map_err(|_| corrupt())?,
            effective_from: row.time(3)?,
            source: row.text(4)?,
            staff: row.opt_id(5)?,
        })
    })?)
}

//! The table of the audit log. Rows are only ever added.

use super::keeper::Link;
use sql::{Migration, Param, Reading, SqlError, params};
use std::fmt::Write;
use store::{StoreError, Uow};
use vocabulary::Timestamp;

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 61, name: "audit log", sql: AUDIT },
    Migration { version: 64, name: "marks of log collectors", sql: MARK },
];

const AUDIT: &str = "
CREATE TABLE audit_record(
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT,
  outcome TEXT NOT NULL, sealed BLOB NOT NULL, link BLOB NOT NULL
) STRICT;
CREATE INDEX audit_record_actor ON audit_record(actor, number);
CREATE INDEX audit_record_subject ON audit_record(subject, number);
CREATE INDEX audit_record_action ON audit_record(action, number);
";

const MARK: &str = "
CREATE TABLE audit_mark(
  collector TEXT PRIMARY KEY, number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// A record without its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: i64,
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) subject: Option<String>,
    pub(super) outcome: String,
    pub(super) sealed: Vec<u8>,
}

/// Which records are looked for: the texts must be equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) actor: Option<String>,
    pub(super) action: Option<String>,
    pub(super) subject: Option<String>,
}

fn read(row: &sql::Row<'_>) -> Result<(Row, Link), SqlError> {
    let found = Row {
        number: row.int(0)?,
        at: row.time(1)?,
        actor: row.text(2)?,
        action: row.text(3)?,
        subject: row.opt_text(4)?,
        outcome: row.text(5)?,
        sealed: row.blob(6)?,
    };
    Ok((found, link(&row.blob(7)?)?))
}

fn link(bytes: &[u8]) -> Result<Link, SqlError> {
    Link::try_from(bytes).map_err(|_| SqlError::Corrupt("a link of the audit log"))
}

/// Number and link of the newest record.
pub(super) fn last(reading: Reading<'_>) -> Result<Option<(i64, Link)>, StoreError> {
    let sql = "SELECT number, link FROM audit_record ORDER BY number DESC LIMIT 1";
    Ok(reading.query_opt(sql, params![], |row| Ok((row.int(0)?, link(&row.blob(1)?)?)))?)
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, row: &Row, link: &Link) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_record(number, at, actor, action, subject, outcome, sealed, link) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Row { number, at, actor, action, subject, outcome, sealed } = row;
    uow.put(sql, params![*number, *at, actor, action, subject.as_ref(), outcome, sealed, link])
}

/// Records after a number, in order.
pub(super) fn after(reading: Reading<'_>, number: i64, limit: u32) -> Result<Vec<(Row, Link)>, StoreError> {
    let sql = format!("{SELECT} WHERE number > ?1 ORDER BY number LIMIT ?2");
    Ok(reading.query(&sql, params![number, limit], read)?)
}

/// Records before a number, newest first.
pub(super) fn before(
    reading: Reading<'_>,
    number: i64,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<(Row, Link)>, StoreError> {
    let mut sql = format!("{SELECT} WHERE number < ?1");
    let mut given = vec![Param::Int(number), Param::from(limit)];
    let texts = [("actor", &filter.actor), ("action", &filter.action), ("subject", &filter.subject)];
    for (column, text) in texts {
        if let Some(text) = text {
            given.push(Param::from(text));
            let _ = write!(sql, " AND {column} = ?{}", given.len());
        }
    }
    sql.push_str(" ORDER BY number DESC LIMIT ?2");
    Ok(reading.query(&sql, &given, read)?)
}

/// The last record that a collector took; 0 when it took none.
pub(super) fn mark(reading: Reading<'_>, collector: &str) -> Result<i64, StoreError> {
    Ok(reading.number("SELECT number FROM audit_mark WHERE collector = ?1", params![collector])?)
}

pub(super) fn set_mark(uow: &mut Uow<'_, '_>, collector: &str, number: i64) -> Result<(), StoreError> {
    // Another node may have told it more meanwhile.
    let sql = "INSERT INTO audit_mark(collector, number) VALUES (?1, ?2) ON CONFLICT (collector) DO UPDATE SET \
        number = CASE WHEN audit_mark.number < ?2 THEN ?2 ELSE audit_mark.number END";
    uow.put(sql, params![collector, number])
}

const SELECT: &str = "SELECT number, at, actor, action, subject, outcome, sealed, link FROM audit_record";

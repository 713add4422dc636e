//! The tables of cases and their notes.

use crate::cases::decide::{Finding, Proposal};
use crate::cases::{CaseKind, CaseNote, CaseView, NewCase};
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, kinds};

type CaseId = Id<kinds::Case>;

/// The tables of cases.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 20, name: "cases", sql: TABLES },
    Migration { version: 50, name: "proposals about waiting money", sql: WAITING },
];

const WAITING: &str = "
ALTER TABLE case_proposal ADD COLUMN finding INTEGER NOT NULL DEFAULT 0;
ALTER TABLE case_proposal ADD COLUMN wallet BLOB;
";

/// The numbers of findings; those before money could be released have none and are told apart by the amount.
const RELEASE: u8 = 3;
const SEND_BACK: u8 = 4;

const TABLES: &str = "
CREATE TABLE case_record(
  id BLOB PRIMARY KEY, kind INTEGER NOT NULL, subject TEXT NOT NULL, open INTEGER NOT NULL, opened_at INTEGER NOT NULL,
  next_date INTEGER, closed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX case_subject ON case_record(subject, kind);
CREATE INDEX case_open ON case_record(open, id);
CREATE TABLE case_note(
  case_id BLOB NOT NULL, no INTEGER NOT NULL, at INTEGER NOT NULL, staff BLOB, text TEXT NOT NULL, PRIMARY KEY (case_id, no)
) STRICT, WITHOUT ROWID;
CREATE TABLE case_proposal(
  case_id BLOB PRIMARY KEY, staff BLOB NOT NULL, executed INTEGER, currency INTEGER,
  reason TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

pub(crate) fn insert(uow: &mut Uow<'_, '_>, id: CaseId, new: &NewCase<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO case_record(id, kind, subject, open, opened_at, next_date) VALUES (?1, ?2, ?3, 1, ?4, ?5)";
    let next_date = new.next_date.map(BookingDate::days);
    let now = uow.now();
    uow.execute(sql, params![id, new.kind.number(), new.subject, now, next_date])?;
    Ok(())
}

pub(crate) fn open_case(connection: Reading<'_>, kind: CaseKind, subject: &str) -> Result<Option<CaseId>, SqlError> {
    let sql = "SELECT id FROM case_record WHERE subject = ?1 AND kind = ?2 AND open = 1";
    connection.query_opt(sql, params![subject, kind.number()], |row| row.id(0))
}

pub(crate) fn add_note(
    uow: &mut Uow<'_, '_>,
    id: CaseId,
    by: Option<Id<kinds::Staff>>,
    text: &str,
) -> Result<(), StoreError> {
    let last = uow.reading().number("SELECT max(no) FROM case_note WHERE case_id = ?1", params![id])?;
    let sql = "INSERT INTO case_note(case_id, no, at, staff, text) VALUES (?1, ?2, ?3, ?4, ?5)";
    let now = uow.now();
    uow.execute(sql, params![id, last + 1, now, by, text])?;
    Ok(())
}

pub(crate) fn set_next_date(uow: &mut Uow<'_, '_>, id: CaseId, next: Option<BookingDate>) -> Result<(), StoreError> {
    let sql = "UPDATE case_record SET next_date = ?2 WHERE id = ?1";
    uow.execute(sql, params![id, next.map(BookingDate::days)])?;
    Ok(())
}

/// Closes an open case; false when it was closed before.
pub(crate) fn set_closed(uow: &mut Uow<'_, '_>, id: CaseId) -> Result<bool, StoreError> {
    let sql = "UPDATE case_record SET open = 0, closed_at = ?2, next_date = NULL WHERE id = ?1 AND open = 1";
    let now = uow.now();
    Ok(uow.execute(sql, params![id, now])? == 1)
}

const COLUMNS: &str = "id, kind, subject, open, opened_at, next_date, closed_at";

fn read(row: &Row<'_>) -> Result<CaseView, SqlError> {
    let days = row.opt_int(5)?.map(i32::try_from).transpose().map_err(|_| SqlError::Corrupt("a date"))?;
    Ok(CaseView {
        id: row.id(0)?,
        kind: CaseKind::from_number(row.small(1)?).ok_or(SqlError::Corrupt("a case's kind"))?,
        subject: row.text(2)?,
        open: row.flag(3)?,
        opened_at: row.time(4)?,
        next_date: days.map(BookingDate::from_days),
        closed_at: row.opt_time(6)?,
        notes: Vec::new(),
    })
}

pub(crate) fn by_id(connection: Reading<'_>, id: CaseId) -> Result<Option<CaseView>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM case_record WHERE id = ?1");
    let Some(mut found) = connection.query_opt(&sql, params![id], read)? else { return Ok(None) };
    let sql = "SELECT at, staff, text FROM case_note WHERE case_id = ?1 ORDER BY no";
    found.notes = connection
        .query(sql, params![id], |row| Ok(CaseNote { at: row.time(0)?, by: row.opt_id(1)?, text: row.text(2)? }))?;
    Ok(Some(found))
}

/// Cases, newest first, without their notes.
pub(crate) fn page(
    connection: Reading<'_>,
    open_only: bool,
    before: Option<CaseId>,
    limit: u32,
) -> Result<Vec<CaseView>, SqlError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    if open_only {
        let sql = format!("SELECT {COLUMNS} FROM case_record WHERE open = 1 AND id < ?1 ORDER BY id DESC LIMIT ?2");
        return connection.query(&sql, params![before, limit], read);
    }
    let sql = format!("SELECT {COLUMNS} FROM case_record WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    connection.query(&sql, params![before, limit], read)
}

/// Writes what was proposed, in the place of an earlier proposal.
pub(crate) fn set_proposal(uow: &mut Uow<'_, '_>, id: CaseId, proposal: &Proposal) -> Result<(), StoreError> {
    let (number, executed, wallet) = match proposal.finding {
        Finding::Executed { amount_minor, currency } => (1_u8, Some((amount_minor, currency)), None),
        Finding::NotExecuted => (2, None, None),
        Finding::Release { wallet } => (RELEASE, None, wallet),
        Finding::SendBack => (SEND_BACK, None, None),
    };
    let (executed, currency) = (executed.map(|found| found.0), executed.map(|found| found.1));
    let now = uow.now();
    uow.execute("DELETE FROM case_proposal WHERE case_id = ?1", params![id])?;
    let sql = "INSERT INTO case_proposal(case_id, staff, executed, currency, reason, at, finding, wallet) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let reason = proposal.reason.as_str();
    uow.execute(sql, params![id, proposal.by, executed, currency, reason, now, number, wallet])?;
    Ok(())
}

/// What was proposed for a case.
pub(crate) fn proposal(connection: Reading<'_>, id: CaseId) -> Result<Option<Proposal>, SqlError> {
    let sql = "SELECT staff, executed, currency, reason, finding, wallet FROM case_proposal WHERE case_id = ?1";
    connection.query_opt(sql, params![id], |row| {
        let finding = match row.opt_int(1)? {
            _ if row.small::<u8>(4)? == RELEASE => Finding::Release { wallet: row.opt_id(5)? },
            _ if row.small::<u8>(4)? == SEND_BACK => Finding::SendBack,
            Some(amount_minor) => Finding::Executed { amount_minor, currency: row.small(2)? },
            None => Finding::NotExecuted,
        };
        Ok(Proposal { by: row.id(0)?, finding, reason: row.text(3)? })
    })
}

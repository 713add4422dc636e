//! The journal's rows: lines with both accounts' balances after them, the first of an entry with the entry's header.

use crate::error::StoreError;
use ledger::{AccountNo, Action, After, Count, Entry, Line, Step, StoredEntry, UpTo};
use sql::{Connection, Param, Prepared, Row, SqlError};
use vocabulary::{BookingDate, Timestamp, ValueDate};

/// What an entry's first line says beyond the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The entry's id.
    pub id: u128,
    /// Its type's number.
    pub kind: u16,
    /// The version of the type's schema.
    pub version: u8,
    /// The day of the books.
    pub booking: BookingDate,
    /// The day from which it bears value.
    pub value: ValueDate,
    /// When it was posted.
    pub at: Timestamp,
    /// Who caused it, 0 for the bank itself.
    pub actor: u128,
    /// The channel's number.
    pub channel: u8,
    /// The business object that caused it, 0 for none.
    pub cause: u128,
    /// The version of the policies.
    pub policy: u32,
    /// The first line of the entry it reverses, 0 for none.
    pub reverses: u64,
}

impl Header {
    pub(crate) fn of(entry: &Entry, at: Timestamp) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind,
            version: entry.version,
            booking: entry.booking,
            value: entry.value,
            at,
            actor: entry.actor,
            channel: entry.channel,
            cause: entry.cause,
            policy: entry.policy,
            reverses: entry.reverses,
        }
    }
}

/// What a line's step asked for beyond what the line says, so that the same entry is known again whatever its steps are and
/// in whatever order they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    flags: u8,
    /// A hold's time to live.
    seconds: Option<u32>,
    /// The amount, when the line moved or held another one: as much as was available, or less a shortfall.
    amount: Option<i64>,
}

impl Asked {
    /// The entry is forced; on each of its lines.
    const FORCED: u8 = 1;
    /// At most the debit side's balance.
    const UP_TO_DEBIT: u8 = 2;
    /// At most the credit side's balance.
    const UP_TO_CREDIT: u8 = 4;
    /// Not the last capture of its hold.
    const MORE: u8 = 8;
    /// A capture of all that is still held.
    const ALL: u8 = 16;
    /// The line of a shortfall, for which no step asked.
    const SHORTFALL: u8 = 32;

    pub(crate) fn of(entry: &Entry, step: Option<&Step>, line: &Line) -> Self {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let bound = |up_to: UpTo| bit(up_to.debit, Self::UP_TO_DEBIT) | bit(up_to.credit, Self::UP_TO_CREDIT);
        let other = |amount: i64| (amount != line.amount).then_some(amount);
        let forced = bit(entry.forced, Self::FORCED);
        match step {
            Some(Step::Post { up_to, amount, .. }) => {
                Self { flags: forced | bound(*up_to), seconds: None, amount: other(*amount) }
            }
            Some(Step::Hold { up_to, amount, seconds, .. }) => {
                Self { flags: forced | bound(*up_to), seconds: *seconds, amount: other(*amount) }
            }
            Some(Step::Capture { amount, last, .. }) => {
                let flags = forced | bit(!last, Self::MORE) | bit(amount.is_none(), Self::ALL);
                Self { flags, ..Self::default() }
            }
            Some(Step::Void { .. } | Step::Expire { .. }) => Self { flags: forced, ..Self::default() },
            None => Self { flags: forced | Self::SHORTFALL, ..Self::default() },
        }
    }

    const fn has(self, bit: u8) -> bool {
        self.flags & bit != 0
    }

    /// The step that asked for the line; none for a shortfall's.
    fn step(self, line: &Line, hold_id: impl Fn(u64) -> Result<u128, StoreError>) -> Result<Option<Step>, StoreError> {
        if self.has(Self::SHORTFALL) {
            return Ok(None);
        }
        let up_to = UpTo { debit: self.has(Self::UP_TO_DEBIT), credit: self.has(Self::UP_TO_CREDIT) };
        let (debit, credit, count) = (line.debit, line.credit, line.count);
        let amount = self.amount.unwrap_or(line.amount);
        Ok(Some(match line.action {
            Action::Post => Step::Post { debit, credit, amount, up_to, count },
            Action::Hold => Step::Hold { debit, credit, amount, up_to, seconds: self.seconds, count },
            Action::Capture => {
                let amount = (!self.has(Self::ALL)).then_some(amount);
                Step::Capture { hold: hold_id(line.hold)?, amount, last: !self.has(Self::MORE) }
            }
            Action::Void => Step::Void { hold: hold_id(line.hold)? },
            Action::Expire => Step::Expire { hold: hold_id(line.hold)? },
        }))
    }
}

/// A line and, when it is its entry's first, the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// The line.
    pub line: Line,
    /// The entry's header on its first line.
    pub header: Option<Header>,
    pub(crate) asked: Asked,
}

const FIRST: &str = "INSERT INTO journal(seq, entry, action, debit, credit, amount, released, hold, counted, day, \
    debit_posted, debit_held, credit_posted, credit_held, debit_prev, credit_prev, flags, seconds, asked, id, kind, version, \
    booking, value, at, actor, channel, cause, policy, reverses) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
    ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)";
const NEXT: &str = "INSERT INTO journal(seq, entry, action, debit, credit, amount, released, hold, counted, day, \
    debit_posted, debit_held, credit_posted, credit_held, debit_prev, credit_prev, flags, seconds, asked) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
const COLUMNS: &str = "seq, entry, action, debit, credit, amount, released, hold, counted, day, debit_posted, debit_held, \
    credit_posted, credit_held, debit_prev, credit_prev, flags, seconds, asked, id, kind, version, booking, value, at, \
    actor, channel, cause, policy, reverses";

fn counted(count: Count) -> i64 {
    match count {
        Count::No => 0,
        Count::Use => 1,
        Count::GiveBack { day } => i64::from(day) + 2,
    }
}

/// Writes rows in order.
pub(crate) fn insert_all(connection: &Connection, rows: &[JournalLine]) -> Result<(), SqlError> {
    let (mut first, mut next) = (connection.prepare(FIRST)?, connection.prepare(NEXT)?);
    rows.iter().try_for_each(|row| insert(&mut first, &mut next, row))
}

fn insert(first: &mut Prepared<'_>, next: &mut Prepared<'_>, row: &JournalLine) -> Result<(), SqlError> {
    let line = &row.line;
    let mut params = [Param::Null; 30];
    let ints = [
        Param::from(line.seq),
        Param::from(line.entry),
        Param::from(line.action as u8),
        Param::from(line.debit.0),
        Param::from(line.credit.0),
        Param::from(line.amount),
        Param::from(line.released),
        Param::from(line.hold),
        Param::from(counted(line.count)),
        Param::from(line.day),
        Param::from(line.debit_after.posted),
        Param::from(line.debit_after.held),
        Param::from(line.credit_after.posted),
        Param::from(line.credit_after.held),
        Param::from(line.debit_prev),
        Param::from(line.credit_prev),
        Param::from(row.asked.flags),
        Param::from(row.asked.seconds),
        Param::from(row.asked.amount),
    ];
    let Some(header) = &row.header else {
        return next.execute(&ints).map(drop);
    };
    let id = |value: u128| if value == 0 { Param::Null } else { Param::Id(value.to_be_bytes()) };
    params[..19].copy_from_slice(&ints);
    params[19..].copy_from_slice(&[
        Param::Id(header.id.to_be_bytes()),
        Param::from(header.kind),
        Param::from(header.version),
        Param::from(header.booking.days()),
        Param::from(header.value.days()),
        Param::from(header.at),
        id(header.actor),
        Param::from(header.channel),
        id(header.cause),
        Param::from(header.policy),
        Param::from(header.reverses),
    ]);
    first.execute(&params).map(drop)
}

fn read_line(row: &Row<'_>) -> Result<Line, SqlError> {
    let counted = row.int(8)?;
    let account = |column| row.small(column).map(AccountNo);
    Ok(Line {
        seq: row.small(0)?,
        entry: row.small(1)?,
        action: action(row.int(2)?)?,
        debit: account(3)?,
        credit: account(4)?,
        amount: row.int(5)?,
        released: row.int(6)?,
        hold: row.small(7)?,
        count: match counted {
            0 => Count::No,
            1 => Count::Use,
            day => Count::GiveBack { day: i32::try_from(day - 2).map_err(|_| SqlError::Corrupt("a day"))? },
        },
        day: row.small(9)?,
        debit_after: After { posted: row.int(10)?, held: row.int(11)? },
        credit_after: After { posted: row.int(12)?, held: row.int(13)? },
        debit_prev: row.small(14)?,
        credit_prev: row.small(15)?,
    })
}

pub(crate) fn read(row: &Row<'_>) -> Result<JournalLine, SqlError> {
    let line = read_line(row)?;
    let asked = Asked {
        flags: row.small(16)?,
        seconds: row.opt_int(17)?.and_then(|seconds| u32::try_from(seconds).ok()),
        amount: row.opt_int(18)?,
    };
    let header = match row.opt_u128(19)? {
        None => None,
        Some(id) => Some(Header {
            id,
            kind: row.small(20)?,
            version: row.small(21)?,
            booking: BookingDate::from_days(row.small(22)?),
            value: ValueDate::from_days(row.small(23)?),
            at: row.time(24)?,
            actor: row.opt_u128(25)?.unwrap_or(0),
            channel: row.small(26)?,
            cause: row.opt_u128(27)?.unwrap_or(0),
            policy: row.small(28)?,
            reverses: row.small(29)?,
        }),
    };
    Ok(JournalLine { line, header, asked })
}

fn action(number: i64) -> Result<Action, SqlError> {
    Ok(match number {
        1 => Action::Post,
        2 => Action::Hold,
        3 => Action::Capture,
        4 => Action::Void,
        5 => Action::Expire,
        _ => return Err(SqlError::Corrupt("an action of the journal")),
    })
}

/// One line by number.
pub(crate) fn line(connection: &Connection, seq: u64) -> Result<Option<JournalLine>, SqlError> {
    connection.query_opt(&format!("SELECT {COLUMNS} FROM journal WHERE seq = ?1"), sql::params![seq], read)
}

/// The lines of the entry whose first line has this number.
pub(crate) fn entry_lines(connection: &Connection, first: u64) -> Result<Vec<JournalLine>, SqlError> {
    let mut found = Vec::new();
    let mut seq = first;
    while let Some(row) = line(connection, seq)? {
        if row.line.entry != first {
            break;
        }
        found.push(row);
        seq += 1;
    }
    Ok(found)
}

/// At most so many lines from a number on, in order.
pub(crate) fn page_from(connection: &Connection, first: u64, limit: u32) -> Result<Vec<JournalLine>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE seq >= ?1 ORDER BY seq LIMIT ?2");
    connection.query(&sql, sql::params![first, limit], read)
}

/// The first line from a number on and below another that names an account, and the account's line before it.
pub(crate) fn first_naming(
    connection: &Connection,
    no: AccountNo,
    (from, below): (u64, u64),
) -> Result<Option<(u64, u64)>, SqlError> {
    let sql = "SELECT seq, CASE WHEN debit = ?1 THEN debit_prev ELSE credit_prev END FROM journal \
        WHERE seq >= ?2 AND seq < ?3 AND (debit = ?1 OR credit = ?1) ORDER BY seq LIMIT 1";
    connection.query_opt(sql, sql::params![no.0, from, below], |row| Ok((row.small(0)?, row.small(1)?)))
}

/// Visits every line from a number on, in order.
pub(crate) fn each_from(
    connection: &Connection,
    first: u64,
    mut visit: impl FnMut(JournalLine) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE seq >= ?1 ORDER BY seq");
    connection.each(&sql, sql::params![first], |row| visit(read(row)?))
}

/// As [`each_from`], without the headers, in pages: the journal's tail may be long.
pub(crate) fn each_line_from(
    connection: &Connection,
    first: u64,
    mut visit: impl FnMut(Line) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let sql = "SELECT seq, entry, action, debit, credit, amount, released, hold, counted, day, debit_posted, debit_held, \
        credit_posted, credit_held, debit_prev, credit_prev FROM journal WHERE seq >= ?1 ORDER BY seq LIMIT ?2";
    let mut next = first;
    loop {
        let page = connection.query(sql, sql::params![next, PAGE], read_line)?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        let more = page.len() == PAGE as usize;
        page.into_iter().try_for_each(&mut visit)?;
        if !more {
            return Ok(());
        }
    }
}

/// Lines to a page.
const PAGE: u32 = 1 << 13;

/// Visits the ids and first lines of entries from a line on.
pub(crate) fn each_id_from(
    connection: &Connection,
    first: u64,
    mut visit: impl FnMut(u128, u64),
) -> Result<(), SqlError> {
    let sql = "SELECT id, seq FROM journal WHERE seq >= ?1 AND id IS NOT NULL";
    connection.each(sql, sql::params![first], |row| {
        visit(row.u128(0)?, row.small(1)?);
        Ok(())
    })
}

/// The last line's number, 0 when there is none.
pub(crate) fn last(connection: &Connection) -> Result<u64, SqlError> {
    let last = connection.number("SELECT max(seq) FROM journal", &[])?;
    u64::try_from(last).map_err(|_| SqlError::Corrupt("a line number"))
}

/// The entry that these lines were posted for.
pub(crate) fn stored_entry(
    rows: &[JournalLine],
    hold_id: impl Fn(u64) -> Result<u128, StoreError>,
) -> Result<StoredEntry, StoreError> {
    let missing = StoreError::Corrupt { table: "journal", finding: "an entry without a header" };
    let Some((header, asked)) = rows.first().and_then(|row| Some((row.header?, row.asked))) else {
        return Err(missing);
    };
    let steps = rows.iter().map(|row| row.asked.step(&row.line, &hold_id));
    let entry = Entry {
        id: header.id,
        fresh: false,
        kind: header.kind,
        version: header.version,
        booking: header.booking,
        value: header.value,
        actor: header.actor,
        channel: header.channel,
        cause: header.cause,
        policy: header.policy,
        reverses: header.reverses,
        forced: asked.has(Asked::FORCED),
        steps: steps.filter_map(Result::transpose).collect::<Result<_, StoreError>>()?,
    };
    Ok(StoredEntry { entry, lines: rows.iter().map(|row| row.line).collect() })
}

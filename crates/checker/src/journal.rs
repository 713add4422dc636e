//! The journal, line by line: numbers, entries and their headers, shapes of lines; then the fold into accounts, holds and
//! limit groups.

use crate::accounts::Accounts;
use crate::business::pairs::Pairs;
use crate::difference::{Place, Stop};
use crate::holds::Holds;
use crate::indexes::{Index, Tally};
use crate::limits::Groups;
use crate::scan::{Snapshot, tell};
use crate::{Progress, Report};
use sql::{Row, SqlError};

/// What a line did, as stored.
pub(crate) mod action {
    pub(crate) const POST: i64 = 1;
    pub(crate) const HOLD: i64 = 2;
    pub(crate) const CAPTURE: i64 = 3;
    pub(crate) const VOID: i64 = 4;
    pub(crate) const EXPIRE: i64 = 5;
}

/// Bits of `flags`.
mod flag {
    pub(super) const FORCED: i64 = 1;
    /// At most what is available on the debit side (2) and the credit side (4).
    pub(super) const UP_TO: i64 = 2 | 4;
    /// Not the last capture (8), of all that is held (16).
    pub(super) const CAPTURE: i64 = 8 | 16;
    pub(super) const SHORTFALL: i64 = 32;
}

/// A row of the journal without its header. Pairs are debit side, credit side.
pub(crate) struct Line {
    pub(crate) seq: i64,
    pub(crate) entry: i64,
    pub(crate) action: i64,
    pub(crate) debit: i64,
    pub(crate) credit: i64,
    pub(crate) amount: i64,
    pub(crate) released: i64,
    pub(crate) hold: i64,
    /// 0 does not count, 1 uses limits, day + 2 gives back what that day used.
    pub(crate) counted: i64,
    pub(crate) day: i64,
    /// Posted and held balance after it.
    pub(crate) after: [(i64, i64); 2],
    pub(crate) prev: [i64; 2],
    /// Of a hold: how long it lives.
    pub(crate) seconds: Option<i64>,
}

/// The header that an entry's first line carries.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) id: u128,
    pub(crate) kind: i64,
    pub(crate) cause: u128,
    pub(crate) at: i64,
    pub(crate) forced: bool,
}

const SELECT: &str = "SELECT seq, entry, action, debit, credit, amount, released, hold, counted, day, debit_posted, \
    debit_held, credit_posted, credit_held, debit_prev, credit_prev, id, kind, version, booking, value, at, channel, \
    policy, reverses, flags, seconds, actor, cause, asked FROM journal ORDER BY seq";

fn read(row: &Row<'_>) -> Result<Line, SqlError> {
    Ok(Line {
        seq: row.int(0)?,
        entry: row.int(1)?,
        action: row.int(2)?,
        debit: row.int(3)?,
        credit: row.int(4)?,
        amount: row.int(5)?,
        released: row.int(6)?,
        hold: row.int(7)?,
        counted: row.int(8)?,
        day: row.int(9)?,
        after: [(row.int(10)?, row.int(11)?), (row.int(12)?, row.int(13)?)],
        prev: [row.int(14)?, row.int(15)?],
        seconds: row.opt_int(26)?,
    })
}

/// What the journal is folded into.
pub(crate) struct Folds {
    pub(crate) accounts: Accounts,
    pub(crate) groups: Groups,
    pub(crate) holds: Holds,
    pub(crate) pairs: Pairs,
}

/// Reads the whole journal into the given folds.
pub(crate) fn fold(
    snapshot: &Snapshot,
    folds: &mut Folds,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Stop> {
    let of = u64::try_from(snapshot.number("SELECT count(*) FROM journal", &[])?).unwrap_or(0);
    let Folds { accounts, groups, holds, pairs } = folds;
    let mut index = Tally::new(snapshot, Index::Entries)?;
    let (mut entry, mut head, mut asked) = (0, None, Asked::default());
    snapshot.scan("journal", SELECT, &[], |row| {
        let line = read(row)?;
        let expected = i64::try_from(report.lines).unwrap_or(i64::MAX) + 1;
        Place::journal("form", expected).same("seq", expected, line.seq)?;
        if line.entry == line.seq {
            asked.finish()?;
            let header = read_header(snapshot, row, &line)?;
            index.count(header.id.to_be_bytes(), line.seq)?;
            if let Some(Header { at, .. }) = head {
                let place = Place::journal("form", line.seq);
                place.that(header.at >= at, "at", format!("{at} or later, as time never runs back"), header.at)?;
            }
            (entry, head) = (line.seq, Some(header));
            report.entries += 1;
            pairs.see(&line, Some((header.kind, header.cause)));
        } else {
            check_without_header(row, &line, entry)?;
            pairs.see(&line, None);
        }
        let Some(header) = head else {
            return Err(Place::journal("form", line.seq).differs("id", "an entry's header", "NULL"));
        };
        check_shape(&line, &header)?;
        asked.apply(row, &line, &header)?;
        accounts.apply(&line)?;
        holds.apply(snapshot, &line, &header)?;
        if !header.forced && matches!(line.action, action::POST | action::HOLD) {
            accounts.check_floors(&line)?;
        }
        groups.apply(&line, accounts)?;
        report.lines += 1;
        tell(progress, "journal", report.lines, of);
        Ok(())
    })?;
    asked.finish()?;
    index.finish(snapshot, report.lines)
}

fn read_header(snapshot: &Snapshot, row: &Row<'_>, line: &Line) -> Result<Header, Stop> {
    let place = Place::journal("form", line.seq);
    let names = ["id", "kind", "version", "booking", "value", "at", "channel", "policy", "reverses"];
    let numbers = names.iter().enumerate().skip(1);
    for (at, name) in numbers {
        place.that(row.opt_int(16 + at)?.is_some(), name, "a value on an entry's first line", "NULL")?;
    }
    let id = row.opt_u128(16)?.unwrap_or(0);
    place.that(id != 0, "id", "an entry's id", "none")?;
    let (at, reverses, flags) = (row.int(21)?, row.int(24)?, row.int(25)?);
    if reverses != 0 {
        let sql = "SELECT count(*) FROM journal WHERE seq = ?1 AND entry = ?1 AND seq < ?2";
        let found = snapshot.number(sql, sql::params![reverses, line.seq])?;
        place.that(found == 1, "reverses", "the first line of an earlier entry", reverses)?;
    }
    // Read for its type alone: any sixteen bytes or nothing will do.
    row.opt_u128(27)?;
    let (kind, cause) = (row.int(17)?, row.opt_u128(28)?.unwrap_or(0));
    Ok(Header { id, kind, cause, at, forced: flags & flag::FORCED != 0 })
}

fn check_without_header(row: &Row<'_>, line: &Line, entry: i64) -> Result<(), Stop> {
    let place = Place::journal("form", line.seq);
    place.same("entry", entry, line.entry)?;
    let numbers = [
        ("kind", 17),
        ("version", 18),
        ("booking", 19),
        ("value", 20),
        ("at", 21),
        ("channel", 22),
        ("policy", 23),
        ("reverses", 24),
    ];
    for (name, column) in numbers {
        place.same(name, None, row.opt_int(column)?)?;
    }
    for (name, column) in [("id", 16), ("actor", 27), ("cause", 28)] {
        place.same(name, None, row.opt_u128(column)?)?;
    }
    Ok(())
}

/// What the steps of an entry asked for and did not get: an entry whose id comes again is compared with it.
#[derive(Default)]
struct Asked {
    /// The entry's first line.
    entry: i64,
    /// Asked for beyond what the lines moved, less what the shortfalls' lines moved.
    missing: i128,
    /// A step took as much as was available: then what is missing is nobody's.
    bounded: bool,
}

impl Asked {
    fn apply(&mut self, row: &Row<'_>, line: &Line, header: &Header) -> Result<(), Stop> {
        let place = Place::journal("form", line.seq);
        let (flags, asked) = (row.int(25)?, row.opt_int(29)?);
        let moves = matches!(line.action, action::POST | action::HOLD);
        let possible = flag::FORCED
            | if moves { flag::UP_TO } else { 0 }
            | if line.action == action::CAPTURE { flag::CAPTURE } else { 0 }
            | if line.action == action::POST && header.forced && line.seq != line.entry { flag::SHORTFALL } else { 0 };
        place.that(flags & !possible == 0, "flags", format!("bits of {possible}"), flags)?;
        place.same("flags", i64::from(header.forced), flags & flag::FORCED)?;
        let lives = line.seconds.is_none_or(|seconds| line.action == action::HOLD && (0..1 << 32).contains(&seconds));
        place.that(lives, "seconds", "NULL, or a hold's time to live", line.seconds.unwrap_or(0))?;
        let (bounded, shortfall) = (flags & flag::UP_TO != 0, flags & flag::SHORTFALL != 0);
        let less = moves && !shortfall && (header.forced || bounded);
        let fits = asked.is_none_or(|asked| less && asked > line.amount);
        place.that(fits, "asked", "NULL, or more than the amount where that may be", asked.unwrap_or(0))?;
        if line.seq == line.entry {
            *self = Self { entry: line.entry, ..Self::default() };
        }
        self.bounded |= bounded;
        self.missing += asked.map_or(0, |asked| i128::from(asked) - i128::from(line.amount));
        self.missing -= if shortfall { i128::from(line.amount) } else { 0 };
        Ok(())
    }

    /// All of an entry's lines were seen.
    fn finish(&self) -> Result<(), Stop> {
        let place = Place::journal("form", self.entry);
        let whole = if self.bounded { self.missing >= 0 } else { self.missing == 0 };
        place.that(whole, "asked", "what the entry's lines moved, shortfalls among them", self.missing)
    }
}

/// What must be true of a line by itself, whatever the books.
fn check_shape(line: &Line, header: &Header) -> Result<(), Stop> {
    let place = Place::journal("form", line.seq);
    place.that(line.amount >= 0, "amount", "0 or more", line.amount)?;
    place.that(line.debit != line.credit, "credit", "another account than the debit account", line.credit)?;
    // The tenant's day is the UTC day or one of its neighbours.
    let utc_day = header.at.div_euclid(86_400_000_000);
    place.that(line.day.abs_diff(utc_day) <= 1, "day", format!("about {utc_day}"), line.day)?;
    let counted = (0..=line.day + 2).contains(&line.counted);
    place.that(counted, "counted", "0, 1, or a day before and 2", line.counted)?;
    match line.action {
        action::POST => {
            place.same("released", 0, line.released)?;
            place.same("hold", 0, line.hold)
        }
        action::HOLD => {
            place.same("released", 0, line.released)?;
            place.same("hold", line.seq, line.hold)
        }
        action::CAPTURE => {
            let within = line.amount <= line.released;
            Place::journal("I7", line.seq).that(within, "released", format!("at least {}", line.amount), line.released)
        }
        action::VOID | action::EXPIRE => {
            place.same("amount", 0, line.amount)?;
            place.that(line.released >= 0, "released", "0 or more", line.released)
        }
        other => Err(place.differs("action", "1 to 5", other)),
    }
}

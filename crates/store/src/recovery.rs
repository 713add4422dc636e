//! Reading the committed state: the tables up to their watermarks, then the journal's tail folded over them.
//!
//! Crash point closed here: a crash between two groups loses the dirty rows in memory, never the lines that made them
//! dirty. Each row's `last` tells which lines it already contains; folding goes through the same `replay` as posting.

use crate::journal;
use crate::keys;
use crate::rolling::{Rolling, RollingIndex};
use crate::state::{ENTRY_INDEX, ENTRY_SELECT, Fixed, KEY_INDEX, KEY_SELECT, State, entry_hash};
use crate::{groups, outbox};
use ledger::{Count, Line, Moment, limits};
use sql::{Connection, SqlError};
use std::collections::HashMap;
use vocabulary::Timestamp;

pub(crate) fn set_watermark(connection: &Connection, name: &str, line: u64) -> Result<(), SqlError> {
    let sql = "INSERT INTO watermark(name, line) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET line = ?2";
    connection.execute(sql, sql::params![name, line]).map(drop)
}

fn watermark(connection: &Connection, name: &str) -> Result<u64, SqlError> {
    let line = connection.number("SELECT line FROM watermark WHERE name = ?1", sql::params![name])?;
    u64::try_from(line).map_err(|_| SqlError::Corrupt("a watermark"))
}

/// The state of a database, read from it.
pub(crate) fn load(connection: &Connection, fixed: Fixed) -> Result<State, SqlError> {
    let zero = Timestamp::from_micros(0);
    let moment = Moment { now: zero, day: 0, month: 0, year: 0, next_day: zero, next_month: zero, next_year: zero };
    let mut state = State {
        fixed,
        moment,
        accounts: Rolling::new(0),
        groups: Rolling::new(0),
        profiles: HashMap::new(),
        own_limits: HashMap::new(),
        entry_index: RollingIndex::new(0, ENTRY_INDEX, ENTRY_SELECT),
        key_index: RollingIndex::new(0, KEY_INDEX, KEY_SELECT),
        event_index: events_by_owner(0),
        holds: HashMap::new(),
        lines: Vec::new(),
        entries: HashMap::new(),
        keys: Vec::new(),
        key_places: HashMap::new(),
        events: Vec::new(),
        next_line: 1,
        next_key: 1,
        next_event: 1,
        next_account: 1,
        next_group: 1,
        flush_all: false,
        undo: Vec::new(),
    };
    reload(&mut state, connection)?;
    Ok(state)
}

fn after_last(connection: &Connection, sql: &str) -> Result<u64, SqlError> {
    u64::try_from(connection.number(sql, &[])? + 1).map_err(|_| SqlError::Corrupt("a row number"))
}

/// Forgets everything in memory and reads it anew.
pub(crate) fn reload(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    state.next_line = journal::last(connection)? + 1;
    state.next_event = outbox::last(connection)? + 1;
    state.next_key = after_last(connection, "SELECT max(seq) FROM idempotency")?;
    state.next_account = after_last(connection, "SELECT max(no) FROM account")?;
    state.next_group = after_last(connection, "SELECT max(no) FROM limit_group")?;
    state.accounts = Rolling::new(watermark(connection, "accounts")?);
    state.groups = Rolling::new(watermark(connection, "groups")?);
    state.entry_index = RollingIndex::new(watermark(connection, "entries")?, ENTRY_INDEX, ENTRY_SELECT);
    state.key_index = RollingIndex::new(watermark(connection, "keys")?, KEY_INDEX, KEY_SELECT);
    state.event_index = events_by_owner(watermark(connection, "events")?);
    state.profiles = groups::profiles(connection)?.into_iter().collect();
    state.own_limits = groups::own_limits(connection)?.into_iter().collect();
    state.holds.clear();
    state.lines.clear();
    state.entries.clear();
    state.keys.clear();
    state.key_places.clear();
    state.events.clear();
    state.undo.clear();
    state.moment.now = Timestamp::from_micros(0);
    fold_tail(state, connection)?;
    fold_keys(state, connection)
}

/// A key that is in the index table already is put there once more, which changes nothing.
fn fold_keys(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    let index = &mut state.key_index;
    keys::each_from(connection, index.watermark, |hash, row| index.insert(hash, row))?;
    let index = &mut state.event_index;
    outbox::each_owner_from(connection, index.watermark, |hash, no| index.insert(hash, no))
}

fn events_by_owner(watermark: u64) -> RollingIndex {
    RollingIndex::new(watermark, outbox::INDEX, outbox::INDEX_SELECT).keeping(outbox::INDEX_WAITING)
}

fn fold_tail(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    let index = &mut state.entry_index;
    journal::each_id_from(connection, index.watermark, |id, row| index.insert(entry_hash(id), row))?;
    let from = state.accounts.watermark.min(state.groups.watermark);
    let mut heads = Vec::new();
    journal::each_from(connection, from, |row| {
        fold_line(state, connection, &row.line)?;
        state.undo.clear();
        heads.push((row.line.debit.0, row.line.seq));
        heads.push((row.line.credit.0, row.line.seq));
        Ok(())
    })?;
    state.fixed.published.publish(heads.into_iter(), state.next_line - 1);
    Ok(())
}

fn fold_line(state: &mut State, connection: &Connection, line: &Line) -> Result<(), SqlError> {
    let unknown = SqlError::Corrupt("the journal names an unknown account");
    let found = (state.account(connection, line.debit.0)?, state.account(connection, line.credit.0)?);
    let (Some(mut debit), Some(mut credit)) = found else { return Err(unknown) };
    if line.count != Count::No {
        for (no, sides) in limits::concerned(&debit, &credit) {
            let before = state.group(connection, no.0)?.group;
            let after = limits::replay(before, sides, line);
            if after != before {
                state.set_usage(&after);
            }
        }
    }
    for account in [&mut debit, &mut credit] {
        if line.seq > account.last {
            account.replay(line);
            state.set_account(*account);
        }
    }
    Ok(())
}

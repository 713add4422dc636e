//! Reading the committed state: the tables up to their watermarks, then the journal's tail folded over them.
//!
//! Crash point closed here: a crash between two groups loses the dirty rows in memory, never the lines that made them
//! dirty. Each row's `last` tells which lines it already contains; folding goes through the same `replay` as posting.

use crate::groups::GroupRow;
use crate::journal;
use crate::keys;
use crate::rolling::Rolling;
use crate::rolling_index::RollingIndex;
use crate::state::{ENTRY_INDEX, ENTRY_SELECT, Fixed, KEY_INDEX, KEY_SELECT, State, entry_hash};
use crate::{groups, outbox, slices, tenant};
use ledger::{Account, Count, Moment, limits};
use sql::{Connection, SqlError};
use std::collections::HashMap;
use vocabulary::Timestamp;

pub(crate) fn set_watermark(connection: &Connection, name: &str, line: u64) -> Result<(), SqlError> {
    let sql = "INSERT INTO watermark(name, line) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE \
        SET line = excluded.line WHERE watermark.line < excluded.line";
    connection.put(sql, sql::params![name, line])
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
        accounts: Rolling::new(0, 0),
        groups: Rolling::new(0, 0),
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
        expected: HashMap::new(),
        events: Vec::new(),
        news: Vec::new(),
        next_line: 1,
        next_key: 1,
        next_event: 1,
        next_account: 1,
        next_group: 1,
        flush_all: false,
        undo: Vec::new(),
        seen: None,
        pending: None,
        told: None,
        terms: 0,
        last_news: 0,
        terms_changed: false,
        wrote: false,
        tokens: 0,
    };
    if connection.is_server() {
        connection.execute("BEGIN", &[])?;
        crate::head::join(&mut state, connection)?;
        connection.execute("ROLLBACK", &[])?;
    } else {
        reload(&mut state, connection)?;
    }
    Ok(state)
}

/// The newest moment in journal and events.
pub(crate) fn last_recorded(connection: &Connection) -> Result<Timestamp, SqlError> {
    let journal = connection.number("SELECT at FROM journal WHERE at IS NOT NULL ORDER BY seq DESC LIMIT 1", &[])?;
    let event = connection.number("SELECT at FROM event ORDER BY no DESC LIMIT 1", &[])?;
    Ok(Timestamp::from_micros(journal.max(event)))
}

fn after_last(connection: &Connection, sql: &str) -> Result<u64, SqlError> {
    u64::try_from(connection.number(sql, &[])? + 1).map_err(|_| SqlError::Corrupt("a row number"))
}

/// Forgets everything in memory and reads it anew.
pub(crate) fn reload(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    ends(state, connection)?;
    rows(state, connection)?;
    state.accounts = Rolling::new(watermark(connection, "accounts")?, state.next_account - 1);
    state.groups = Rolling::new(watermark(connection, "groups")?, state.next_group - 1);
    state.entry_index = RollingIndex::new(watermark(connection, "entries")?, ENTRY_INDEX, ENTRY_SELECT);
    state.key_index = RollingIndex::new(watermark(connection, "keys")?, KEY_INDEX, KEY_SELECT);
    state.event_index = events_by_owner(watermark(connection, "events")?);
    state.profiles = groups::profiles(connection)?.into_iter().collect();
    state.own_limits = groups::own_limits(connection)?.into_iter().collect();
    state.forget();
    state.moment.now = Timestamp::from_micros(0);
    if connection.is_server() {
        for index in [&mut state.entry_index, &mut state.key_index, &mut state.event_index] {
            index.write_through();
        }
        return fold_to_end(state, connection, state.accounts.watermark.min(state.groups.watermark)).map(drop);
    }
    let other = state.fixed.database.open_reader()?;
    let State { fixed, accounts, groups, entry_index, key_index, event_index, .. } = state;
    // Balances and look-up indexes have nothing to do with each other: each half has a core.
    std::thread::scope(|scope| {
        let indexes = scope.spawn(move || fold_indexes(&other, entry_index, key_index, event_index));
        let from = accounts.watermark.min(groups.watermark);
        fold_lines(connection, fixed, accounts, groups, from)?;
        indexes.join().map_err(|_| SqlError::Corrupt("an index cannot be read"))?
    })?;
    state.fixed.published.publish(std::iter::empty(), state.next_line - 1);
    Ok(())
}

/// How many lines were folded.
fn fold_to_end(state: &mut State, connection: &Connection, from: u64) -> Result<u64, SqlError> {
    let folded = fold_lines(connection, &state.fixed, &mut state.accounts, &mut state.groups, from)?;
    state.fixed.published.publish(std::iter::empty(), state.next_line - 1);
    state.fixed.events.send_replace(state.next_event - 1);
    Ok(folded)
}

/// Folds what other nodes have written since this one's last group, up to the next line, key and event that the head names.
pub(crate) fn catch_up(state: &mut State, connection: &Connection, ends: (u64, u64, u64)) -> Result<(), SqlError> {
    let from = state.next_line;
    (state.next_line, state.next_key, state.next_event) = ends;
    if from < state.next_line && fold_to_end(state, connection, from)? != state.next_line - from {
        return Err(SqlError::Corrupt("the journal lacks lines that the head counts"));
    }
    state.fixed.events.send_replace(state.next_event - 1);
    Ok(())
}

/// Takes the terms that other nodes have changed after a group: accounts, limit groups, limits, the clock's offset.
pub(crate) fn take_terms(state: &mut State, connection: &Connection, group: u64) -> Result<(), SqlError> {
    rows(state, connection)?;
    state.accounts.take(slices::since::<Account>(connection, group)?, state.next_account - 1);
    state.groups.take(slices::since::<GroupRow>(connection, group)?, state.next_group - 1);
    state.profiles = groups::profiles(connection)?.into_iter().collect();
    state.own_limits = groups::own_limits(connection)?.into_iter().collect();
    let tenant = tenant::read(connection)?.ok_or(SqlError::Corrupt("the tenant's row is missing"))?;
    state.fixed.clock.raise_offset(tenant.clock_offset);
    Ok(())
}

/// Where journal, records and events end.
fn ends(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    state.next_line = journal::last(connection)? + 1;
    state.next_event = outbox::last(connection)? + 1;
    state.next_key = after_last(connection, "SELECT max(seq) FROM idempotency")?;
    Ok(())
}

/// How many accounts and limit groups there are.
fn rows(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    state.next_account = after_last(connection, "SELECT max(no) FROM account")?;
    state.next_group = after_last(connection, "SELECT max(no) FROM limit_group")?;
    Ok(())
}

fn events_by_owner(watermark: u64) -> RollingIndex {
    RollingIndex::new(watermark, outbox::INDEX, outbox::INDEX_SELECT).keeping(outbox::INDEX_WAITING)
}

/// A key that is in the index table already is put there once more, which changes nothing.
fn fold_indexes(
    connection: &Connection,
    entries: &mut RollingIndex,
    keys: &mut RollingIndex,
    events: &mut RollingIndex,
) -> Result<(), SqlError> {
    let mut found = Vec::new();
    journal::each_id_from(connection, entries.watermark, |id, row| found.push((entry_hash(id), row)))?;
    entries.refill(&mut found);
    keys::each_from(connection, keys.watermark, |hash, row| found.push((hash, row)))?;
    keys.refill(&mut found);
    outbox::each_owner_from(connection, events.watermark, |hash, no| found.push((hash, no)))?;
    events.refill(&mut found);
    Ok(())
}

fn fold_lines(
    connection: &Connection,
    fixed: &Fixed,
    accounts: &mut Rolling<Account>,
    groups: &mut Rolling<GroupRow>,
    from: u64,
) -> Result<u64, SqlError> {
    let mut folded = 0;
    journal::each_line_from(connection, from, |line| {
        let unknown = SqlError::Corrupt("the journal names an unknown account");
        let found = (accounts.load(connection, line.debit.0)?, accounts.load(connection, line.credit.0)?);
        let (Some(mut debit), Some(mut credit)) = found else { return Err(unknown) };
        if line.count != Count::No {
            for (no, sides) in limits::concerned(&debit, &credit) {
                let row = groups.load(connection, no.0)?.ok_or(SqlError::Corrupt("a limit group is missing"))?;
                let after = limits::replay(row.group, sides, &line);
                if after != row.group {
                    groups.set(no.0, &GroupRow { group: after, ..row });
                }
            }
        }
        for account in [&mut debit, &mut credit] {
            if line.seq > account.last {
                account.replay(&line);
                accounts.set(account.no.0, account);
            }
            fixed.published.head_is(account.no.0, line.seq);
        }
        folded += 1;
        Ok(())
    })?;
    Ok(folded)
}

//! The head: one row that every group locks on a server, so that groups of several nodes have one order.
//!
//! Each node keeps accounts and limit groups in memory, as on the embedded database. A group begins by locking the head. If
//! the head is as this node left it, its memory is right. If other nodes have committed groups since, it folds the lines that
//! they wrote, by the same `replay` as posting, and takes the slices whose terms they changed. What it knows of a group that
//! failed it forgets and reads anew. If the head does not continue what this node was told is committed (an old primary came
//! back, or a standby without the node's last groups took over), the server is refused: 503, until the node is sent to the
//! server that has them, or started anew.
//!
//! The races closed here: two nodes never decide at the same time, because who decides holds the head's row, in the unit that
//! writes what was decided; a node that was paused decides nothing until it has locked the head, and what it then does not
//! know it reads; a node whose unit was cut off writes nothing, because the lock went with the unit. No lease and no clock is
//! needed for that. A group is short (a few milliseconds for a hundred units and more), so one order for all costs less than
//! a lock for each account: one hot account is as fast as many.

use crate::heard::News;
use crate::recovery;
use crate::state::State;
use sql::{Connection, Row, SqlError};
use vocabulary::Timestamp;

/// A group that this node has seen committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its number, from 1.
    pub(crate) group: u64,
    /// What its writer called it; no other group is called so.
    pub(crate) token: [u8; 16],
}

pub(crate) struct Head {
    pub(crate) mark: Mark,
    /// The last group that opened accounts or changed terms.
    pub(crate) terms: u64,
    line: u64,
    key: u64,
    pub(crate) event: u64,
    /// No group is before this moment.
    pub(crate) now: Timestamp,
    /// The last group that told news.
    pub(crate) news: u64,
}

const PEEK: &str = "SELECT grp, token, terms, line, key, event, now, news FROM head WHERE only_row = 1";
/// Asks in one exchange whether a group is part of the history: one that was committed before the question is seen, however long
/// the lock is waited for.
const SELECT: &str = "SELECT grp, token, terms, line, key, event, now, news, \
    (SELECT count(*) FROM group_mark WHERE no = ?1 AND token = ?2) FROM head WHERE only_row = 1 FOR UPDATE";
const CREATE: &str = "INSERT INTO head(only_row, grp, token, terms, line, key, event, now) VALUES (1, 0, ?1, 0, 0, 0, 0, 0) \
    ON CONFLICT DO NOTHING";
const CONTINUE: &str = "INSERT INTO head(only_row, grp, token, terms, line, key, event, now) \
    VALUES (1, 0, ?1, 0, ?2, ?3, ?4, ?5)";
const MOVE: &str = "UPDATE head SET grp = ?1, token = ?2, terms = ?3, line = ?4, key = ?5, event = ?6, now = ?7, news = ?8 WHERE only_row = 1";
const NOTE: &str = "INSERT INTO group_mark(no, token) VALUES (?1, ?2)";
const FORGET: &str = "DELETE FROM group_mark WHERE no <= ?1";
const TELL: &str = "INSERT INTO news(grp, kind, subject) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const NEWS: &str = "SELECT kind, subject FROM news WHERE grp > ?1 ORDER BY grp, kind, subject";
const OLD_NEWS: &str = "DELETE FROM news WHERE grp <= ?1";
const KNOWN: &str = "SELECT count(*) FROM group_mark WHERE no = ?1 AND token = ?2";

/// Marks older than so many groups are forgotten: a node that slept longer reads everything anew.
const MARKS_KEPT: u64 = 1 << 17;

/// Makes the row of a new database.
pub(crate) fn create(connection: &Connection) -> Result<(), SqlError> {
    connection.execute(CREATE, sql::params![&[0; 16]]).map(drop)
}

/// Makes the row of a database that holds a moved bank up to its last line, key and event: no group has been there yet.
pub(crate) fn continue_from(connection: &Connection, [line, key, event]: [u64; 3], now: i64) -> Result<(), SqlError> {
    connection.execute(CONTINUE, sql::params![&[0; 16], line, key, event, now]).map(drop)
}

/// Locks the head and brings the memory up to it.
pub(crate) fn join(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    let (head, seen_known) = lock(connection, state.seen)?;
    let ends = (head.line + 1, head.key + 1, head.event + 1);
    match state.seen {
        Some(seen) if seen == head.mark => {}
        Some(seen) if seen.group < head.mark.group && seen_known => {
            if head.terms > seen.group {
                recovery::take_terms(state, connection, seen.group)?;
            }
            recovery::catch_up(state, connection, ends)?;
        }
        _ => {
            continues(state, connection, &head)?;
            recovery::reload(state, connection)?;
            if (state.next_line, state.next_key, state.next_event) != ends {
                return Err(SqlError::Corrupt("the head is not where the journal ends"));
            }
        }
    }
    state.fixed.ear.hear_locked(connection, &head, state.seen.filter(|_| seen_known))?;
    state.seen = Some(head.mark);
    state.terms = head.terms;
    state.last_news = head.news;
    state.fixed.clock.advance_to(head.now);
    Ok(())
}

/// Refuses a history without the last group that this node has told its clients is committed: an old primary that came
/// back, a standby that had not everything, a database restored to an earlier moment. Going on there would lose what was
/// acknowledged without a word. Whoever accepts that starts the node anew: then it knows nothing and believes the database.
fn continues(state: &State, connection: &Connection, head: &Head) -> Result<(), SqlError> {
    let Some(told) = state.told else { return Ok(()) };
    let forgotten = told.group + MARKS_KEPT <= head.mark.group || sql::has_defect("believe-any-server");
    if told == head.mark || forgotten || told.group < head.mark.group && known(connection, told)? {
        return Ok(());
    }
    Err(SqlError::Behind(format!(
        "it stands at group {} and has no group {} as this node has seen it committed; send the node to the server that has it, or start the node anew to go on without it",
        head.mark.group, told.group
    )))
}

/// Moves the head past this group. The mark counts as seen once the group is committed.
pub(crate) fn advance(state: &mut State, connection: &Connection) -> Result<(), SqlError> {
    let Some(seen) = state.seen else { return Err(SqlError::Corrupt("a group without a head")) };
    let mark = Mark { group: seen.group + 1, token: state.next_token() };
    if std::mem::take(&mut state.terms_changed) {
        state.terms = mark.group;
    }
    if !state.news.is_empty() {
        state.last_news = mark.group;
        let mut tell = connection.prepare(TELL)?;
        for news in &state.news {
            tell.execute(sql::params![mark.group, news.kind, &news.subject.to_be_bytes()])?;
        }
    }
    let params = sql::params![
        mark.group,
        &mark.token,
        state.terms,
        state.next_line - 1,
        state.next_key - 1,
        state.next_event - 1,
        state.moment.now,
        state.last_news
    ];
    connection.prepare(MOVE)?.execute(params)?;
    connection.prepare(NOTE)?.execute(sql::params![mark.group, &mark.token])?;
    if mark.group.is_multiple_of(1024) && mark.group > MARKS_KEPT {
        connection.prepare(FORGET)?.execute(sql::params![mark.group - MARKS_KEPT])?;
        connection.prepare(OLD_NEWS)?.execute(sql::params![mark.group - MARKS_KEPT])?;
    }
    state.pending = Some(mark);
    Ok(())
}

/// Whether the group that was last sent off is part of the history. Waits for the lock of whoever may still be about it.
pub(crate) fn was_committed(state: &State, connection: &Connection) -> Result<bool, SqlError> {
    let (head, _) = lock(connection, None)?;
    // A server that lacks more than this group says nothing about it.
    continues(state, connection, &head)?;
    state.pending.map_or(Ok(false), |mark| known(connection, mark))
}

pub(crate) fn known(connection: &Connection, mark: Mark) -> Result<bool, SqlError> {
    // Before the first group there is nothing to know.
    Ok(mark.group == 0 || connection.number(KNOWN, sql::params![mark.group, &mark.token])? == 1)
}

/// The head as it is committed, without its lock.
pub(crate) fn peek(connection: &Connection) -> Result<Head, SqlError> {
    read(connection, PEEK)
}

/// What groups after this one have told.
pub(crate) fn news_after(connection: &Connection, group: u64) -> Result<Vec<News>, SqlError> {
    connection.query(NEWS, sql::params![group], |row| Ok(News { kind: row.small(0)?, subject: row.u128(1)? }))
}

/// Locks the head; whether a group that was seen committed is part of its history.
fn lock(connection: &Connection, seen: Option<Mark>) -> Result<(Head, bool), SqlError> {
    let mark = seen.unwrap_or(Mark { group: 0, token: [0; 16] });
    let found = connection.query_opt(SELECT, sql::params![mark.group, &mark.token], |row| {
        // Before the first group there is nothing to know.
        Ok((head(row)?, mark.group == 0 || row.int(8)? == 1))
    })?;
    found.ok_or(SqlError::Corrupt("the head is missing"))
}

fn read(connection: &Connection, sql: &str) -> Result<Head, SqlError> {
    connection.query_opt(sql, &[], head)?.ok_or(SqlError::Corrupt("the head is missing"))
}

fn head(row: &Row<'_>) -> Result<Head, SqlError> {
    let token = row.blob(1)?.try_into().map_err(|_| SqlError::Corrupt("the head's token"))?;
    Ok(Head {
        mark: Mark { group: row.small(0)?, token },
        terms: row.small(2)?,
        line: row.small(3)?,
        key: row.small(4)?,
        event: row.small(5)?,
        now: row.time(6)?,
        news: row.small(7)?,
    })
}

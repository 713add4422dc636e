//! What the writer keeps in memory beside the database, and how it joins the database with each group.
//!
//! Every change is logged, so that a closure's changes can be undone in reverse. After COMMIT the log is forgotten; after a
//! failed COMMIT everything is forgotten and read anew (see `recovery`).

use crate::accounts::PackedAccount;
use crate::calendar::{TenantClock, moment};
use crate::groups::{self, GroupRow, PackedGroup};
use crate::head::{self, Mark};
use crate::heard::{Ear, News};
use crate::holds;
use crate::journal::{self, JournalLine};
use crate::keys::{self, KeyDigest, KeyRecord};
use crate::outbox::{self, NewEvent};
use crate::published::Published;
use crate::rolling::{Flushed, Rolling};
use crate::rolling_index::RollingIndex;
use ledger::{Account, Group, Hold, LimitSet, Moment};
use sql::{Connection, Database, GroupState, SqlError};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;
use vocabulary::{Clock, ZoneName};

/// What one change replaced.
pub(crate) enum Undo {
    Account(u64, PackedAccount),
    AccountOpened(u64),
    Group(u64, PackedGroup),
    GroupOpened(u64),
    Hold(u128, Option<Hold>),
    Line,
    Key,
    Event,
    Profile(u64, Option<LimitSet>),
    Own(u64, Option<LimitSet>),
    News,
}

/// A hash that a unit is going to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Hint {
    /// Of an idempotency key.
    Key(i64),
    /// Of an entry's id.
    Entry(i64),
}

impl Hint {
    const fn hash(self) -> i64 {
        match self {
            Self::Key(hash) | Self::Entry(hash) => hash,
        }
    }
}

/// What is fixed for the life of the store.
pub(crate) struct Fixed {
    /// The database, for reading on a connection of one's own.
    pub(crate) database: Database,
    /// What no other node's groups are called by.
    pub(crate) node: u64,
    pub(crate) clock: Arc<TenantClock>,
    pub(crate) zone: ZoneName,
    pub(crate) published: Arc<Published>,
    pub(crate) events: Arc<watch::Sender<u64>>,
    pub(crate) ear: Arc<Ear>,
}

/// The writer's memory.
pub(crate) struct State {
    pub(crate) fixed: Fixed,
    pub(crate) moment: Moment,
    pub(crate) accounts: Rolling<Account>,
    pub(crate) groups: Rolling<GroupRow>,
    pub(crate) profiles: HashMap<u64, LimitSet>,
    pub(crate) own_limits: HashMap<u64, LimitSet>,
    pub(crate) entry_index: RollingIndex,
    pub(crate) key_index: RollingIndex,
    pub(crate) event_index: RollingIndex,
    /// Holds changed in this group.
    pub(crate) holds: HashMap<u128, Hold>,
    /// Lines of this group, not yet in the table.
    pub(crate) lines: Vec<JournalLine>,
    /// First lines of this group's entries, by id.
    pub(crate) entries: HashMap<u128, u64>,
    /// Idempotency records of this group.
    pub(crate) keys: Vec<KeyRecord>,
    pub(crate) key_places: HashMap<KeyDigest, usize>,
    /// What the look-up indexes say to hashes that this group's units are going to ask for.
    pub(crate) expected: HashMap<Hint, Vec<u64>>,
    /// Events of this group, in order.
    pub(crate) events: Vec<NewEvent>,
    /// What this group tells other nodes.
    pub(crate) news: Vec<News>,
    pub(crate) next_line: u64,
    pub(crate) next_key: u64,
    pub(crate) next_event: u64,
    pub(crate) next_account: u64,
    pub(crate) next_group: u64,
    /// Written at the next flush: every dirty row, not only the next stretch.
    pub(crate) flush_all: bool,
    pub(crate) undo: Vec<Undo>,
    /// On a server: the last group that the memory knows, the one on its way, the last that changed terms, the last that
    /// told news, whether this one changed terms, whether it wrote rows, and how many this node has begun.
    pub(crate) seen: Option<Mark>,
    pub(crate) pending: Option<Mark>,
    /// The last group that this node may have told somebody is committed. Unlike `seen` it outlives trouble: a server that
    /// does not have it is not believed.
    pub(crate) told: Option<Mark>,
    pub(crate) terms: u64,
    pub(crate) last_news: u64,
    pub(crate) terms_changed: bool,
    pub(crate) wrote: bool,
    pub(crate) tokens: u64,
}

pub(crate) const ENTRY_INDEX: [&str; 2] = [
    "INSERT INTO entry_index(h, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    "INSERT INTO entry_index(h, seq) VALUES (?1, ?2), (?3, ?4), (?5, ?6), (?7, ?8), (?9, ?10), (?11, ?12), (?13, ?14), \
     (?15, ?16), (?17, ?18), (?19, ?20), (?21, ?22), (?23, ?24), (?25, ?26), (?27, ?28), (?29, ?30), (?31, ?32) \
     ON CONFLICT DO NOTHING",
];
pub(crate) const ENTRY_SELECT: &str = "SELECT seq FROM entry_index WHERE h = ?1";
pub(crate) const KEY_INDEX: [&str; 2] = [
    "INSERT INTO idempotency_index(h, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    "INSERT INTO idempotency_index(h, seq) VALUES (?1, ?2), (?3, ?4), (?5, ?6), (?7, ?8), (?9, ?10), (?11, ?12), \
     (?13, ?14), (?15, ?16), (?17, ?18), (?19, ?20), (?21, ?22), (?23, ?24), (?25, ?26), (?27, ?28), (?29, ?30), (?31, ?32) \
     ON CONFLICT DO NOTHING",
];
pub(crate) const KEY_SELECT: &str = "SELECT seq FROM idempotency_index WHERE h = ?1";
const KEYS_SELECT: &str = "SELECT h, seq FROM idempotency_index WHERE h = ANY (?1)";
const ENTRIES_SELECT: &str = "SELECT h, seq FROM entry_index WHERE h = ANY (?1)";

/// The part of an entry's id by which it is looked up: its first half, which grows with time for version-7 ids.
pub(crate) fn entry_hash(id: u128) -> i64 {
    i64::from_be_bytes(((id >> 64) as u64).to_be_bytes())
}

impl State {
    /// Forgets what this group did; what else is in memory is read anew when the next group begins.
    pub(crate) fn forget(&mut self) {
        (self.seen, self.pending, self.terms_changed, self.wrote) = (None, None, false, false);
        self.holds.clear();
        self.lines.clear();
        self.entries.clear();
        self.keys.clear();
        self.key_places.clear();
        self.expected.clear();
        self.events.clear();
        self.news.clear();
        self.undo.clear();
    }

    /// What a group of this node is called.
    pub(crate) fn next_token(&mut self) -> [u8; 16] {
        self.tokens += 1;
        (u128::from(self.fixed.node) << 64 | u128::from(self.tokens)).to_be_bytes()
    }

    /// The account, loaded with its slice when it is not in memory.
    pub(crate) fn account(&mut self, connection: &Connection, no: u64) -> Result<Option<Account>, SqlError> {
        if no == 0 || no >= self.next_account { Ok(None) } else { self.accounts.load(connection, no) }
    }

    pub(crate) fn set_account(&mut self, account: Account) {
        let before = self.accounts.set(account.no.0, &account);
        self.undo.extend(before.map(|before| Undo::Account(account.no.0, before)));
    }

    /// The same for an account whose terms changed.
    pub(crate) fn set_terms(&mut self, account: &Account) {
        self.terms_changed = true;
        let before = self.accounts.set_terms(account.no.0, account);
        self.undo.extend(before.map(|before| Undo::Account(account.no.0, before)));
    }

    /// The group, loaded with its slice when it is not in memory.
    pub(crate) fn group(&mut self, connection: &Connection, no: u64) -> Result<GroupRow, SqlError> {
        let missing = SqlError::Corrupt("a limit group is missing");
        if no == 0 { Err(missing) } else { self.groups.load(connection, no)?.ok_or(missing) }
    }

    /// The limits that bind a group: its profile's, lowered by its own.
    pub(crate) fn limits(&self, row: &GroupRow) -> LimitSet {
        let profile = self.profiles.get(&u64::from(row.profile)).copied().unwrap_or_default();
        self.own_limits.get(&row.group.no.0).map_or(profile, |own| groups::lower(&profile, own))
    }

    pub(crate) fn set_usage(&mut self, group: &Group) {
        if let Some(row) = self.groups.get(group.no.0) {
            let before = self.groups.set(group.no.0, &GroupRow { group: *group, ..row });
            self.undo.extend(before.map(|before| Undo::Group(group.no.0, before)));
        }
    }

    /// The same for a group whose profile changed.
    pub(crate) fn set_profile(&mut self, row: &GroupRow) {
        let no = row.group.no.0;
        self.terms_changed = true;
        let before = self.groups.set_terms(no, row);
        self.undo.extend(before.map(|before| Undo::Group(no, before)));
    }

    pub(crate) fn hold(&self, connection: &Connection, id: u128) -> Result<Option<Hold>, SqlError> {
        if let Some(hold) = self.holds.get(&id) {
            return Ok(Some(*hold));
        }
        holds::by_id(connection, id)
    }

    pub(crate) fn set_hold(&mut self, hold: &Hold) {
        let before = self.holds.insert(hold.id, *hold);
        self.undo.push(Undo::Hold(hold.id, before));
    }

    fn undo_one(&mut self, undo: Undo) {
        match undo {
            Undo::Account(no, before) => drop(self.accounts.put(no, before)),
            Undo::AccountOpened(no) => {
                self.accounts.forget(no);
                self.next_account = no;
            }
            Undo::Group(no, before) => drop(self.groups.put(no, before)),
            Undo::GroupOpened(no) => {
                self.groups.forget(no);
                self.next_group = no;
            }
            Undo::Hold(id, before) => restore(&mut self.holds, id, before),
            Undo::Line => {
                if let Some(JournalLine { header: Some(header), .. }) = self.lines.pop() {
                    self.entries.remove(&header.id);
                }
                self.next_line -= 1;
            }
            Undo::Key => {
                if let Some(record) = self.keys.pop() {
                    self.key_places.remove(&record.key);
                }
            }
            Undo::Event => drop(self.events.pop()),
            Undo::News => drop(self.news.pop()),
            Undo::Profile(no, before) => restore(&mut self.profiles, no, before),
            Undo::Own(no, before) => restore(&mut self.own_limits, no, before),
        }
    }

    /// The head is locked and the indexes are written through: what they say now, they say until the group's end.
    fn look_up(
        &mut self,
        connection: &Connection,
        select: &'static str,
        (hints, kind): (&[Hint], fn(i64) -> Hint),
    ) -> Result<(), SqlError> {
        if hints.is_empty() {
            return Ok(());
        }
        let hashes: Vec<i64> = hints.iter().map(|hint| hint.hash()).collect();
        self.expected.extend(hints.iter().map(|hint| (*hint, Vec::new())));
        connection.each(select, sql::params![hashes.as_slice()], |row| {
            self.expected.entry(kind(row.int(0)?)).or_default().push(row.small(1)?);
            Ok(())
        })
    }

    fn flush_tables(&mut self, connection: &Connection) -> Result<(), SqlError> {
        let (lines, all) = (self.lines.len(), self.flush_all);
        let version = self.seen.map_or(0, |seen| seen.group + 1);
        let group = Flushed { lines, next_line: self.next_line, all, version };
        let accounts = self.accounts.flush(connection, group)?;
        let groups = self.groups.flush(connection, group)?;
        let entries = self.entry_index.flush(connection, self.next_line, all)?;
        let keys = self.key_index.flush(connection, self.next_key, all)?;
        let events = self.event_index.flush(connection, self.next_event, all)?;
        let marks =
            [("accounts", accounts), ("groups", groups), ("entries", entries), ("keys", keys), ("events", events)];
        for (name, mark) in marks {
            if let Some(line) = mark {
                crate::recovery::set_watermark(connection, name, line)?;
            }
        }
        Ok(())
    }
}

fn restore<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

impl GroupState for State {
    type Hint = Hint;

    fn begin(&mut self, connection: &Connection) -> Result<(), SqlError> {
        if connection.is_server() {
            let joined = head::join(self, connection);
            if joined.is_err() {
                // Half brought up to date: the next group reads everything anew.
                self.seen = None;
            }
            joined?;
        }
        let now = self.fixed.clock.now();
        // The calendar changes once a day, the moment with every group.
        if now >= self.moment.next_day || self.moment.now > now || self.moment.now.micros() == 0 {
            self.moment = moment(&self.fixed.zone, now);
        }
        self.moment.now = now;
        Ok(())
    }

    fn expect(&mut self, connection: &Connection, hints: &[Hint]) -> Result<(), SqlError> {
        let (keys, entries): (Vec<Hint>, Vec<Hint>) = hints.iter().partition(|hint| matches!(hint, Hint::Key(_)));
        self.look_up(connection, KEYS_SELECT, (&keys, Hint::Key))?;
        self.look_up(connection, ENTRIES_SELECT, (&entries, Hint::Entry))
    }

    fn wrote(&mut self) {
        self.wrote = true;
    }

    fn mark(&mut self) -> usize {
        self.undo.len()
    }

    fn undo_to(&mut self, mark: usize) {
        while self.undo.len() > mark {
            if let Some(undo) = self.undo.pop() {
                self.undo_one(undo);
            }
        }
    }

    fn weight(&self) -> usize {
        self.lines.len() * 200 + self.keys.len() * 400 + self.events.len() * 250
    }

    fn flush(&mut self, connection: &Connection) -> Result<(), SqlError> {
        journal::insert_all(connection, &self.lines)?;
        for row in &self.lines {
            if let Some(header) = &row.header {
                self.entry_index.insert(entry_hash(header.id), row.line.seq);
            }
        }
        for hold in self.holds.values() {
            holds::write(connection, hold)?;
        }
        keys::insert_all(connection, self.next_key, &self.keys)?;
        for record in &self.keys {
            self.key_index.insert(keys::hash(&record.key), self.next_key);
            self.next_key += 1;
        }
        outbox::insert_all(connection, self.next_event, self.moment.now, &self.events)?;
        for event in &self.events {
            if let Some(owner) = event.owner {
                self.event_index.insert(outbox::owner_hash(owner), self.next_event);
            }
            self.next_event += 1;
        }
        self.flush_tables(connection)?;
        // A group that only settles writes slices with its number, so it has one.
        let settled = std::mem::take(&mut self.flush_all);
        let changed = self.wrote
            || settled
            || !self.lines.is_empty()
            || !self.holds.is_empty()
            || !self.keys.is_empty()
            || !self.events.is_empty()
            || !self.news.is_empty();
        if connection.is_server() && (changed || self.terms_changed) {
            head::advance(self, connection)?;
        }
        Ok(())
    }

    fn was_committed(&mut self, connection: &Connection) -> Result<bool, SqlError> {
        head::was_committed(self, connection)
    }

    fn committed(&mut self) {
        let heads =
            self.lines.iter().flat_map(|row| [(row.line.debit.0, row.line.seq), (row.line.credit.0, row.line.seq)]);
        self.fixed.published.publish(heads, self.next_line - 1);
        if !self.events.is_empty() {
            self.fixed.events.send_replace(self.next_event - 1);
        }
        self.lines.clear();
        self.entries.clear();
        self.holds.clear();
        self.keys.clear();
        self.key_places.clear();
        self.expected.clear();
        self.events.clear();
        let news = !std::mem::take(&mut self.news).is_empty();
        self.undo.clear();
        self.wrote = false;
        if let Some(mark) = self.pending.take() {
            self.fixed.ear.is_own(mark, news);
            self.seen = Some(mark);
        }
        self.told = self.seen;
        self.fixed.published.confirm(self.next_line - 1);
    }

    fn reload(&mut self, connection: &Connection) -> Result<(), SqlError> {
        if connection.is_server() {
            self.forget();
            return Ok(());
        }
        crate::recovery::reload(self, connection)
    }
}

//! A unit of work: everything a closure may read and write. It commits whole or not at all.

use crate::accounts::{self, AccountId, AccountRow, NewAccount};
use crate::error::StoreError;
use crate::groups::{self, GroupRow};
use crate::heard::News;
use crate::journal::{self, Asked, Header, JournalLine};
use crate::keys::{self, Fingerprint, KeyDigest, KeyRecord, Remembered};
use crate::outbox::NewEvent;
use crate::state::{Hint, State, Undo, entry_hash};
use ledger::{
    Account, AccountNo, Books, Entry, Freeze, Group, GroupNo, Hold, LimitSet, Line, Moment, Posted, Step, StoredEntry,
};
use sql::{Connection, Param, Reading, SqlError, Unit};
use vocabulary::Timestamp;

/// What a closure came to. Both are committed; trouble is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T, R> {
    /// It was done.
    Done(T),
    /// It was refused, and what must be remembered of that was written: attempt counters, consumed credentials, the
    /// answer to the idempotency key. No money, hold or stock moved.
    Refused(R),
}

/// A unit of work on the store. Reads see what this and earlier units of the group wrote.
pub struct Uow<'u, 'c> {
    pub(crate) unit: &'u mut Unit<'c, State>,
}

impl<'u, 'c> Uow<'u, 'c> {
    pub(crate) fn new(unit: &'u mut Unit<'c, State>) -> Self {
        Self { unit }
    }

    /// The present moment: one for all that happens in the unit.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.unit.state.moment.now
    }

    /// The present moment with the tenant's calendar around it.
    #[must_use]
    pub fn moment(&self) -> Moment {
        self.unit.state.moment
    }

    /// For queries on business tables; nothing can be written through it. Balances come from [`Uow::account`], never from
    /// a table.
    #[must_use]
    pub fn reading(&self) -> Reading<'c> {
        Reading::of(self.unit.reading())
    }

    /// Runs a writing statement on a business table; returns how many rows it changed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        Ok(self.unit.execute(sql, params)?)
    }

    /// The same for a statement that must succeed and whose result nobody needs: on a server it waits for others to go out with.
    ///
    /// # Errors
    /// When the database fails, which on a server may show only when the unit has ended: nothing of it is then kept.
    pub fn put(&mut self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        Ok(self.unit.put(sql, params)?)
    }

    /// Runs `body`; when it says no (`Err` inside `Ok`), everything it wrote is undone, in memory and in tables.
    ///
    /// # Errors
    /// Whatever `body` returns.
    pub fn attempt<T, R>(
        &mut self,
        body: impl FnOnce(&mut Uow<'_, 'c>) -> Result<Result<T, R>, StoreError>,
    ) -> Result<Result<T, R>, StoreError> {
        let mark = self.unit.state.undo.len();
        let result = self.unit.nested(|unit| body(&mut Uow { unit }))?;
        if result.is_err() {
            sql::GroupState::undo_to(self.unit.state, mark);
        }
        Ok(result)
    }

    /// Posts an entry. The inner `Err` is the ledger's "no": nothing was written.
    ///
    /// # Errors
    /// When the database fails.
    pub fn post(&mut self, entry: &Entry) -> Result<Result<Posted, ledger::Refusal>, StoreError> {
        let moment = self.unit.state.moment;
        // Trouble may leave a step half written: the unit must not be kept, whatever its closure says.
        ledger::post(&mut self.books(), &moment, entry).inspect_err(|_| self.unit.spoil())
    }

    /// Posts entries, all or none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn post_chain(&mut self, entries: &[Entry]) -> Result<Result<Vec<Posted>, ledger::ChainRefusal>, StoreError> {
        let moment = self.unit.state.moment;
        ledger::post_chain(&mut self.books(), &moment, entries).inspect_err(|_| self.unit.spoil())
    }

    fn books(&mut self) -> Desk<'_> {
        let (connection, state) = self.unit.parts();
        Desk { connection, state }
    }

    /// The account as it stands now in this unit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn account(&mut self, no: AccountNo) -> Result<Option<Account>, StoreError> {
        let (connection, state) = self.unit.parts();
        Ok(state.account(connection, no.0)?)
    }

    /// The account with owner, product and code; its counters are those of now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn account_by_id(&mut self, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
        let Some(mut row) = accounts::by_id(self.unit.reading(), id)? else { return Ok(None) };
        if let Some(account) = self.account(row.account.no)? {
            row.account = account;
        }
        Ok(Some(row))
    }

    /// Opens an account; nothing when the id is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_account(&mut self, new: &NewAccount) -> Result<Option<AccountNo>, StoreError> {
        let no = AccountNo(self.unit.state.next_account);
        let owner = new.owner.map(u128::to_be_bytes);
        let now = self.now();
        let params = sql::params![
            no.0,
            new.id,
            new.book.0,
            new.class as u8,
            new.gl_code.as_str(),
            new.product.as_str(),
            owner.as_ref(),
            accounts::floor_of(new.floor),
            new.groups[0].0,
            new.groups[1].0,
            new.receivable.0,
            now
        ];
        if self.unit.execute(accounts::INSERT, params)? == 0 {
            return Ok(None);
        }
        let account = Account {
            no,
            book: new.book,
            class: new.class,
            floor: new.floor,
            freeze: Freeze::default(),
            closed: false,
            debits_posted: 0,
            credits_posted: 0,
            debits_pending: 0,
            credits_pending: 0,
            last: 0,
            groups: new.groups,
            receivable: new.receivable,
        };
        let (connection, state) = self.unit.parts();
        state.accounts.open(connection, no.0, &account)?;
        state.terms_changed = true;
        state.next_account += 1;
        state.undo.push(Undo::AccountOpened(no.0));
        Ok(Some(no))
    }

    /// Changes floor, freezes, closed and receivable to those of `account`; its counters are ignored.
    ///
    /// # Errors
    /// When the database fails.
    pub fn change_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let Some(mut present) = self.account(account.no)? else {
            return Err(StoreError::Corrupt { table: "account", finding: "an account to be changed is missing" });
        };
        (present.floor, present.freeze, present.closed, present.receivable) =
            (account.floor, account.freeze, account.closed, account.receivable);
        let params = sql::params![
            account.no.0,
            accounts::floor_of(account.floor),
            accounts::freeze_bits(account.freeze),
            account.freeze.amount,
            account.closed,
            account.receivable.0
        ];
        self.unit.put(accounts::CHANGE, params)?;
        self.unit.state.set_terms(&present);
        Ok(())
    }

    /// Opens a limit group bound by a profile.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_group(&mut self, profile: u32, owner: Option<u128>) -> Result<GroupNo, StoreError> {
        let no = self.unit.state.next_group;
        let owner = owner.map(u128::to_be_bytes);
        self.unit.put(groups::INSERT, sql::params![no, profile, owner.as_ref()])?;
        let row = GroupRow { group: Group { no: GroupNo(no), ..Group::default() }, profile };
        let (connection, state) = self.unit.parts();
        state.groups.open(connection, no, &row)?;
        state.terms_changed = true;
        state.next_group += 1;
        state.undo.push(Undo::GroupOpened(no));
        Ok(GroupNo(no))
    }

    /// Moves a group to another profile.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_group_profile(&mut self, no: GroupNo, profile: u32) -> Result<(), StoreError> {
        let (connection, state) = self.unit.parts();
        let before = state.group(connection, no.0)?;
        self.unit.put(groups::CHANGE, sql::params![no.0, profile])?;
        self.unit.state.set_profile(&GroupRow { profile, ..before });
        Ok(())
    }

    /// A group's usage (windows as when it was last used) and the limits that bind it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn group(&mut self, no: GroupNo) -> Result<(Group, LimitSet), StoreError> {
        let (connection, state) = self.unit.parts();
        let row = state.group(connection, no.0)?;
        let limits = state.limits(&row);
        Ok((row.group, limits))
    }

    /// Sets the limits of a profile, for all its groups at once.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_profile(&mut self, no: u32, limits: &LimitSet) -> Result<(), StoreError> {
        self.unit.put(groups::SET_PROFILE, &groups::profile_params(no, limits))?;
        let state = &mut self.unit.state;
        state.terms_changed = true;
        let before = state.profiles.insert(u64::from(no), *limits);
        state.undo.push(Undo::Profile(u64::from(no), before));
        Ok(())
    }

    /// Sets a group's own limits, which only lower those of its profile.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_own_limits(&mut self, no: GroupNo, limits: &LimitSet) -> Result<(), StoreError> {
        self.unit.put(groups::SET_OWN, &groups::own_params(no, limits))?;
        let state = &mut self.unit.state;
        state.terms_changed = true;
        let before = state.own_limits.insert(no.0, *limits);
        state.undo.push(Undo::Own(no.0, before));
        Ok(())
    }

    /// The hold that an entry placed, as it stands now in this unit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn hold(&mut self, entry: u128) -> Result<Option<Hold>, StoreError> {
        let (connection, state) = self.unit.parts();
        Ok(state.hold(connection, entry)?)
    }

    /// What was answered to a key before, in this or an earlier unit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn recall(&mut self, key: &KeyDigest) -> Result<Option<Remembered>, StoreError> {
        let (connection, state) = self.unit.parts();
        if let Some(place) = state.key_places.get(key) {
            return Ok(Some(state.keys[*place].remembered.clone()));
        }
        let hash = keys::hash(key);
        let candidates = match state.expected.get(&Hint::Key(hash)) {
            Some(found) => found.clone(),
            None => state.key_index.candidates(connection, hash)?,
        };
        for seq in candidates {
            if let Some(found) = keys::by_seq(connection, seq, key)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// How many journal lines wait for the group's commit. A body that moved and held nothing leaves the number as it was.
    #[must_use]
    pub fn lines_written(&self) -> usize {
        self.unit.state.lines.len()
    }

    /// Records the answer to a key. Call it once for a key, after [`Uow::recall`] found nothing.
    pub fn remember(&mut self, key: KeyDigest, fingerprint: Fingerprint, response: Vec<u8>) {
        let at = self.now();
        let state = &mut self.unit.state;
        state.key_places.insert(key, state.keys.len());
        state.keys.push(KeyRecord { key, remembered: Remembered { fingerprint, at, response } });
        state.undo.push(Undo::Key);
    }

    /// Emits an event; it gets its number when the group is committed.
    pub fn emit(&mut self, event: NewEvent) {
        let state = &mut self.unit.state;
        state.events.push(event);
        state.undo.push(Undo::Event);
    }

    /// Tells other nodes, with this unit's commit, that they must not act on a copy of this any more. Who asks for the unit
    /// forgets this node's own copy after the commit. On the embedded database there is nobody to be told.
    pub fn tell(&mut self, news: News) {
        if self.unit.reading().is_server() {
            let state = &mut self.unit.state;
            state.news.push(news);
            state.undo.push(Undo::News);
        }
    }

    /// The lines of the entry whose first line has this number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn entry_lines(&mut self, first: u64) -> Result<Vec<JournalLine>, StoreError> {
        let (connection, state) = self.unit.parts();
        Ok(lines_of(connection, state, first)?)
    }

    /// Other nodes must look at the tenant's row and at all terms again.
    pub(crate) fn terms_changed(&mut self) {
        self.unit.state.terms_changed = true;
    }

    pub(crate) fn flush_all(&mut self) {
        self.unit.state.flush_all = true;
    }
}

fn lines_of(connection: &Connection, state: &State, first: u64) -> Result<Vec<JournalLine>, SqlError> {
    let in_group: Vec<JournalLine> = state.lines.iter().filter(|row| row.line.entry == first).copied().collect();
    if in_group.is_empty() { journal::entry_lines(connection, first) } else { Ok(in_group) }
}

/// The books at which the ledger's rules work: the writer's memory over the tables.
struct Desk<'a> {
    connection: &'a Connection,
    state: &'a mut State,
}

impl Desk<'_> {
    fn find_entry(&self, id: u128) -> Result<Option<u64>, SqlError> {
        if let Some(first) = self.state.entries.get(&id) {
            return Ok(Some(*first));
        }
        let candidates = match self.state.expected.get(&Hint::Entry(entry_hash(id))) {
            Some(found) => found.clone(),
            None => self.state.entry_index.candidates(self.connection, entry_hash(id))?,
        };
        for seq in candidates {
            let row = journal::line(self.connection, seq)?;
            if row.is_some_and(|row| row.header.is_some_and(|header| header.id == id)) {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }
}

impl Desk<'_> {
    fn line(&self, seq: u64) -> Result<JournalLine, StoreError> {
        let missing = StoreError::Corrupt { table: "journal", finding: "a line that another names is missing" };
        match self.state.lines.iter().find(|row| row.line.seq == seq) {
            Some(row) => Ok(*row),
            None => journal::line(self.connection, seq)?.ok_or(missing),
        }
    }

    /// The id of the entry that placed a hold with this line.
    fn hold_id(&self, placed: u64) -> Result<u128, StoreError> {
        let head = self.line(self.line(placed)?.line.entry)?;
        let missing = StoreError::Corrupt { table: "journal", finding: "an entry without a header" };
        head.header.map(|header| header.id).ok_or(missing)
    }
}

impl Books for Desk<'_> {
    type Trouble = StoreError;

    fn account(&mut self, no: AccountNo) -> Result<Option<Account>, StoreError> {
        Ok(self.state.account(self.connection, no.0)?)
    }

    fn set_account(&mut self, account: &Account) {
        self.state.set_account(*account);
    }

    fn group(&mut self, no: GroupNo) -> Result<(Group, LimitSet), StoreError> {
        let row = self.state.group(self.connection, no.0)?;
        Ok((row.group, self.state.limits(&row)))
    }

    fn set_group(&mut self, group: &Group) {
        self.state.set_usage(group);
    }

    fn hold(&mut self, id: u128) -> Result<Option<Hold>, StoreError> {
        Ok(self.state.hold(self.connection, id)?)
    }

    fn set_hold(&mut self, hold: &Hold) {
        self.state.set_hold(hold);
    }

    fn entry(&mut self, id: u128) -> Result<Option<StoredEntry>, StoreError> {
        let Some(first) = self.find_entry(id)? else { return Ok(None) };
        let rows = lines_of(self.connection, self.state, first)?;
        journal::stored_entry(&rows, |placed| self.hold_id(placed)).map(Some)
    }

    fn next_line(&self) -> u64 {
        self.state.next_line
    }

    fn append(&mut self, line: &Line, entry: &Entry, step: Option<&Step>) {
        let header = (line.entry == line.seq).then(|| Header::of(entry, self.state.moment.now));
        let asked = Asked::of(entry, step, line);
        if let Some(header) = &header {
            self.state.entries.insert(header.id, line.seq);
        }
        self.state.lines.push(JournalLine { line: *line, header, asked });
        self.state.next_line += 1;
        self.state.undo.push(Undo::Line);
    }

    fn mark(&mut self) -> usize {
        self.state.undo.len()
    }

    fn undo_to(&mut self, mark: usize) {
        sql::GroupState::undo_to(self.state, mark);
    }
}

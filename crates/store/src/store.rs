//! The store of one tenant: open it, write units of work, read snapshots.

mod reads;

use crate::calendar::TenantClock;
use crate::error::StoreError;
use crate::grounds::Grounds;
use crate::head;
use crate::heard::{Ear, Lookout, Pulse};
use crate::keys::{self, KeyDigest};
use crate::published::Published;
use crate::state::{Fixed, Hint, State, entry_hash};
use crate::tenant::{self, Tenant, TenantSettings};
use crate::uow::{Outcome, Uow};
use crate::{outbox, recovery};
use ledger::{Entry, Posted};
use sql::{
    Connection, Database, DirectoryLock, Lane, Limits, LockError, Migration, MigrationError, ReadLimits, Readers,
    Reading, SqlError, Verdict, Writer,
};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use vocabulary::{Clock, ErrorCode, Timestamp, ZoneName};

/// How a store is opened.
pub struct Options {
    /// The data directory, one for each tenant.
    pub directory: PathBuf,
    /// The database on a server; nothing for the embedded one in the directory.
    pub server: Option<Database>,
    /// The whole schema's history: [`crate::MIGRATIONS`] first, then the bank's.
    pub migrations: Vec<Migration>,
    /// The clock beneath the tenant's.
    pub clock: Arc<dyn Clock>,
    /// What to write when the store is new.
    pub tenant: TenantSettings,
    /// Sizes of the writer's queue and groups.
    pub limits: Limits,
    /// How many read at a time, and how long.
    pub reads: ReadLimits,
    /// The writer's page cache in KiB.
    pub cache_kib: u32,
}

/// Why a store cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The directory is in use or unusable.
    Lock(LockError),
    /// The schema cannot be brought up to date.
    Migration(MigrationError),
    /// The zone of a new tenant does not exist.
    Zone,
    /// The database failed.
    Store(StoreError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock(_) => f.write_str("the data directory cannot be opened"),
            Self::Migration(_) => f.write_str("the schema cannot be brought up to date"),
            Self::Zone => f.write_str("a time zone is named as in the IANA database, such as Asia/Shanghai"),
            Self::Store(_) => f.write_str("the database cannot be read"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lock(error) => Some(error),
            Self::Migration(error) => Some(error),
            Self::Zone => None,
            Self::Store(error) => Some(error),
        }
    }
}

impl From<SqlError> for OpenError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

pub(crate) struct Inner {
    // Fields drop in this order: the writer drains before the lock goes.
    pub(crate) writer: Writer<State>,
    readers: Readers,
    /// For reading a row or two on the caller's thread: never behind a snapshot that reads a lot.
    look_ups: Readers,
    published: Arc<Published>,
    clock: Arc<TenantClock>,
    tenant: Tenant,
    events: watch::Receiver<u64>,
    pub(crate) ear: Arc<Ear>,
    /// On a server.
    pub(crate) lookout: Option<(Arc<Lookout>, Pulse)>,
    _lock: DirectoryLock,
}

/// A handle to a tenant's store; cheap to clone. The last one dropped drains the writer and releases the directory.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    /// What the first unit of this handle rests on.
    pub(crate) grounds: Option<Arc<Grounds>>,
}

/// The most transfers (steps of entries) in one call of [`Store::bulk`]: others wait while they are posted.
pub const BULK_MOST: usize = 10_000;

/// What each entry of a bulk posting came to.
pub type BulkResults = Vec<Result<Posted, ledger::Refusal>>;

/// A bulk posting of more than [`BULK_MOST`] transfers: nothing was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// So many were asked for.
    pub asked: usize,
}

impl TooMany {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        ErrorCode::TooManyAtOnce
    }
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} transfers in one call; at most {BULK_MOST} are posted at once", self.asked)
    }
}

/// The longest that somebody waits for an answer while the server of a database is away.
const ANSWER_TIME: std::time::Duration = std::time::Duration::from_secs(20);

impl Store {
    /// Opens (and when new creates) the store in a directory: lock, migrate, recover.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: Options) -> Result<Self, OpenError> {
        // On a server nodes share the database, and each has its own directory.
        let lock = DirectoryLock::take(&options.directory).map_err(OpenError::Lock)?;
        let embedded = || Database::File(options.directory.join(sql::FILE_NAME));
        let database = options.server.clone().unwrap_or_else(embedded);
        // Before anything opens the file: recovery would silently end the log at the first damage.
        if let Database::File(file) = &database {
            sql::check_log(file)?;
        }
        let connection = database.open_writer(options.cache_kib)?;
        sql::migrate(&connection, &options.migrations).map_err(OpenError::Migration)?;
        let tenant = read_or_create(&connection, &options)?;
        if database.is_server() {
            head::create(&connection)?;
        }
        let recorded = recovery::last_recorded(&connection)?.max(tenant.created);
        let clock = Arc::new(TenantClock::new(options.clock, tenant.clock_offset, recorded));
        let published = Arc::new(Published::new(0));
        let (sender, events) = watch::channel(outbox::last(&connection)?);
        let (sender, ear) = (Arc::new(sender), Arc::new(Ear::new()));
        let fixed = Fixed {
            database: database.clone(),
            node: node_number(),
            clock: Arc::clone(&clock),
            zone: tenant.zone.clone(),
            published: Arc::clone(&published),
            events: Arc::clone(&sender),
            ear: Arc::clone(&ear),
        };
        let state = recovery::load(&connection, fixed)?;
        let writer = Writer::start(&database, connection, state, options.limits)?;
        let readers = Readers::new(database.clone(), options.reads);
        let look_ups = Readers::new(database.clone(), look_ups_of(&database, options.reads));
        let lookout = if database.is_server() {
            let lookout = Arc::new(Lookout::new(database, Arc::clone(&ear), sender, Arc::clone(&clock)));
            Some((Arc::clone(&lookout), Pulse::start(lookout)?))
        } else {
            None
        };
        let inner = Inner { writer, readers, look_ups, published, clock, tenant, events, ear, lookout, _lock: lock };
        Ok(Self { inner: Arc::new(inner), grounds: None })
    }

    /// Runs a unit of work and waits until it is committed. The closure may run twice; it has no side effect outside `uow`.
    ///
    /// # Errors
    /// Trouble: then nothing was kept, except with [`StoreError::Unknown`].
    pub async fn write<T, R, F>(&self, body: F) -> Result<Outcome<T, R>, StoreError>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, R>, StoreError> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        self.run(Vec::new(), body).await
    }

    /// As [`Store::write`], of a closure that is going to recall these keys: a server is asked for those of many units at once.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_recalling<T, R, F>(&self, keys: &[KeyDigest], body: F) -> Result<Outcome<T, R>, StoreError>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, R>, StoreError> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        self.run(hints(keys), body).await
    }

    async fn run<T, R, F>(&self, hints: Vec<Hint>, body: F) -> Result<Outcome<T, R>, StoreError>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, R>, StoreError> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        self.inner.writer.pass_turn();
        let answer = self.submit(Lane::Interactive, hints, body);
        let answer = if self.is_by_hand() { self.inner.writer.wait(answer) } else { answer.await.ok() };
        self.kept(answer.ok_or(StoreError::Unknown)??)
    }

    /// Once a unit is committed, and not before: a group that fails may run again, on other grounds.
    fn kept<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Some(grounds), Ok(_)) = (&self.grounds, &result) {
            grounds.spend();
        }
        result
    }

    /// As [`Store::write_recalling`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_recalling_blocking<T, R, F>(&self, keys: &[KeyDigest], body: F) -> Result<Outcome<T, R>, StoreError>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, R>, StoreError> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        self.inner.writer.pass_turn();
        let answer = self.submit(Lane::Interactive, hints(keys), body);
        self.kept(self.inner.writer.wait(answer).ok_or(StoreError::Unknown)??)
    }

    /// As [`Store::write`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T, R, F>(&self, body: F) -> Result<Outcome<T, R>, StoreError>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, R>, StoreError> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        self.write_recalling_blocking(&[], body)
    }

    #[expect(clippy::type_complexity, reason = "the channel's answer: writer trouble around the unit's own result")]
    fn submit<T, R, F>(
        &self,
        lane: Lane,
        hints: Vec<Hint>,
        mut body: F,
    ) -> tokio::sync::oneshot::Receiver<Result<Result<Outcome<T, R>, StoreError>, sql::UnitError>>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, R>, StoreError> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        let grounds = self.grounds.clone();
        self.inner.writer.submit_expecting(lane, hints, move |unit| {
            if let Some(grounds) = &grounds
                && let Err(error) = grounds.stand(unit.state.fixed.ear.count(), Reading::of(unit.reading()))
            {
                return (Verdict::Undo, Err(error));
            }
            let lines = unit.state.lines.len();
            let mut result = body(&mut Uow::new(unit));
            if matches!(result, Ok(Outcome::Refused(_))) && unit.state.lines.len() > lines {
                result = Err(StoreError::Bug("a refusal moved or held money".to_owned()));
            }
            let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
            (verdict, result)
        })
    }

    /// Posts independent entries, up to [`BULK_MOST`] transfers, in one group, in the bulk lane. One result for each, in order.
    ///
    /// # Errors
    /// Trouble: then none was posted. `Overloaded` when enough chunks wait already.
    pub async fn bulk(&self, entries: Vec<Entry>) -> Result<Outcome<BulkResults, TooMany>, StoreError> {
        let asked = entries.iter().map(|entry| entry.steps.len()).sum();
        if asked > BULK_MOST {
            return Ok(Outcome::Refused(TooMany { asked }));
        }
        let hints =
            entries.iter().filter(|entry| !entry.fresh).map(|entry| Hint::Entry(entry_hash(entry.id))).collect();
        let outcome = self.submit(Lane::Bulk, hints, move |uow| {
            let mut results = Vec::with_capacity(entries.len());
            for entry in &entries {
                results.push(uow.post(entry)?);
            }
            Ok(Outcome::Done(results))
        });
        let outcome = if self.is_by_hand() { self.inner.writer.wait(outcome) } else { outcome.await.ok() };
        outcome.ok_or(StoreError::Unknown)??
    }

    /// The tenant's present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The tenant's clock.
    #[must_use]
    pub fn clock(&self) -> Arc<TenantClock> {
        Arc::clone(&self.inner.clock)
    }

    /// The tenant's row as it was when the store was opened.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.inner.tenant
    }

    /// The tenant's zone.
    #[must_use]
    pub fn zone(&self) -> &ZoneName {
        &self.inner.tenant.zone
    }

    /// Changes whenever events were committed; its value is the last event's number.
    #[must_use]
    pub fn events(&self) -> watch::Receiver<u64> {
        self.inner.events.clone()
    }

    /// How many units wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.writer.waiting()
    }

    /// Moves a sandbox's clock forward to a moment. False when it is no sandbox or the moment is not later than now.
    ///
    /// # Errors
    /// Trouble: then the clock was not moved.
    pub async fn move_clock(&self, to: Timestamp) -> Result<bool, StoreError> {
        if to <= self.now() || !self.inner.tenant.settings.sandbox {
            return Ok(false);
        }
        let offset = self.inner.clock.offset_to(to);
        self.write(move |uow| {
            uow.execute(tenant::RAISE_OFFSET, sql::params![offset])?;
            uow.terms_changed();
            Ok(Outcome::<(), ()>::Done(()))
        })
        .await?;
        self.inner.clock.raise_offset(offset);
        Ok(true)
    }

    /// Writes every dirty row to the tables, so that the next start folds nothing. For an orderly stop and before a backup.
    ///
    /// # Errors
    /// Trouble.
    pub fn settle_blocking(&self) -> Result<(), StoreError> {
        self.write_blocking(|uow| {
            uow.flush_all();
            Ok(Outcome::<(), ()>::Done(()))
        })?;
        Ok(())
    }

    /// Copies the committed state into a new file while the store is in use, and checks the copy.
    ///
    /// # Errors
    /// When the destination exists, or the copy fails its check.
    pub fn backup_blocking(&self, destination: &Path) -> Result<(), sql::BackupError> {
        let Database::File(file) = self.inner.readers.database() else { return Err(sql::BackupError::OfServer) };
        sql::copy_to(&Connection::open_copier(file)?, destination)?;
        sql::check_file(destination)
    }
}

/// Looking a row up takes less than making a connection to a server: there a few are kept, and who finds none waits.
fn look_ups_of(database: &Database, limits: ReadLimits) -> ReadLimits {
    if database.is_server() { ReadLimits { most: limits.keep, ..limits } } else { limits }
}

fn hints(keys: &[KeyDigest]) -> Vec<Hint> {
    keys.iter().map(|key| Hint::Key(keys::hash(key))).collect()
}

/// A number that no other node draws.
fn node_number() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

fn read_or_create(connection: &Connection, options: &Options) -> Result<Tenant, OpenError> {
    if let Some(tenant) = tenant::read(connection)? {
        return Ok(tenant);
    }
    ZoneName::parse(&options.tenant.zone).map_err(|_| OpenError::Zone)?;
    tenant::create(connection, &options.tenant, options.clock.now()).map_err(OpenError::Store)?;
    tenant::read(connection)?.ok_or(OpenError::Store(StoreError::Corrupt { table: "tenant", finding: "no row" }))
}

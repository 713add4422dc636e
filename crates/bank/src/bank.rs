//! The bank: one tenant's store, keys, clock, policies and ports, opened together.

use crate::audit::{Keeper, Origin};
use crate::chart::Chart;
use crate::currencies::Currencies;
use crate::desk::{Desk, Fixtures};
use crate::error::BankError;
use crate::known::{Caches, Known};
use crate::policies::{Policies, PolicyBook};
use crate::sealed::Sealing;
use crate::sessions::seen::Seen;
use crate::{accounting, entries, rail_feed, sealed, sweep};
use money::Currency;
use ports::{BankRail, CardVault, KeyVault, Notifier};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, PoisonError};
use store::{Ground, Heard, OpenError, Outcome, Store, StoreError, TenantSettings};
use vocabulary::{Clock, Draw, Entropy, Id, Kind, Timestamp};

/// How a bank is opened.
pub struct BankOptions {
    /// The data directory.
    pub directory: PathBuf,
    /// The database on a server; nothing for the embedded one in the directory.
    pub server: Option<store::Database>,
    /// The clock beneath the tenant's.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// The key vault.
    pub vault: Arc<dyn KeyVault>,
    /// The bank rail.
    pub rail: Arc<dyn BankRail>,
    /// The notifier.
    pub notifier: Arc<dyn Notifier>,
    /// The card vault; nothing when the bank keeps no cards.
    pub card_vault: Option<Arc<dyn CardVault>>,
    /// The zone of a new bank, such as `Asia/Shanghai`.
    pub zone: String,
    /// Whether a new bank is a sandbox, whose clock can be moved.
    pub sandbox: bool,
    /// Currencies in which accounts are offered.
    pub currencies: Vec<Currency>,
    /// The tenant's own units of value.
    pub units: Vec<Currency>,
    /// Sizes of the writer's queue and groups.
    pub limits: store::Limits,
    /// The writer's page cache in KiB.
    pub cache_kib: u32,
}

/// Why a bank cannot be opened.
#[derive(Debug)]
pub enum BankOpenError {
    /// The store cannot be opened.
    Open(OpenError),
    /// The vault's keys are those of another bank.
    OtherKeys,
    /// What a bank needs could not be read or written.
    Prepare(BankError),
}

impl fmt::Display for BankOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(_) => f.write_str("the bank's store cannot be opened"),
            Self::OtherKeys => f.write_str(
                "the database was made with other keys than those of the data directory's key file: put the key file of this \
                 bank there (every node has a copy of it), or name the database of the bank whose keys these are",
            ),
            Self::Prepare(_) => f.write_str("the bank's keys, policies or own accounts cannot be prepared"),
        }
    }
}

impl std::error::Error for BankOpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            Self::OtherKeys => None,
            Self::Prepare(error) => Some(error),
        }
    }
}

impl From<BankError> for BankOpenError {
    fn from(error: BankError) -> Self {
        Self::Prepare(error)
    }
}

impl From<StoreError> for BankOpenError {
    fn from(error: StoreError) -> Self {
        Self::Prepare(error.into())
    }
}

struct Inner {
    known: Arc<Known>,
    vault: Arc<dyn KeyVault>,
    rail: Arc<dyn BankRail>,
    notifier: Arc<dyn Notifier>,
    card_vault: Option<Arc<dyn CardVault>>,
    ear: rail_feed::Ear,
    keeper: Arc<Keeper>,
}

/// Hears from now on what other nodes change, and catches up with what they changed while the bank was opened.
fn listen(store: &Store, known: &Arc<Known>) -> Result<(), StoreError> {
    if !store.has_other_nodes() {
        return Ok(());
    }
    let told = Arc::clone(known);
    store.listen(Box::new(move |heard, reading| told.hear(heard, reading)));
    store.read_blocking(|snapshot| known.hear(&Heard::Everything, snapshot.reading()))
}

/// One tenant. Cheap to clone.
#[derive(Clone)]
pub struct Bank {
    inner: Arc<Inner>,
    /// Of one request's handle the first unit rests on grounds, see [`Bank::fresh`].
    store: Store,
    /// Of one request's handle: where it comes from.
    origin: Option<Arc<Origin>>,
}

impl Bank {
    /// Opens (and when new creates) the bank in a data directory. Blocks.
    ///
    /// # Errors
    /// See [`BankOpenError`].
    pub fn open(options: BankOptions) -> Result<Self, BankOpenError> {
        let BankOptions { entropy, vault, rail, notifier, card_vault, .. } = options;
        let store = Store::open(store::Options {
            directory: options.directory,
            server: options.server,
            migrations: crate::migrations(),
            clock: options.clock,
            tenant: TenantSettings {
                id: u128::from_be_bytes(entropy.bytes()),
                zone: options.zone,
                sandbox: options.sandbox,
            },
            limits: options.limits,
            reads: store::ReadLimits::default(),
            cache_kib: options.cache_kib,
        })
        .map_err(BankOpenError::Open)?;
        if !sealed::belonging::fits(&store, vault.as_ref(), entropy.as_ref())? {
            return Err(BankOpenError::OtherKeys);
        }
        let currencies = Arc::new(Currencies::new(options.currencies, options.units));
        let keeper = Arc::new(Keeper::open(vault.as_ref(), entropy.as_ref())?);
        let sealing = Sealing::open(Arc::clone(&vault), Arc::clone(&entropy))?;
        let book = PolicyBook::prepare(&store, entropy.as_ref(), &currencies)?;
        let policies = Arc::new(book.resolve(store.now())?);
        let chart = Arc::new(Chart::default());
        chart.prepare(&store, &currencies)?;
        let closed = store.read_blocking(|snapshot| entries::closed_through(snapshot.reading()))?;
        let closed_through = AtomicI32::new(closed.map_or(i32::MIN / 2, |day| day.days()));
        let zone = store.zone().clone();
        let clock = store.clock();
        let fixtures = Arc::new(Fixtures { clock, entropy, sealing, chart, currencies, zone, closed_through });
        store.write_blocking(|uow| {
            rail_feed::begin(uow)?;
            accounting::begin(uow)?;
            sweep::begin(uow)?;
            Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
        })?;
        let known = Arc::new(Known::new(fixtures, (book, policies)));
        listen(&store, &known)?;
        let inner = Inner { known, vault, rail, notifier, card_vault, ear: rail_feed::Ear::default(), keeper };
        let bank = Self { inner: Arc::new(inner), store, origin: None };
        crate::settlement::start(&bank)?;
        Ok(bank)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A handle for one request or job. What it finds in memory lags behind other nodes by [`store::TRUST`] at most, and its first
    /// unit of work is refused (`unavailable`, or `unauthenticated`) when the policies, the merchant's terms, or the session, key
    /// or token that it found are others where the unit decides. On the embedded database it is the same handle.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fresh(&self) -> Result<Self, BankError> {
        Ok(self.on(self.store.fresh().await?))
    }

    /// As [`Bank::fresh`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Bank::fresh`].
    pub fn fresh_blocking(&self) -> Result<Self, BankError> {
        Ok(self.on(self.store.fresh_blocking()?))
    }

    fn on(&self, store: Store) -> Self {
        if store.has_other_nodes() {
            let (known, rows) = (Arc::clone(&self.inner.known), self.inner.known.policy_rows());
            store.rely(Ground::Rule, move |_| Ok(known.policy_rows() == rows));
        }
        Self { inner: Arc::clone(&self.inner), store, origin: self.origin.clone() }
    }

    /// A handle for one request, which the audit log is told the origin of.
    #[must_use]
    pub fn of(&self, origin: Arc<Origin>) -> Self {
        Self { origin: Some(origin), ..self.clone() }
    }

    /// Where the request comes from that this handle is for.
    #[must_use]
    pub const fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// The random source.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        self.inner.known.fixtures.entropy.as_ref()
    }

    /// The tenant's present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// The key vault.
    #[must_use]
    pub fn vault(&self) -> &Arc<dyn KeyVault> {
        &self.inner.vault
    }

    /// The bank rail.
    #[must_use]
    pub fn rail(&self) -> &Arc<dyn BankRail> {
        &self.inner.rail
    }

    /// The notifier.
    #[must_use]
    pub fn notifier(&self) -> &Arc<dyn Notifier> {
        &self.inner.notifier
    }

    /// The card vault, if the bank keeps cards.
    #[must_use]
    pub fn card_vault(&self) -> Option<&Arc<dyn CardVault>> {
        self.inner.card_vault.as_ref()
    }

    /// Keys and keyed hashes.
    #[must_use]
    pub fn sealing(&self) -> &Sealing {
        &self.inner.known.fixtures.sealing
    }

    /// A fresh id. Draw ids before the unit of work.
    #[must_use]
    pub fn new_id<K: Kind>(&self) -> Id<K> {
        Id::draw(self.now(), self.entropy())
    }

    /// The bank's own accounts.
    #[must_use]
    pub fn chart(&self) -> Arc<Chart> {
        Arc::clone(&self.inner.known.fixtures.chart)
    }

    /// The tenant's currencies.
    #[must_use]
    pub fn currencies(&self) -> Arc<Currencies> {
        Arc::clone(&self.inner.known.fixtures.currencies)
    }

    /// Whether this is a sandbox.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.store.tenant().settings.sandbox
    }

    /// What a closure needs, with the policies in force now.
    #[must_use]
    pub fn desk(&self) -> Desk {
        Desk { fixtures: Arc::clone(&self.inner.known.fixtures), policies: self.policies() }
    }

    /// The policies in force now.
    #[must_use]
    pub fn policies(&self) -> Arc<Policies> {
        let now = self.now();
        {
            let held = self.inner.known.policies.read().unwrap_or_else(PoisonError::into_inner);
            if held.1.valid_until.is_none_or(|until| now < until) {
                return Arc::clone(&held.1);
            }
        }
        let mut held = self.inner.known.policies.write().unwrap_or_else(PoisonError::into_inner);
        // Rows are checked before they are written: together with what is in force they always resolve.
        if let Ok(policies) = held.0.resolve(now) {
            held.1 = Arc::new(policies);
        }
        Arc::clone(&held.1)
    }

    /// Reads the policies again. Call it after a change was committed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn reload_policies(&self) -> Result<(), BankError> {
        // Not under the lock, which the writer takes when it hears of other nodes.
        let book = self.store.read_blocking(|snapshot| PolicyBook::read(snapshot.reading()))?;
        self.inner.known.take_policies(book, false)?;
        Ok(())
    }

    /// What writes the audit log.
    pub(crate) fn keeper(&self) -> Arc<Keeper> {
        Arc::clone(&self.inner.keeper)
    }

    /// Who hears the bank before a deadline decides.
    pub(crate) fn ear(&self) -> &rail_feed::Ear {
        &self.inner.ear
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.inner.known.caches
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.inner.known.seen
    }
}

//! What the bank keeps in memory of what was committed, and how it hears that another node has changed it.
//!
//! On the embedded database all changes go through this process, and whoever asks for one forgets the copy after the commit. Over
//! a server other nodes change rows too. Each unit that changes one of these says so where it writes ([`Kind`]), and every
//! node hears it before its next group decides, and else within [`store::TRUST`] (see the store's `heard.rs`). For each copy:
//!
//! | kept | where a unit decides | where something is only read |
//! |---|---|---|
//! | sessions, API keys, staff tokens | exact: the unit reads the row again if anything was heard since the request began | 100 ms |
//! | policies | exact: the unit is refused if a row came since, and the caller asks again | 100 ms |
//! | terms and status of merchants | exact: as policies; and a merchant that is not active has a frozen account | 100 ms |
//! | the last closed day | exact: read behind the head's lock, before the unit begins | 100 ms |
//! | keys of persons | a key that another node destroyed may seal or open for 100 ms | 100 ms |
//! | whether a wallet's owner confirms movements | exact: as policies | 100 ms |
//! | accounts of wallets otherwise, the chart | never change | never change |
//! | accounts, freezes, limits | exact: the ledger's own, in the store | as in the snapshot |

use crate::cache::Cache;
use crate::desk::Fixtures;
use crate::merchants::{self, MerchantAccount};
use crate::policies::{Policies, PolicyBook};
use crate::sessions::Session;
use crate::sessions::seen::Seen;
use crate::tokens::TokenHash;
use crate::wallets::WalletAccount;
use crate::{entries, staff};
use sql::Reading;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use store::{Heard, News, StoreError};
use vocabulary::Clock;

/// What other nodes may keep copies of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// One session.
    Session = 1,
    /// All sessions of a customer.
    SessionsOf = 2,
    /// An API key.
    ApiKey = 3,
    /// The tokens of a member of staff.
    Staff = 4,
    /// A merchant's terms or status.
    Merchant = 5,
    /// Policies.
    Policies = 6,
    /// The last closed day.
    Closed = 7,
    /// A person's key.
    Person = 8,
    /// Whether a customer has set a factor.
    Guarded = 9,
}

impl Kind {
    /// News of this kind about one of them.
    pub(crate) const fn of(self, subject: u128) -> News {
        News { kind: self as u8, subject }
    }
}

/// What was committed and is asked for again and again.
pub(crate) struct Caches {
    pub(crate) sessions: Cache<TokenHash, Session>,
    pub(crate) api_keys: Cache<TokenHash, merchants::ApiKey>,
    pub(crate) staff: Cache<TokenHash, staff::StaffSession>,
    pub(crate) wallets: Cache<(u128, u16), WalletAccount>,
    pub(crate) merchants: Cache<(u128, u16), MerchantAccount>,
}

impl Caches {
    fn new() -> Self {
        Self {
            sessions: Cache::new(100_000),
            api_keys: Cache::new(10_000),
            staff: Cache::new(1_000),
            wallets: Cache::new(200_000),
            merchants: Cache::new(50_000),
        }
    }
}

/// See the module.
pub(crate) struct Known {
    pub(crate) fixtures: Arc<Fixtures>,
    pub(crate) caches: Caches,
    pub(crate) seen: Seen,
    pub(crate) policies: RwLock<(PolicyBook, Arc<Policies>)>,
}

impl Known {
    pub(crate) fn new(fixtures: Arc<Fixtures>, policies: (PolicyBook, Arc<Policies>)) -> Self {
        Self { fixtures, caches: Caches::new(), seen: Seen::default(), policies: RwLock::new(policies) }
    }

    /// How many policy rows this node knows: rows are only ever added.
    pub(crate) fn policy_rows(&self) -> usize {
        self.policies.read().unwrap_or_else(PoisonError::into_inner).0.rows().len()
    }

    /// Forgets what another node has changed, or reads it again.
    pub(crate) fn hear(&self, heard: &Heard<'_>, reading: Reading<'_>) -> Result<(), StoreError> {
        match heard {
            Heard::These(news) => self.forget(news),
            Heard::Everything => self.forget_all(),
        }
        let any = |kind: Kind| match heard {
            Heard::These(news) => news.iter().any(|one| one.kind == kind as u8),
            Heard::Everything => true,
        };
        if any(Kind::Closed)
            && let Some(day) = entries::closed_through(reading)?
        {
            self.fixtures.closed_through.fetch_max(day.days(), Ordering::SeqCst);
        }
        if any(Kind::Policies) {
            let book = PolicyBook::read(reading)?;
            self.take_policies(book, matches!(heard, Heard::Everything))?;
        }
        Ok(())
    }

    /// Takes policies that were read. Of two readings the later one wins: it has more rows; unless history was cut off.
    pub(crate) fn take_policies(&self, book: PolicyBook, cut: bool) -> Result<(), StoreError> {
        let mut held = self.policies.write().unwrap_or_else(PoisonError::into_inner);
        if cut || book.rows().len() > held.0.rows().len() {
            let policies = book.resolve(self.fixtures.clock.now())?;
            *held = (book, Arc::new(policies));
        }
        Ok(())
    }

    fn forget(&self, news: &[News]) {
        let named = |kind: Kind, subject: u128| news.contains(&kind.of(subject));
        let any = |kinds: &[Kind]| news.iter().any(|one| kinds.iter().any(|kind| one.kind == *kind as u8));
        if any(&[Kind::Session, Kind::SessionsOf]) {
            self.caches.sessions.forget_where(|found| {
                named(Kind::Session, found.id.as_u128()) || named(Kind::SessionsOf, found.customer.as_u128())
            });
        }
        if any(&[Kind::ApiKey]) {
            self.caches.api_keys.forget_where(|found| named(Kind::ApiKey, found.id.as_u128()));
        }
        if any(&[Kind::Staff]) {
            self.caches.staff.forget_where(|found| named(Kind::Staff, found.staff.as_u128()));
        }
        if any(&[Kind::Merchant]) {
            self.caches.merchants.forget_where(|found| named(Kind::Merchant, found.merchant.as_u128()));
        }
        if any(&[Kind::Guarded]) {
            self.caches.wallets.forget_where(|found| named(Kind::Guarded, found.customer.as_u128()));
        }
        for one in news.iter().filter(|one| one.kind == Kind::Person as u8) {
            self.fixtures.sealing.forget(one.subject);
        }
    }

    fn forget_all(&self) {
        let Caches { sessions, api_keys, staff, wallets, merchants } = &self.caches;
        sessions.clear();
        api_keys.clear();
        staff.clear();
        // Of a history that was cut off not even what never changes is left for sure.
        wallets.clear();
        merchants.clear();
        self.fixtures.sealing.forget_all();
    }
}

//! What a closure needs of the bank: policies, own accounts, keys, calendar. It has no way to the store except its unit.
//!
//! Closures capture a desk and never the bank, so that the writer's thread never holds the last handle to its own store.

use crate::chart::Chart;
use crate::currencies::Currencies;
use crate::policies::Policies;
use crate::sealed::Sealing;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use store::TenantClock;
use vocabulary::{BookingDate, Entropy, Id, Kind, Timestamp, ZoneName};

pub(crate) struct Fixtures {
    pub(crate) clock: Arc<TenantClock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sealing: Sealing,
    pub(crate) chart: Arc<Chart>,
    pub(crate) currencies: Arc<Currencies>,
    pub(crate) zone: ZoneName,
    pub(crate) closed_through: AtomicI32,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(crate) fixtures: Arc<Fixtures>,
    pub(crate) policies: Arc<Policies>,
}

impl Desk {
    /// The policies as they stood when the desk was taken.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The bank's own accounts.
    #[must_use]
    pub fn chart(&self) -> &Chart {
        &self.fixtures.chart
    }

    /// The tenant's currencies.
    #[must_use]
    pub fn currencies(&self) -> &Currencies {
        &self.fixtures.currencies
    }

    /// Keys and keyed hashes.
    #[must_use]
    pub fn sealing(&self) -> &Sealing {
        &self.fixtures.sealing
    }

    /// The random source.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        self.fixtures.entropy.as_ref()
    }

    /// The tenant's zone.
    #[must_use]
    pub fn zone(&self) -> &ZoneName {
        &self.fixtures.zone
    }

    /// A fresh id.
    #[must_use]
    pub fn new_id<K: Kind>(&self, now: Timestamp) -> Id<K> {
        Id::draw(now, self.entropy())
    }

    /// The last booking day that is closed.
    #[must_use]
    pub fn closed_through(&self) -> BookingDate {
        BookingDate::from_days(self.fixtures.closed_through.load(Ordering::SeqCst))
    }

    pub(crate) fn raise_closed(&self, day: BookingDate) {
        self.fixtures.closed_through.fetch_max(day.days(), Ordering::SeqCst);
    }
}

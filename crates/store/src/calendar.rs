//! The tenant's clock and calendar: one reading for each unit, never backwards, and the day, month and year around it.

use ledger::Moment;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vocabulary::{BookingDate, Clock, Timestamp, ZoneName};

/// The tenant's time: the clock given to it, moved forward by a sandbox's offset, never backwards.
pub struct TenantClock {
    base: Arc<dyn Clock>,
    offset: AtomicI64,
    latest: AtomicI64,
}

impl TenantClock {
    /// `recorded` is the newest moment in the books: a machine that comes back with a slower clock does not go before it, or
    /// a day's limits could be used a second time.
    pub(crate) fn new(base: Arc<dyn Clock>, offset: i64, recorded: Timestamp) -> Self {
        Self { base, offset: AtomicI64::new(offset), latest: AtomicI64::new(recorded.micros()) }
    }

    /// Never before a moment that another node has recorded.
    pub(crate) fn advance_to(&self, moment: Timestamp) {
        self.latest.fetch_max(moment.micros(), Ordering::SeqCst);
    }

    /// Of two moves at once the farther one stands.
    pub(crate) fn raise_offset(&self, offset: i64) {
        self.offset.fetch_max(offset, Ordering::SeqCst);
    }

    /// The offset that makes it `to` now; the clock may be standing still ahead of its base.
    pub(crate) fn offset_to(&self, to: Timestamp) -> i64 {
        to.micros().saturating_sub(self.base.now().micros())
    }
}

impl Clock for TenantClock {
    fn now(&self) -> Timestamp {
        let now = self.base.now().micros().saturating_add(self.offset.load(Ordering::SeqCst));
        // A step back of the machine's clock must not reorder what was recorded.
        let before = self.latest.fetch_max(now, Ordering::SeqCst);
        if sql::has_defect("clock-goes-back") {
            return Timestamp::from_micros(now);
        }
        Timestamp::from_micros(before.max(now))
    }
}

/// The calendar around a moment, in the tenant's zone.
pub(crate) fn moment(zone: &ZoneName, now: Timestamp) -> Moment {
    let day = zone.day_of(now);
    let (year, month, _) = day.ymd();
    let month_index = i32::from(year) * 12 + i32::from(month) - 1;
    let first = |index: i32| {
        let year = i16::try_from(index.div_euclid(12)).unwrap_or(i16::MAX);
        let month = i8::try_from(index.rem_euclid(12) + 1).unwrap_or(1);
        BookingDate::from_ymd(year, month, 1).unwrap_or(day)
    };
    Moment {
        now,
        day: day.days(),
        month: month_index,
        year: i32::from(year),
        next_day: zone.start_of(day.plus_days(1)),
        next_month: zone.start_of(first(month_index + 1)),
        next_year: zone.start_of(first((i32::from(year) + 1) * 12)),
    }
}

//! The outbox: I10, numbers from 1 without gaps.

use crate::Progress;
use crate::difference::{Place, Stop};
use crate::scan::{Snapshot, tell};

pub(crate) fn check(snapshot: &Snapshot, progress: &mut dyn FnMut(Progress)) -> Result<u64, Stop> {
    let of = u64::try_from(snapshot.number("SELECT count(*) FROM event", &[])?).unwrap_or(0);
    let mut events = 0_u64;
    snapshot.scan("event", "SELECT no, kind, version, subject FROM event ORDER BY no", &[], |row| {
        let no = row.int(0)?;
        let expected = i64::try_from(events).unwrap_or(i64::MAX) + 1;
        let place = Place { invariant: "I10", table: "event", row: expected };
        place.same("no", expected, no)?;
        place.that(!row.text(1)?.is_empty(), "kind", "a name", "nothing")?;
        place.that(row.int(2)? > 0, "version", "1 or more", row.int(2)?)?;
        row.u128(3)?;
        events += 1;
        tell(progress, "event", events, of);
        Ok(())
    })?;
    Ok(events)
}

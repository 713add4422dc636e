//! Slices: the store's blobs of 256 accounts or limit groups, read here by the format's description alone.
//!
//! A blob is a version byte (1) and rows one after another; the row with number `no` (from 1, without gaps) is in slice
//! `(no - 1) / 256`. A row is a fixed sequence of integers: seven bits to a byte, the lowest first, the eighth says that more
//! follow; signed ones are doubled, less one when negative (zigzag).

use crate::difference::{Place, Stop};
use crate::scan::Snapshot;

const VERSION: u8 = 1;
const ROWS: i64 = 256;

/// What is left of a blob, and where it stands.
pub(crate) struct Numbers<'a> {
    left: &'a [u8],
    place: Place,
}

impl Numbers<'_> {
    /// The next unsigned number.
    pub(crate) fn unsigned(&mut self) -> Result<i64, Stop> {
        let length = self.left.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let Some((number, rest)) = self.left.split_at_checked(length).filter(|_| length <= 10) else {
            return Err(self.place.differs("rows", "a whole number", "the end of the blob"));
        };
        self.left = rest;
        let value = number.iter().rev().fold(0_u128, |value, byte| value << 7 | u128::from(byte & 0x7F));
        u64::try_from(value).map(u64::cast_signed).map_err(|_| self.place.differs("rows", "a number of 64 bits", value))
    }

    /// The next signed number.
    pub(crate) fn signed(&mut self) -> Result<i64, Stop> {
        let doubled = self.unsigned()?.cast_unsigned();
        let half = (doubled / 2).cast_signed();
        Ok(if doubled % 2 == 1 { -1 - half } else { half })
    }
}

/// Calls `visit` with each row of a table of slices, by number; returns how many there are.
pub(crate) fn each(
    snapshot: &Snapshot,
    table: &'static str,
    mut visit: impl FnMut(i64, &mut Numbers<'_>) -> Result<(), Stop>,
) -> Result<i64, Stop> {
    let (mut slices, mut rows) = (0, 0);
    // The last group of nodes that share the database; an embedded one has none, and its slices no version.
    let groups = snapshot.number("SELECT max(grp) FROM head", &[])?;
    snapshot.scan(table, &format!("SELECT no, rows, version FROM {table} ORDER BY no"), &[], |row| {
        let (slice, bytes) = (row.int(0)?, row.blob(1)?);
        let place = Place { invariant: "form", table, row: slice };
        place.same("no", slices, slice)?;
        let version = row.int(2)?;
        place.that((0..=groups).contains(&version), "version", format!("0 to {groups}"), version)?;
        place.same("rows before", slices * ROWS, rows)?;
        slices += 1;
        place.same("version", Some(&VERSION), bytes.first())?;
        let mut numbers = Numbers { left: &bytes[1..], place };
        while !numbers.left.is_empty() {
            rows += 1;
            place.that(rows <= slices * ROWS, "rows", "at most 256", rows)?;
            visit(rows, &mut numbers)?;
        }
        Ok(())
    })?;
    Ok(rows)
}

//! Limit groups: whose limits bind which accounts, and what was used. Limits come from a profile (shared, set by policy) and
//! may be lowered for one group (the customer's own). What was used stands in `group_slice` (see `slices`).

use crate::slices::{Decoder, Encoder, Sliced};
use ledger::{Group, GroupNo, LimitSet};
use sql::{Connection, Param, Row, SqlError};

const LIMITS: &str = "out_movement, out_day, out_month, out_year, in_movement, in_day, in_month, in_year, balance";

fn read_limits(row: &Row<'_>, from: usize) -> Result<LimitSet, SqlError> {
    let four = |start: usize| -> Result<[Option<i64>; 4], SqlError> {
        Ok([row.opt_int(start)?, row.opt_int(start + 1)?, row.opt_int(start + 2)?, row.opt_int(start + 3)?])
    };
    Ok(LimitSet { out: four(from)?, into: four(from + 4)?, balance: row.opt_int(from + 8)? })
}

fn limit_params(no: u64, limits: &LimitSet) -> [Param<'static>; 10] {
    let mut params = [Param::from(no); 10];
    let values = limits.out.iter().chain(&limits.into).chain(std::iter::once(&limits.balance));
    for (param, value) in params[1..].iter_mut().zip(values) {
        *param = Param::from(*value);
    }
    params
}

pub(crate) fn profiles(connection: &Connection) -> Result<Vec<(u64, LimitSet)>, SqlError> {
    let sql = format!("SELECT no, {LIMITS} FROM limit_profile");
    connection.query(&sql, &[], |row| Ok((row.small(0)?, read_limits(row, 1)?)))
}

pub(crate) fn own_limits(connection: &Connection) -> Result<Vec<(u64, LimitSet)>, SqlError> {
    let sql = format!("SELECT no, {LIMITS} FROM limit_own");
    connection.query(&sql, &[], |row| Ok((row.small(0)?, read_limits(row, 1)?)))
}

pub(crate) const SET_PROFILE: &str = "INSERT INTO limit_profile(no, out_movement, out_day, out_month, out_year, in_movement, \
    in_day, in_month, in_year, balance) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (no) DO UPDATE SET \
    out_movement = ?2, out_day = ?3, out_month = ?4, out_year = ?5, in_movement = ?6, in_day = ?7, in_month = ?8, \
    in_year = ?9, balance = ?10";
pub(crate) const SET_OWN: &str = "INSERT INTO limit_own(no, out_movement, out_day, out_month, out_year, in_movement, \
    in_day, in_month, in_year, balance) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (no) DO UPDATE SET \
    out_movement = ?2, out_day = ?3, out_month = ?4, out_year = ?5, in_movement = ?6, in_day = ?7, in_month = ?8, \
    in_year = ?9, balance = ?10";

pub(crate) fn profile_params(no: u32, limits: &LimitSet) -> [Param<'static>; 10] {
    limit_params(u64::from(no), limits)
}

pub(crate) fn own_params(no: GroupNo, limits: &LimitSet) -> [Param<'static>; 10] {
    limit_params(no.0, limits)
}

/// A group and the number of its profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupRow {
    pub(crate) group: Group,
    pub(crate) profile: u32,
}

/// A group in memory, in 72 bytes; the year follows from the month.
#[derive(Clone, Copy)]
pub(crate) struct PackedGroup {
    out: [i64; 3],
    into: [i64; 3],
    last: u64,
    day: i32,
    month: i32,
    profile: u32,
}

impl Sliced for GroupRow {
    type Packed = PackedGroup;
    const SELECT: &'static str = "SELECT rows FROM group_slice WHERE no = ?1";
    const WRITE: &'static str = "INSERT INTO group_slice(no, rows, version) VALUES (?1, ?2, ?3) \
        ON CONFLICT (no) DO UPDATE SET rows = excluded.rows, version = excluded.version";
    const SINCE: &'static str = "SELECT no, rows FROM group_slice WHERE version > ?1 ORDER BY no";

    fn pack(&self) -> PackedGroup {
        let Group { day, month, out, into, last, .. } = self.group;
        PackedGroup { out, into, last, day, month, profile: self.profile }
    }

    fn unpack(no: u64, packed: &PackedGroup) -> Self {
        let PackedGroup { out, into, last, day, month, profile } = *packed;
        Self { group: Group { no: GroupNo(no), day, month, year: month.div_euclid(12), out, into, last }, profile }
    }

    fn encode(packed: &PackedGroup, to: &mut Encoder<'_>) {
        to.unsigned(u64::from(packed.profile));
        to.signed(i64::from(packed.day));
        to.signed(i64::from(packed.month));
        for used in packed.out.iter().chain(&packed.into) {
            to.signed(*used);
        }
        to.unsigned(packed.last);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<PackedGroup, SqlError> {
        let small = |value: i64| i32::try_from(value).map_err(|_| SqlError::Corrupt("a group's window"));
        let profile = from.small()?;
        let (day, month) = (small(from.signed()?)?, small(from.signed()?)?);
        let out = [from.signed()?, from.signed()?, from.signed()?];
        let into = [from.signed()?, from.signed()?, from.signed()?];
        Ok(PackedGroup { out, into, last: from.unsigned()?, day, month, profile })
    }
}

pub(crate) const INSERT: &str = "INSERT INTO limit_group(no, profile, owner) VALUES (?1, ?2, ?3)";
pub(crate) const CHANGE: &str = "UPDATE limit_group SET profile = ?2 WHERE no = ?1";

/// The lower of two sets, limit by limit.
pub(crate) fn lower(a: &LimitSet, b: &LimitSet) -> LimitSet {
    let pick = |a: Option<i64>, b: Option<i64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    };
    let four = |a: &[Option<i64>; 4], b: &[Option<i64>; 4]| std::array::from_fn(|i| pick(a[i], b[i]));
    LimitSet { out: four(&a.out, &b.out), into: four(&a.into, &b.into), balance: pick(a.balance, b.balance) }
}

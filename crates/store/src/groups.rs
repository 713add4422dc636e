//! Limit groups: whose limits bind which accounts, and what was used. Limits come from a profile (shared, set by policy) and
//! may be lowered for one group (the customer's own).

use ledger::{Group, GroupNo, LimitSet};
use sql::{Connection, Param, Prepared, Row, SqlError};

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

pub(crate) fn by_no(connection: &Connection, no: GroupNo) -> Result<Option<GroupRow>, SqlError> {
    let sql = "SELECT profile, day, month, year, out_day, out_month, out_year, in_day, in_month, in_year, last \
        FROM limit_group WHERE no = ?1";
    connection.query_opt(sql, sql::params![no.0], |row| {
        let three = |start: usize| -> Result<[i64; 3], SqlError> {
            Ok([row.int(start)?, row.int(start + 1)?, row.int(start + 2)?])
        };
        let group = Group {
            no,
            day: row.small(1)?,
            month: row.small(2)?,
            year: row.small(3)?,
            out: three(4)?,
            into: three(7)?,
            last: row.small(10)?,
        };
        Ok(GroupRow { group, profile: row.small(0)? })
    })
}

pub(crate) const INSERT: &str = "INSERT INTO limit_group(no, profile, owner, day, month, year, out_day, out_month, out_year, \
    in_day, in_month, in_year, last) VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)";
pub(crate) const CHANGE: &str = "UPDATE limit_group SET profile = ?2 WHERE no = ?1";

pub(crate) const WRITE_USAGE: &str = "UPDATE limit_group SET day = ?2, month = ?3, year = ?4, out_day = ?5, \
    out_month = ?6, out_year = ?7, in_day = ?8, in_month = ?9, in_year = ?10, last = ?11 WHERE no = ?1";

/// Writes the usage of a dirty group; the statement is [`WRITE_USAGE`].
pub(crate) fn write_usage(statement: &mut Prepared<'_>, group: &Group) -> Result<(), SqlError> {
    let params = sql::params![
        group.no.0,
        group.day,
        group.month,
        group.year,
        group.out[0],
        group.out[1],
        group.out[2],
        group.into[0],
        group.into[1],
        group.into[2],
        group.last
    ];
    statement.execute(params).map(drop)
}

/// The lower of two sets, limit by limit.
pub(crate) fn lower(a: &LimitSet, b: &LimitSet) -> LimitSet {
    let pick = |a: Option<i64>, b: Option<i64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    };
    let four = |a: &[Option<i64>; 4], b: &[Option<i64>; 4]| std::array::from_fn(|i| pick(a[i], b[i]));
    LimitSet { out: four(&a.out, &b.out), into: four(&a.into, &b.into), balance: pick(a.balance, b.balance) }
}

//! The tenant's own row: who it is, in which zone it keeps its calendar, how far a sandbox's clock was moved.

use crate::error::StoreError;
use sql::{Connection, Database, SqlError};
use vocabulary::{Timestamp, ZoneName};

/// What is fixed when a tenant's store is made.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    /// A random number that names the store for ever: backups and keys of other tenants are told apart by it.
    pub id: u128,
    /// The zone in which its days begin.
    pub zone: String,
    /// A sandbox: its clock can be moved forward.
    pub sandbox: bool,
}

/// The tenant's row.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// See [`TenantSettings`].
    pub settings: TenantSettings,
    /// The zone, read.
    pub zone: ZoneName,
    /// How far its clock was moved, microseconds.
    pub clock_offset: i64,
    /// When the store was made.
    pub created: Timestamp,
}

/// Whether a database holds a bank already.
///
/// # Errors
/// When it cannot be read.
pub fn holds_bank(database: &Database) -> Result<bool, SqlError> {
    let connection = database.open_reader()?;
    Ok(connection.has_table("tenant")? && connection.number("SELECT count(*) FROM tenant", &[])? > 0)
}

pub(crate) fn read(connection: &Connection) -> Result<Option<Tenant>, SqlError> {
    let sql = "SELECT id, zone, sandbox, clock_offset, created FROM tenant";
    connection.query_opt(sql, &[], |row| {
        let zone = row.text(1)?;
        Ok(Tenant {
            zone: ZoneName::parse(&zone).map_err(|_| SqlError::Corrupt("the tenant's time zone"))?,
            settings: TenantSettings { id: row.u128(0)?, zone, sandbox: row.flag(2)? },
            clock_offset: row.int(3)?,
            created: row.time(4)?,
        })
    })
}

pub(crate) fn create(connection: &Connection, settings: &TenantSettings, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO tenant(only_row, id, zone, sandbox, clock_offset, created) VALUES (1, ?1, ?2, ?3, 0, ?4) \
        ON CONFLICT DO NOTHING";
    let id = settings.id.to_be_bytes();
    connection.execute(sql, sql::params![&id, settings.zone.as_str(), settings.sandbox, now])?;
    Ok(())
}

pub(crate) const RAISE_OFFSET: &str = "UPDATE tenant SET clock_offset = ?1 WHERE clock_offset < ?1";

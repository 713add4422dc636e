//! The tables of endpoints and deliveries.

use super::{DeliveryState, DeliveryView, EndpointView, Owner};
use sql::{Migration, Reading, Row, SqlError, params};
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

type WebhookId = Id<kinds::Webhook>;
type DeliveryId = Id<kinds::Delivery>;

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 40, name: "webhooks", sql: TABLES },
    Migration { version: 41, name: "leases of webhook attempts", sql: LEASES },
];

/// Until when an attempt is claimed, by the clock of leases: 0 on the embedded database.
const LEASES: &str = "ALTER TABLE webhook_delivery ADD COLUMN until INTEGER NOT NULL DEFAULT 0;";

const TABLES: &str = "
CREATE TABLE webhook_endpoint(
  id BLOB PRIMARY KEY, owner BLOB, url TEXT NOT NULL, kinds TEXT NOT NULL, enabled INTEGER NOT NULL,
  cursor INTEGER NOT NULL, secret BLOB NOT NULL, old_secret BLOB, old_until INTEGER, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_delivery(
  id BLOB PRIMARY KEY, endpoint BLOB NOT NULL, event INTEGER NOT NULL, kind TEXT NOT NULL, state INTEGER NOT NULL,
  attempts INTEGER NOT NULL, tries INTEGER NOT NULL, due INTEGER, status INTEGER, error TEXT, ended INTEGER,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX webhook_delivery_event ON webhook_delivery(endpoint, event);
CREATE INDEX webhook_delivery_due ON webhook_delivery(due) WHERE due IS NOT NULL;
";

const ENDPOINT: &str = "id, url, kinds, enabled, cursor, old_until, created, owner";
const DELIVERY: &str = "id, endpoint, event, kind, state, attempts, due, status, error, ended, created";

fn endpoint_of(row: &Row<'_>) -> Result<(Owner, EndpointView), SqlError> {
    let kinds = row.text(2)?;
    let view = EndpointView {
        id: row.id(0)?,
        url: row.text(1)?,
        kinds: kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect(),
        enabled: row.flag(3)?,
        cursor: row.small(4)?,
        old_secret_until: row.opt_time(5)?,
        created_at: row.time(6)?,
    };
    Ok((row.opt_u128(7)?, view))
}

fn delivery_of(row: &Row<'_>) -> Result<DeliveryView, SqlError> {
    let small = |value: i64| u16::try_from(value).map_err(|_| SqlError::Corrupt("a delivery's status"));
    Ok(DeliveryView {
        id: row.id(0)?,
        endpoint: row.id(1)?,
        event: row.small(2)?,
        kind: row.text(3)?,
        state: DeliveryState::from_number(row.small(4)?).ok_or(SqlError::Corrupt("a delivery's state"))?,
        attempts: row.small(5)?,
        next_attempt_at: row.opt_time(6)?,
        last_status: row.opt_int(7)?.map(small).transpose()?,
        last_error: row.opt_text(8)?,
        last_attempt_at: row.opt_time(9)?,
        created_at: row.time(10)?,
    })
}

pub(super) fn insert(
    uow: &mut Uow<'_, '_>,
    owner: Owner,
    view: &EndpointView,
    secret: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook_endpoint(id, owner, url, kinds, enabled, cursor, secret, created) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let owner = owner.map(u128::to_be_bytes);
    let kinds = view.kinds.join(",");
    let params =
        params![view.id, owner.as_ref(), &view.url, &kinds, view.enabled, view.cursor, secret, view.created_at];
    uow.execute(sql, params).map(drop)
}

pub(super) fn change(uow: &mut Uow<'_, '_>, view: &EndpointView) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_endpoint SET url = ?2, kinds = ?3, enabled = ?4 WHERE id = ?1";
    let kinds = view.kinds.join(",");
    uow.execute(sql, params![view.id, &view.url, &kinds, view.enabled]).map(drop)
}

pub(super) fn disable(uow: &mut Uow<'_, '_>, id: WebhookId) -> Result<(), StoreError> {
    uow.execute("UPDATE webhook_endpoint SET enabled = 0 WHERE id = ?1", params![id]).map(drop)
}

pub(super) fn set_cursor(uow: &mut Uow<'_, '_>, id: WebhookId, cursor: u64) -> Result<(), StoreError> {
    uow.execute("UPDATE webhook_endpoint SET cursor = ?2 WHERE id = ?1", params![id, cursor]).map(drop)
}

pub(super) fn rotate(
    uow: &mut Uow<'_, '_>,
    id: WebhookId,
    secret: &[u8],
    old_until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_endpoint SET old_secret = secret, old_until = ?3, secret = ?2 WHERE id = ?1";
    uow.execute(sql, params![id, secret, old_until]).map(drop)
}

pub(super) fn remove(uow: &mut Uow<'_, '_>, id: WebhookId) -> Result<(), StoreError> {
    uow.execute("DELETE FROM webhook_endpoint WHERE id = ?1", params![id]).map(drop)
}

/// Deletes at most so many deliveries of an endpoint; returns how many.
pub(super) fn forget(uow: &mut Uow<'_, '_>, endpoint: WebhookId, most: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM webhook_delivery WHERE id IN \
        (SELECT id FROM webhook_delivery WHERE endpoint = ?1 ORDER BY event LIMIT ?2)";
    uow.execute(sql, params![endpoint, most])
}

/// The endpoint, if it is this owner's.
pub(super) fn endpoint(reading: Reading<'_>, owner: Owner, id: WebhookId) -> Result<Option<EndpointView>, StoreError> {
    let sql = format!("SELECT {ENDPOINT} FROM webhook_endpoint WHERE id = ?1");
    let found = reading.query_opt(&sql, params![id], endpoint_of)?;
    Ok(found.filter(|(whose, _)| *whose == owner).map(|(_, view)| view))
}

/// Every endpoint with its owner, oldest first.
pub(super) fn all(reading: Reading<'_>) -> Result<Vec<(Owner, EndpointView)>, StoreError> {
    let sql = format!("SELECT {ENDPOINT} FROM webhook_endpoint ORDER BY id");
    Ok(reading.query(&sql, &[], endpoint_of)?)
}

/// The endpoint's present secret, and the replaced one while it still signs.
pub(super) fn secrets(reading: Reading<'_>, id: WebhookId, now: Timestamp) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT secret, old_secret, old_until FROM webhook_endpoint WHERE id = ?1";
    let found = reading.query_opt(sql, params![id], |row| {
        let old = row.opt_blob(1)?.filter(|_| matches!(row.opt_time(2), Ok(Some(until)) if now < until));
        Ok(std::iter::once(row.blob(0)?).chain(old).collect())
    })?;
    Ok(found.unwrap_or_default())
}

/// Makes a delivery wait for its first attempt; one that exists begins again.
pub(super) fn enqueue(
    uow: &mut Uow<'_, '_>,
    id: DeliveryId,
    endpoint: WebhookId,
    (event, kind): (u64, &str),
) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO webhook_delivery(id, endpoint, event, kind, state, attempts, tries, due, created) \
        VALUES (?1, ?2, ?3, ?4, 1, 0, 0, ?5, ?5) \
        ON CONFLICT (endpoint, event) DO UPDATE SET state = 1, tries = 0, due = ?5, until = 0";
    uow.execute(sql, params![id, endpoint, event, kind, now]).map(drop)
}

/// Begins a delivery again.
pub(super) fn restart(uow: &mut Uow<'_, '_>, id: DeliveryId) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("UPDATE webhook_delivery SET state = 1, tries = 0, due = ?2, until = 0 WHERE id = ?1", params![id, now])
        .map(drop)
}

/// Claims an attempt for so many seconds. None when somebody else did, or it is not due any more. The claim is the number of
/// the attempt: no two have the same.
pub(super) fn claim(uow: &mut Uow<'_, '_>, id: DeliveryId, seconds: i64) -> Result<Option<Claimed>, StoreError> {
    let (now, leases) = (uow.now(), uow.lease_clock()?);
    let (due, until) = (now.plus_seconds(seconds), leases + seconds * 1_000_000);
    let sql = "UPDATE webhook_delivery SET attempts = attempts + 1, tries = tries + 1, due = ?2, until = ?4 \
        WHERE id = ?1 AND state = 1 AND due <= ?3 AND until <= ?5";
    if uow.execute(sql, params![id, due, now, until, leases])? == 0 {
        return Ok(None);
    }
    let sql = "SELECT attempts, tries FROM webhook_delivery WHERE id = ?1";
    let read = |row: &Row<'_>| Ok(Claimed { attempt: row.small(0)?, tries: row.small::<u32>(1)?.saturating_sub(1) });
    Ok(uow.reading().query_opt(sql, params![id], read)?)
}

/// An attempt that was claimed.
#[derive(Clone, Copy)]
pub(super) struct Claimed {
    /// Its number among all of the delivery.
    pub(super) attempt: u32,
    /// Tries before it since the delivery began, or began again.
    pub(super) tries: u32,
}

/// What an attempt came to.
pub(super) struct Ending {
    pub(super) state: DeliveryState,
    pub(super) due: Option<Timestamp>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
}

/// Writes what an attempt came to. False when a later attempt was claimed since: that one tells.
pub(super) fn end(
    uow: &mut Uow<'_, '_>,
    (id, attempt): (DeliveryId, u32),
    ending: &Ending,
) -> Result<bool, StoreError> {
    let now = uow.now();
    let sql = "UPDATE webhook_delivery SET state = ?2, due = ?3, status = ?4, error = ?5, ended = ?6, until = 0 \
        WHERE id = ?1 AND attempts = ?7";
    let params = params![id, ending.state as u8, ending.due, ending.status, ending.error.as_ref(), now, attempt];
    Ok(uow.execute(sql, params)? == 1)
}

/// Due deliveries of enabled endpoints, the longest due first.
pub(super) fn due(reading: Reading<'_>, now: Timestamp, limit: u32) -> Result<Vec<DeliveryView>, StoreError> {
    let sql = "SELECT d.id, d.endpoint, d.event, d.kind, d.state, d.attempts, d.due, d.status, d.error, d.ended, d.created \
        FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint \
        WHERE d.due <= ?1 AND e.enabled = 1 ORDER BY d.due LIMIT ?2";
    Ok(reading.query(sql, params![now, limit], delivery_of)?)
}

pub(super) fn delivery(reading: Reading<'_>, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
    let sql = format!("SELECT {DELIVERY} FROM webhook_delivery WHERE id = ?1");
    Ok(reading.query_opt(&sql, params![id], delivery_of)?)
}

/// An endpoint's deliveries, those of the latest events first.
pub(super) fn log(
    reading: Reading<'_>,
    endpoint: WebhookId,
    before: u64,
    limit: u32,
) -> Result<Vec<DeliveryView>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY} FROM webhook_delivery WHERE endpoint = ?1 AND event < ?2 ORDER BY event DESC LIMIT ?3"
    );
    Ok(reading.query(&sql, params![endpoint, before, limit], delivery_of)?)
}

//! A merchant's API keys: created, rotated, revoked; only their digests are stored. Idempotency belongs to the merchant, so a
//! rotation changes nothing for retries.

use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::tokens::{self, TokenHash};
use crate::wish::{Answer, Principal, Wish};
use serde::{Deserialize, Serialize};
use sql::{Connection, params};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Scope {
    /// See orders, payments, refunds.
    PaymentsRead = 1,
    /// Create orders, capture, void.
    PaymentsWrite = 2,
    /// Refund.
    RefundsWrite = 4,
    /// See settlements and statements.
    SettlementsRead = 8,
    /// Manage webhooks.
    WebhooksWrite = 16,
    /// See events.
    EventsRead = 32,
    /// Pay out.
    PayoutsWrite = 64,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [
        Self::PaymentsRead,
        Self::PaymentsWrite,
        Self::RefundsWrite,
        Self::SettlementsRead,
        Self::WebhooksWrite,
        Self::EventsRead,
        Self::PayoutsWrite,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PaymentsRead => "payments:read",
            Self::PaymentsWrite => "payments:write",
            Self::RefundsWrite => "refunds:write",
            Self::SettlementsRead => "settlements:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::EventsRead => "events:read",
            Self::PayoutsWrite => "payouts:write",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A key that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: Id<kinds::ApiKey>,
    /// Whose.
    pub merchant: Id<kinds::Merchant>,
    scopes: u32,
    expires: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it may do this.
    #[must_use]
    pub const fn allows(&self, scope: Scope) -> bool {
        self.scopes & scope as u32 != 0
    }

    /// Who acts with it.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal::Merchant(self.merchant)
    }
}

/// A new key, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its id.
    pub id: Id<kinds::ApiKey>,
    /// The key itself; only the recorded answer to this wish keeps it, sealed.
    pub key: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewKey({})", self.id)
    }
}

/// A key, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: Id<kinds::ApiKey>,
    /// What the merchant calls it.
    pub label: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it ends, after a rotation.
    pub expires: Option<Timestamp>,
}

fn draw(bank: &Bank) -> (Id<kinds::ApiKey>, String, TokenHash) {
    let prefix = if bank.is_sandbox() { "jz_test_" } else { "jz_live_" };
    let key = tokens::draw(prefix, bank.entropy()).expose().clone();
    let hash = tokens::hash(&key);
    (bank.new_id(), key, hash)
}

struct Row<'a> {
    hash: &'a TokenHash,
    id: Id<kinds::ApiKey>,
    merchant: Id<kinds::Merchant>,
    scopes: u32,
    label: &'a str,
}

fn insert(uow: &mut Uow<'_, '_>, row: &Row<'_>) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO api_key(hash, id, merchant, scopes, label, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    uow.execute(sql, params![row.hash, row.id, row.merchant, row.scopes, row.label, now]).map(drop)
}

/// Creates a key.
///
/// # Errors
/// Trouble.
pub async fn create_key(
    bank: &Bank,
    wish: Wish,
    merchant: Id<kinds::Merchant>,
    (label, scopes): (String, Vec<Scope>),
) -> Result<Answer<NewKey>, BankError> {
    let (id, key, hash) = draw(bank);
    bank.once(wish, move |uow| {
        if label.trim().is_empty() || label.chars().count() > 100 || label.chars().any(char::is_control) {
            let detail = "a label has 1 to 100 characters";
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("label")));
        }
        if scopes.is_empty() {
            let detail = "a key needs at least one scope";
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail).at("scopes")));
        }
        if super::records::by_id(uow.reading(), merchant)?.is_none() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        }
        let scopes = scopes.iter().fold(0, |bits, scope| bits | *scope as u32);
        insert(uow, &Row { hash: &hash, id, merchant, scopes, label: &label })?;
        Ok(Outcome::Done(NewKey { id, key: key.clone() }))
    })
    .await
}

/// Replaces a key by a new one of the same scopes; the old one works on for some hours.
///
/// # Errors
/// Trouble.
pub async fn rotate_key(
    bank: &Bank,
    wish: Wish,
    (merchant, old): (Id<kinds::Merchant>, Id<kinds::ApiKey>),
    overlap_hours: u32,
) -> Result<Answer<NewKey>, BankError> {
    let (id, key, hash) = draw(bank);
    let answer = bank
        .once(wish, move |uow| {
            let sql = "SELECT scopes, label FROM api_key WHERE id = ?1 AND merchant = ?2 AND expires IS NULL";
            let params = params![old, merchant];
            let found = uow.reading().query_opt(sql, params, |row| Ok((row.small(0)?, row.text(1)?)))?;
            let Some((scopes, label)) = found else {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            };
            insert(uow, &Row { hash: &hash, id, merchant, scopes, label: &label })?;
            let end = uow.now().plus_seconds(i64::from(overlap_hours) * 3600);
            uow.execute("UPDATE api_key SET expires = ?2 WHERE id = ?1", sql::params![old, end])?;
            Ok(Outcome::Done(NewKey { id, key: key.clone() }))
        })
        .await?;
    bank.caches().api_keys.forget_where(|found| found.id == old);
    Ok(answer)
}

/// Revokes a key at once.
///
/// # Errors
/// Trouble.
pub async fn revoke_key(
    bank: &Bank,
    wish: Wish,
    (merchant, id): (Id<kinds::Merchant>, Id<kinds::ApiKey>),
) -> Result<Answer<()>, BankError> {
    let answer = bank
        .once(wish, move |uow| {
            let sql = "DELETE FROM api_key WHERE id = ?1 AND merchant = ?2";
            if uow.execute(sql, params![id, merchant])? == 0 {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            Ok(Outcome::Done(()))
        })
        .await?;
    bank.caches().api_keys.forget_where(|found| found.id == id);
    Ok(answer)
}

/// A merchant's keys, newest first.
///
/// # Errors
/// Trouble.
pub async fn list_keys(bank: &Bank, merchant: Id<kinds::Merchant>) -> Result<Vec<KeyView>, BankError> {
    let found = bank.store().read(move |snapshot| {
        let sql = "SELECT id, label, scopes, created, expires FROM api_key WHERE merchant = ?1 ORDER BY id DESC";
        Ok(snapshot.reading().query(sql, params![merchant], |row| {
            let bits: u32 = row.small(2)?;
            let scopes = Scope::ALL.into_iter().filter(|scope| bits & *scope as u32 != 0);
            Ok(KeyView {
                id: row.id(0)?,
                label: row.text(1)?,
                scopes: scopes.map(|scope| scope.name().to_owned()).collect(),
                created: row.time(3)?,
                expires: row.opt_time(4)?,
            })
        })?)
    });
    Ok(found.await?)
}

fn by_hash(reading: &Connection, hash: &TokenHash) -> Result<Option<ApiKey>, StoreError> {
    let sql = "SELECT id, merchant, scopes, expires FROM api_key WHERE hash = ?1";
    Ok(reading.query_opt(sql, params![hash], |row| {
        Ok(ApiKey { id: row.id(0)?, merchant: row.id(1)?, scopes: row.small(2)?, expires: row.opt_time(3)? })
    })?)
}

/// The key of a token; none when it is unknown, revoked or over.
///
/// # Errors
/// Trouble.
pub async fn authenticate(bank: &Bank, token: &str) -> Result<Option<ApiKey>, BankError> {
    let hash = tokens::hash(token);
    let good = |key: ApiKey| key.expires.is_none_or(|end| bank.now() < end).then_some(key);
    let ticket = match bank.caches().api_keys.get(&hash) {
        Ok(key) => return Ok(good(key)),
        Err(ticket) => ticket,
    };
    let found = bank.store().read(move |snapshot| by_hash(snapshot.reading(), &hash)).await?;
    if let Some(key) = found {
        bank.caches().api_keys.keep(ticket, hash, key);
    }
    Ok(found.and_then(good))
}

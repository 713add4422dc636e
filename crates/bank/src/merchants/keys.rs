//! A merchant's API keys: created, rotated, revoked; only their digests are stored. Idempotency belongs to the merchant, so a
//! rotation changes nothing for retries.

use super::records::{self, KeyRow};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::tokens::{self, TokenHash};
use crate::wish::{Answer, Principal, Wish};
use serde::{Deserialize, Serialize};
use store::{Ground, Outcome};
use vocabulary::{Clock, ErrorCode, Id, Timestamp, kinds};

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
        if records::by_id(uow.reading(), merchant)?.is_none() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        }
        let scopes = scopes.iter().fold(0, |bits, scope| bits | *scope as u32);
        let row = KeyRow { id, merchant, scopes, label: label.clone(), created: uow.now(), expires: None };
        records::insert_key(uow, &hash, &row)?;
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
    bank.once_then(
        wish,
        move |uow| {
            let all = records::keys(uow.reading(), merchant)?;
            let Some(found) = all.into_iter().find(|key| key.id == old && key.expires.is_none()) else {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            };
            records::insert_key(uow, &hash, &KeyRow { id, created: uow.now(), ..found })?;
            let end = uow.now().plus_seconds(i64::from(overlap_hours) * 3600);
            records::end_key(uow, old, end)?;
            Ok(Outcome::Done(NewKey { id, key: key.clone() }))
        },
        move |bank| {
            bank.caches().api_keys.forget_where(|found| found.id == old);
            Ok(())
        },
    )
    .await
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
    bank.once_then(
        wish,
        move |uow| {
            if !records::delete_key(uow, merchant, id)? {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            Ok(Outcome::Done(()))
        },
        move |bank| {
            bank.caches().api_keys.forget_where(|found| found.id == id);
            Ok(())
        },
    )
    .await
}

/// A merchant's keys, newest first.
///
/// # Errors
/// Trouble.
pub async fn list_keys(bank: &Bank, merchant: Id<kinds::Merchant>) -> Result<Vec<KeyView>, BankError> {
    let rows = bank.store().read(move |snapshot| records::keys(snapshot.reading(), merchant)).await?;
    let view = |row: KeyRow| {
        let scopes = Scope::ALL.into_iter().filter(|scope| row.scopes & *scope as u32 != 0);
        let scopes = scopes.map(|scope| scope.name().to_owned()).collect();
        KeyView { id: row.id, label: row.label, scopes, created: row.created, expires: row.expires }
    };
    Ok(rows.into_iter().map(view).collect())
}

/// The request's unit is refused when the key is gone where it decides.
fn rests_on(bank: &Bank, hash: TokenHash) {
    let clock = bank.store().clock();
    bank.store().rely(Ground::Authority, move |reading| {
        let found = records::key_by_hash(reading, &hash)?;
        Ok(found.is_some_and(|row| row.expires.is_none_or(|end| clock.now() < end)))
    });
}

/// The key of a token; none when it is unknown, revoked or over.
///
/// # Errors
/// Trouble.
pub async fn authenticate(bank: &Bank, token: &str) -> Result<Option<ApiKey>, BankError> {
    let hash = tokens::hash(token);
    let good = |key: ApiKey| {
        let good = key.expires.is_none_or(|end| bank.now() < end);
        good.then(|| rests_on(bank, hash)).map(|()| key)
    };
    let ticket = match bank.caches().api_keys.get(&hash) {
        Ok(key) => return Ok(good(key)),
        Err(ticket) => ticket,
    };
    let found = bank.store().look_up(|reading| records::key_by_hash(reading, &hash))?;
    let found =
        found.map(|row| ApiKey { id: row.id, merchant: row.merchant, scopes: row.scopes, expires: row.expires });
    if let Some(key) = found {
        bank.caches().api_keys.keep(ticket, hash, key);
    }
    Ok(found.and_then(good))
}

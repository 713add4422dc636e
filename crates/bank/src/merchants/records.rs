//! Merchants, their stores and accounts.

use crate::currencies::Currencies;
use crate::known::Kind;
use crate::tokens::TokenHash;
use ledger::AccountNo;
use money::Currency;
use sql::{Migration, Reading, Row, SqlError, params};
use std::sync::Arc;
use store::{StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[Migration { version: 15, name: "merchants", sql: MERCHANT }];

const MERCHANT: &str = "
CREATE TABLE merchant(
  id BLOB PRIMARY KEY, name TEXT NOT NULL, mcc TEXT NOT NULL, country TEXT NOT NULL, city TEXT NOT NULL,
  status INTEGER NOT NULL, fee_plan TEXT NOT NULL, settlement_plan TEXT NOT NULL, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE merchant_account(
  merchant BLOB NOT NULL, currency INTEGER NOT NULL, account INTEGER NOT NULL UNIQUE, reserve INTEGER NOT NULL UNIQUE,
  receivable INTEGER NOT NULL, PRIMARY KEY (merchant, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE merchant_store(
  id BLOB PRIMARY KEY, merchant BLOB NOT NULL, name TEXT NOT NULL, mcc TEXT NOT NULL, country TEXT NOT NULL,
  city TEXT NOT NULL, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX merchant_store_merchant ON merchant_store(merchant, id);
CREATE TABLE api_key(
  hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE, merchant BLOB NOT NULL, scopes INTEGER NOT NULL, label TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_merchant ON api_key(merchant, id);
";

/// A merchant's accounts and terms in one currency, for the path of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantAccount {
    /// The merchant.
    pub merchant: Id<kinds::Merchant>,
    /// What we owe it.
    pub account: AccountNo,
    /// What we keep for later refunds.
    pub reserve: AccountNo,
    /// Where shortfalls of forced entries go.
    pub receivable: AccountNo,
    /// The currency.
    pub currency: Currency,
    /// Whether it may accept payments.
    pub active: bool,
    /// The fee: a policy `fees` key, such as `payment.standard`.
    pub fee_plan: Arc<str>,
    /// The settlement terms: a policy `settlement` key.
    pub settlement_plan: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

/// A merchant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantRow {
    /// Its id.
    pub id: Id<kinds::Merchant>,
    /// Its name.
    pub name: String,
    /// Its category code (ISO 18245).
    pub mcc: String,
    /// Its country (ISO 3166-1 alpha-2).
    pub country: String,
    /// Its city.
    pub city: String,
    /// 1 active, 2 suspended, 3 closed.
    pub status: u8,
    /// See [`MerchantAccount::fee_plan`].
    pub fee_plan: String,
    /// See [`MerchantAccount::settlement_plan`].
    pub settlement_plan: String,
    /// When it was opened.
    pub created: Timestamp,
}

/// A store's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRow {
    /// Its id.
    pub id: Id<kinds::Store>,
    /// Whose.
    pub merchant: Id<kinds::Merchant>,
    /// Its name.
    pub name: String,
    /// Its category code.
    pub mcc: String,
    /// Its country.
    pub country: String,
    /// Its city.
    pub city: String,
}

pub(super) fn insert(uow: &mut Uow<'_, '_>, new: &MerchantRow) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO merchant(id, name, mcc, country, city, status, fee_plan, settlement_plan, created) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (name, mcc, country, city) = (&new.name, &new.mcc, &new.country, &new.city);
    let params = params![new.id, name, mcc, country, city, new.status, &new.fee_plan, &new.settlement_plan, now];
    uow.execute(sql, params).map(drop)
}

pub(super) fn insert_account(uow: &mut Uow<'_, '_>, new: &MerchantAccount) -> Result<(), StoreError> {
    let sql = "INSERT INTO merchant_account(merchant, currency, account, reserve, receivable) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let number = new.currency.number();
    uow.execute(sql, params![new.merchant, number, new.account.0, new.reserve.0, new.receivable.0]).map(drop)
}

pub(super) fn insert_store(uow: &mut Uow<'_, '_>, new: &StoreRow) -> Result<(), StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO merchant_store(id, merchant, name, mcc, country, city, created) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    uow.execute(sql, params![new.id, new.merchant, &new.name, &new.mcc, &new.country, &new.city, now]).map(drop)
}

pub(super) fn set_status(uow: &mut Uow<'_, '_>, id: Id<kinds::Merchant>, status: u8) -> Result<(), StoreError> {
    uow.tell(Kind::Merchant.of(id.as_u128()));
    uow.execute("UPDATE merchant SET status = ?2 WHERE id = ?1", params![id, status]).map(drop)
}

pub(super) fn set_plans(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Merchant>,
    (fee, settlement): (&str, &str),
) -> Result<(), StoreError> {
    uow.tell(Kind::Merchant.of(id.as_u128()));
    let sql = "UPDATE merchant SET fee_plan = ?2, settlement_plan = ?3 WHERE id = ?1";
    uow.execute(sql, params![id, fee, settlement]).map(drop)
}

const COLUMNS: &str = "id, name, mcc, country, city, status, fee_plan, settlement_plan, created";

fn read(row: &Row<'_>) -> Result<MerchantRow, SqlError> {
    Ok(MerchantRow {
        id: row.id(0)?,
        name: row.text(1)?,
        mcc: row.text(2)?,
        country: row.text(3)?,
        city: row.text(4)?,
        status: row.small(5)?,
        fee_plan: row.text(6)?,
        settlement_plan: row.text(7)?,
        created: row.time(8)?,
    })
}

/// A merchant's row.
///
/// # Errors
/// When the database fails.
pub fn by_id(reading: Reading<'_>, id: Id<kinds::Merchant>) -> Result<Option<MerchantRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchant WHERE id = ?1");
    Ok(reading.query_opt(&sql, params![id], read)?)
}

/// Merchants, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(
    reading: Reading<'_>,
    before: Option<Id<kinds::Merchant>>,
    limit: u32,
) -> Result<Vec<MerchantRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchant WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    Ok(reading.query(&sql, params![before, limit], read)?)
}

const JOINED: &str = "SELECT a.account, a.reserve, a.receivable, m.status, m.fee_plan, m.settlement_plan, m.name, \
    a.merchant, a.currency FROM merchant_account a JOIN merchant m ON m.id = a.merchant";

fn read_account(row: &Row<'_>, currency: Currency) -> Result<MerchantAccount, SqlError> {
    Ok(MerchantAccount {
        merchant: row.id(7)?,
        account: AccountNo(row.small(0)?),
        reserve: AccountNo(row.small(1)?),
        receivable: AccountNo(row.small(2)?),
        currency,
        active: row.int(3)? == 1,
        fee_plan: row.text(4)?.into(),
        settlement_plan: row.text(5)?.into(),
        name: row.text(6)?.into(),
    })
}

/// A merchant's accounts and terms in a currency, as they stand in this unit or snapshot.
///
/// # Errors
/// When the database fails.
pub fn account(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    currency: Currency,
) -> Result<Option<MerchantAccount>, StoreError> {
    let sql = format!("{JOINED} WHERE a.merchant = ?1 AND a.currency = ?2");
    Ok(reading.query_opt(&sql, params![merchant, currency.number()], |row| read_account(row, currency))?)
}

/// A merchant's accounts in every currency.
///
/// # Errors
/// When the database fails.
pub fn accounts(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    currencies: &Currencies,
) -> Result<Vec<MerchantAccount>, StoreError> {
    let sql = format!("{JOINED} WHERE a.merchant = ?1 ORDER BY a.currency");
    Ok(reading.query(&sql, params![merchant], |row| {
        let known = currencies.by_number(row.small(8)?);
        read_account(row, known.ok_or(SqlError::Corrupt("a merchant's currency is not known"))?)
    })?)
}

/// Merchants' accounts in the order of their numbers.
///
/// # Errors
/// When the database fails.
pub fn accounts_after(
    reading: Reading<'_>,
    after: AccountNo,
    limit: u32,
    currencies: &Currencies,
) -> Result<Vec<MerchantAccount>, StoreError> {
    let sql = format!("{JOINED} WHERE a.account > ?1 ORDER BY a.account LIMIT ?2");
    Ok(reading.query(&sql, params![after.0, limit], |row| {
        let known = currencies.by_number(row.small(8)?);
        read_account(row, known.ok_or(SqlError::Corrupt("a merchant's currency is not known"))?)
    })?)
}

/// A store's row.
///
/// # Errors
/// When the database fails.
pub fn store(reading: Reading<'_>, id: Id<kinds::Store>) -> Result<Option<StoreRow>, StoreError> {
    let sql = "SELECT id, merchant, name, mcc, country, city FROM merchant_store WHERE id = ?1";
    Ok(reading.query_opt(sql, params![id], read_store)?)
}

/// A merchant's stores.
///
/// # Errors
/// When the database fails.
pub fn stores(reading: Reading<'_>, merchant: Id<kinds::Merchant>) -> Result<Vec<StoreRow>, StoreError> {
    let sql = "SELECT id, merchant, name, mcc, country, city FROM merchant_store WHERE merchant = ?1 ORDER BY id";
    Ok(reading.query(sql, params![merchant], read_store)?)
}

fn read_store(row: &Row<'_>) -> Result<StoreRow, SqlError> {
    Ok(StoreRow {
        id: row.id(0)?,
        merchant: row.id(1)?,
        name: row.text(2)?,
        mcc: row.text(3)?,
        country: row.text(4)?,
        city: row.text(5)?,
    })
}

/// An API key's row.
#[derive(Clone, Debug)]
pub(super) struct KeyRow {
    pub(super) id: Id<kinds::ApiKey>,
    pub(super) merchant: Id<kinds::Merchant>,
    pub(super) scopes: u32,
    pub(super) label: String,
    pub(super) created: Timestamp,
    pub(super) expires: Option<Timestamp>,
}

/// `expires` of the row is not used.
pub(super) fn insert_key(uow: &mut Uow<'_, '_>, hash: &TokenHash, new: &KeyRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO api_key(hash, id, merchant, scopes, label, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    uow.execute(sql, params![hash, new.id, new.merchant, new.scopes, &new.label, new.created]).map(drop)
}

pub(super) fn end_key(uow: &mut Uow<'_, '_>, id: Id<kinds::ApiKey>, at: Timestamp) -> Result<(), StoreError> {
    uow.tell(Kind::ApiKey.of(id.as_u128()));
    uow.execute("UPDATE api_key SET expires = ?2 WHERE id = ?1", params![id, at]).map(drop)
}

pub(super) fn delete_key(
    uow: &mut Uow<'_, '_>,
    merchant: Id<kinds::Merchant>,
    id: Id<kinds::ApiKey>,
) -> Result<bool, StoreError> {
    uow.tell(Kind::ApiKey.of(id.as_u128()));
    Ok(uow.execute("DELETE FROM api_key WHERE id = ?1 AND merchant = ?2", params![id, merchant])? == 1)
}

fn read_key(row: &Row<'_>) -> Result<KeyRow, SqlError> {
    Ok(KeyRow {
        id: row.id(0)?,
        merchant: row.id(1)?,
        scopes: row.small(2)?,
        label: row.text(3)?,
        created: row.time(4)?,
        expires: row.opt_time(5)?,
    })
}

/// A merchant's keys, newest first.
pub(super) fn keys(reading: Reading<'_>, merchant: Id<kinds::Merchant>) -> Result<Vec<KeyRow>, StoreError> {
    let sql = "SELECT id, merchant, scopes, label, created, expires FROM api_key WHERE merchant = ?1 ORDER BY id DESC";
    Ok(reading.query(sql, params![merchant], read_key)?)
}

/// How many good keys were made before a moment.
pub(crate) fn keys_older_than(reading: Reading<'_>, made: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM api_key WHERE created < ?1 AND (expires IS NULL OR expires > ?2)";
    Ok(reading.number(sql, params![made, now])?.unsigned_abs())
}

pub(super) fn key_by_hash(reading: Reading<'_>, hash: &TokenHash) -> Result<Option<KeyRow>, StoreError> {
    let sql = "SELECT id, merchant, scopes, label, created, expires FROM api_key WHERE hash = ?1";
    Ok(reading.query_opt(sql, params![hash], read_key)?)
}

/// A merchant's name; none when there is no such merchant.
pub(crate) fn name(reading: Reading<'_>, id: Id<kinds::Merchant>) -> Result<Option<String>, StoreError> {
    Ok(reading.query_opt("SELECT name FROM merchant WHERE id = ?1", params![id], |row| row.text(0))?)
}

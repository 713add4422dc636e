//! Wallets, their accounts, and whose each limit group is.

use crate::currencies::Currencies;
use crate::known::Kind;
use ledger::{AccountNo, GroupNo};
use money::Currency;
use sql::{Migration, Reading, Row, SqlError, params};
use store::{AccountId, StoreError, Uow};
use vocabulary::{Id, kinds};

/// The capability's part of the schema's history.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 13, name: "wallets", sql: WALLET },
    Migration {
        version: 70,
        name: "wallets whose owner has a factor",
        sql: "ALTER TABLE wallet_account ADD COLUMN guarded INTEGER NOT NULL DEFAULT 0;",
    },
];

const WALLET: &str = "
CREATE TABLE wallet(
  id BLOB PRIMARY KEY, customer BLOB NOT NULL UNIQUE, created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE wallet_account(
  wallet BLOB NOT NULL, currency INTEGER NOT NULL, customer BLOB NOT NULL, account INTEGER NOT NULL UNIQUE,
  account_id BLOB NOT NULL, receivable INTEGER NOT NULL, opened INTEGER NOT NULL, PRIMARY KEY (wallet, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE limit_party(
  group_no INTEGER NOT NULL PRIMARY KEY, owner BLOB NOT NULL, currency INTEGER NOT NULL, person INTEGER NOT NULL
) STRICT;
CREATE INDEX limit_party_owner ON limit_party(owner, currency);
";

/// A wallet's account in one currency. None of it ever changes but `guarded`, and then copies in memory are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletAccount {
    /// The ledger account.
    pub account: AccountNo,
    /// The account's id, as callers meet it.
    pub id: AccountId,
    /// The wallet.
    pub wallet: Id<kinds::Wallet>,
    /// Whose.
    pub customer: Id<kinds::Customer>,
    /// The currency.
    pub currency: Currency,
    /// Where shortfalls of forced entries go.
    pub receivable: AccountNo,
    /// Whether its owner has set a PIN or an authenticator. It stands here so that a payment by who has none reads no row
    /// more than before.
    pub guarded: bool,
}

/// Whose a limit group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitParty {
    /// The customer.
    pub owner: u128,
    /// The currency's number.
    pub currency: u16,
    /// The person's limits, else those of one account.
    pub person: bool,
}

pub(super) fn insert_wallet(
    uow: &mut Uow<'_, '_>,
    wallet: Id<kinds::Wallet>,
    customer: Id<kinds::Customer>,
) -> Result<(), StoreError> {
    let now = uow.now();
    uow.execute("INSERT INTO wallet(id, customer, created) VALUES (?1, ?2, ?3)", params![wallet, customer, now])?;
    Ok(())
}

pub(super) fn insert_account(uow: &mut Uow<'_, '_>, new: &WalletAccount) -> Result<(), StoreError> {
    let now = uow.now();
    // A further account is guarded like those that are there.
    let sql = "INSERT INTO wallet_account(wallet, currency, customer, account, account_id, receivable, opened, guarded) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(guarded), 0) FROM wallet_account WHERE wallet = ?1))";
    let number = new.currency.number();
    let params = params![new.wallet, number, new.customer, new.account.0, new.id, new.receivable.0, now];
    uow.execute(sql, params).map(drop)
}

/// Notes whether a customer's movements have somebody to confirm them. After the commit forget her accounts in memory.
pub(crate) fn set_guarded(
    uow: &mut Uow<'_, '_>,
    customer: Id<kinds::Customer>,
    guarded: bool,
) -> Result<(), StoreError> {
    let Some(wallet) = of_customer(uow.reading(), customer)? else { return Ok(()) };
    uow.tell(Kind::Guarded.of(customer.as_u128()));
    uow.execute("UPDATE wallet_account SET guarded = ?2 WHERE wallet = ?1", params![wallet, guarded]).map(drop)
}

pub(super) fn insert_party(uow: &mut Uow<'_, '_>, group: GroupNo, party: &LimitParty) -> Result<(), StoreError> {
    let sql = "INSERT INTO limit_party(group_no, owner, currency, person) VALUES (?1, ?2, ?3, ?4)";
    let owner = party.owner.to_be_bytes();
    uow.execute(sql, params![group.0, &owner, party.currency, party.person]).map(drop)
}

/// Whose a limit group is.
///
/// # Errors
/// When the database fails.
pub fn limit_party(reading: Reading<'_>, group: GroupNo) -> Result<Option<LimitParty>, StoreError> {
    let sql = "SELECT owner, currency, person FROM limit_party WHERE group_no = ?1";
    Ok(reading.query_opt(sql, params![group.0], |row| {
        Ok(LimitParty { owner: row.u128(0)?, currency: row.small(1)?, person: row.flag(2)? })
    })?)
}

/// The person's limit group in a currency.
pub(super) fn person_group(
    reading: Reading<'_>,
    owner: u128,
    currency: Currency,
) -> Result<Option<GroupNo>, StoreError> {
    let sql = "SELECT group_no FROM limit_party WHERE owner = ?1 AND currency = ?2 AND person = 1";
    let found = reading.query_opt(sql, params![&owner.to_be_bytes(), currency.number()], |row| row.small(0))?;
    Ok(found.map(GroupNo))
}

/// All limit groups of a customer.
pub(crate) fn groups_of(reading: Reading<'_>, owner: u128) -> Result<Vec<(GroupNo, LimitParty)>, StoreError> {
    let sql = "SELECT group_no, owner, currency, person FROM limit_party WHERE owner = ?1 ORDER BY group_no";
    Ok(reading.query(sql, params![&owner.to_be_bytes()], |row| {
        let party = LimitParty { owner: row.u128(1)?, currency: row.small(2)?, person: row.flag(3)? };
        Ok((GroupNo(row.small(0)?), party))
    })?)
}

const COLUMNS: &str = "account, account_id, wallet, customer, receivable, guarded, currency";

fn read(row: &Row<'_>, currency: Currency) -> Result<WalletAccount, SqlError> {
    Ok(WalletAccount {
        account: AccountNo(row.small(0)?),
        id: row.id(1)?,
        wallet: row.id(2)?,
        customer: row.id(3)?,
        currency,
        receivable: AccountNo(row.small(4)?),
        guarded: row.flag(5)?,
    })
}

fn read_any(row: &Row<'_>, currencies: &Currencies) -> Result<WalletAccount, SqlError> {
    let currency = currencies.by_number(row.small(6)?).ok_or(SqlError::Corrupt("a wallet's currency is not known"))?;
    read(row, currency)
}

/// The account of a wallet in a currency.
///
/// # Errors
/// When the database fails.
pub fn account(
    reading: Reading<'_>,
    wallet: Id<kinds::Wallet>,
    currency: Currency,
) -> Result<Option<WalletAccount>, StoreError> {
    let sql = "SELECT account, account_id, wallet, customer, receivable, guarded FROM wallet_account \
        WHERE wallet = ?1 AND currency = ?2";
    Ok(reading.query_opt(sql, params![wallet, currency.number()], |row| read(row, currency))?)
}

/// The wallet account that is this ledger account.
///
/// # Errors
/// When the database fails.
pub fn by_account(
    reading: Reading<'_>,
    no: AccountNo,
    currencies: &Currencies,
) -> Result<Option<WalletAccount>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM wallet_account WHERE account = ?1");
    Ok(reading.query_opt(&sql, params![no.0], |row| read_any(row, currencies))?)
}

/// All accounts of a wallet.
///
/// # Errors
/// When the database fails.
pub fn of_wallet(
    reading: Reading<'_>,
    wallet: Id<kinds::Wallet>,
    currencies: &Currencies,
) -> Result<Vec<WalletAccount>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM wallet_account WHERE wallet = ?1 ORDER BY currency");
    Ok(reading.query(&sql, params![wallet], |row| read_any(row, currencies))?)
}

/// The wallet of a customer.
///
/// # Errors
/// When the database fails.
pub fn of_customer(
    reading: Reading<'_>,
    customer: Id<kinds::Customer>,
) -> Result<Option<Id<kinds::Wallet>>, StoreError> {
    Ok(reading.query_opt("SELECT id FROM wallet WHERE customer = ?1", params![customer], |row| row.id(0))?)
}

/// Whose a wallet is.
///
/// # Errors
/// When the database fails.
pub fn owner_of(reading: Reading<'_>, wallet: Id<kinds::Wallet>) -> Result<Option<Id<kinds::Customer>>, StoreError> {
    Ok(reading.query_opt("SELECT customer FROM wallet WHERE id = ?1", params![wallet], |row| row.id(0))?)
}

//! The account tables: what the rules need of an account, and what they need not (owner, product, general-ledger code).

use ledger::{Account, AccountNo, BookNo, Class, Floor, Freeze, GroupNo};
use sql::{Connection, Prepared, Row, SqlError};
use vocabulary::{Timestamp, kinds};

/// Typed id of an account.
pub type AccountId = vocabulary::Id<kinds::Account>;

/// An account to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Its id, unique for ever.
    pub id: AccountId,
    /// Its currency and legal entity.
    pub book: BookNo,
    /// Its class.
    pub class: Class,
    /// Its place in the general ledger.
    pub gl_code: String,
    /// The product it belongs to.
    pub product: String,
    /// Whose it is: a customer or merchant; the bank's own when nobody's.
    pub owner: Option<u128>,
    /// How low it may go.
    pub floor: Floor,
    /// Its own limit group and its owner's.
    pub groups: [GroupNo; 2],
    /// Where forced shortfalls go, `AccountNo(0)` for nowhere.
    pub receivable: AccountNo,
}

/// An account with what the rules need not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// What the rules know. The counters may lag in a snapshot: balances come from the journal, see `Snapshot::balance`.
    pub account: Account,
    /// Its place in the general ledger.
    pub gl_code: String,
    /// The product it belongs to.
    pub product: String,
    /// Whose it is.
    pub owner: Option<u128>,
    /// When it was opened.
    pub opened: Timestamp,
}

const COLUMNS: &str = "no, book, class, floor, freeze, frozen, closed, group_own, group_owner, receivable, debits_posted, \
    credits_posted, debits_pending, credits_pending, last, id, gl_code, product, owner, opened";

/// How many neighbours are loaded with an account: they lie on the same page.
const NEIGHBOURS: u64 = 32;

fn read(row: &Row<'_>) -> Result<Account, SqlError> {
    let freeze = row.int(4)?;
    Ok(Account {
        no: AccountNo(row.small(0)?),
        book: BookNo(row.small(1)?),
        class: Class::from_number(row.small(2)?).ok_or(SqlError::Corrupt("an account's class"))?,
        floor: row.opt_int(3)?.map_or(Floor::None, Floor::At),
        freeze: Freeze { debit: freeze & 1 != 0, credit: freeze & 2 != 0, amount: row.int(5)? },
        closed: row.flag(6)?,
        groups: [GroupNo(row.small(7)?), GroupNo(row.small(8)?)],
        receivable: AccountNo(row.small(9)?),
        debits_posted: row.int(10)?,
        credits_posted: row.int(11)?,
        debits_pending: row.int(12)?,
        credits_pending: row.int(13)?,
        last: row.small(14)?,
    })
}

fn read_row(row: &Row<'_>) -> Result<AccountRow, SqlError> {
    Ok(AccountRow {
        account: read(row)?,
        id: row.id(15)?,
        gl_code: row.text(16)?,
        product: row.text(17)?,
        owner: row.opt_u128(18)?,
        opened: row.time(19)?,
    })
}

/// The account and its neighbours, as they stand in the table.
pub(crate) fn load_around(
    connection: &Connection,
    no: AccountNo,
    visit: impl FnMut(Account) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let first = no.0 - no.0 % NEIGHBOURS;
    let sql = "SELECT no, book, class, floor, freeze, frozen, closed, group_own, group_owner, receivable, debits_posted, \
        credits_posted, debits_pending, credits_pending, last FROM account JOIN account_total USING (no) WHERE no >= ?1 AND no < ?2";
    let mut visit = visit;
    connection.each(sql, sql::params![first, first + NEIGHBOURS], |row| visit(read(row)?))
}

pub(crate) fn by_no(connection: &Connection, no: AccountNo) -> Result<Option<AccountRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM account JOIN account_total USING (no) WHERE no = ?1");
    connection.query_opt(&sql, sql::params![no.0], read_row)
}

pub(crate) fn by_id(connection: &Connection, id: AccountId) -> Result<Option<AccountRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM account JOIN account_total USING (no) WHERE id = ?1");
    connection.query_opt(&sql, sql::params![id], read_row)
}

pub(crate) fn page(connection: &Connection, after: AccountNo, limit: u32) -> Result<Vec<AccountRow>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM account JOIN account_total USING (no) WHERE no > ?1 ORDER BY no LIMIT ?2");
    connection.query(&sql, sql::params![after.0, limit], read_row)
}

pub(crate) const INSERT: &str = "INSERT INTO account(no, id, book, class, gl_code, product, owner, floor, freeze, frozen, \
    closed, group_own, group_owner, receivable, opened) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";
pub(crate) const INSERT_TOTAL: &str = "INSERT INTO account_total(no, debits_posted, credits_posted, debits_pending, \
    credits_pending, last) VALUES (?1, 0, 0, 0, 0, 0)";

pub(crate) const CHANGE: &str =
    "UPDATE account SET floor = ?2, freeze = ?3, frozen = ?4, closed = ?5, receivable = ?6 WHERE no = ?1";

pub(crate) const WRITE_COUNTERS: &str = "UPDATE account_total SET debits_posted = ?2, credits_posted = ?3, debits_pending = ?4, \
    credits_pending = ?5, last = ?6 WHERE no = ?1";

/// Writes the counters of a dirty account; the statement is [`WRITE_COUNTERS`].
pub(crate) fn write_counters(statement: &mut Prepared<'_>, account: &Account) -> Result<(), SqlError> {
    let params = sql::params![
        account.no.0,
        account.debits_posted,
        account.credits_posted,
        account.debits_pending,
        account.credits_pending,
        account.last
    ];
    statement.execute(params).map(drop)
}

pub(crate) fn floor_of(floor: Floor) -> Option<i64> {
    match floor {
        Floor::None => None,
        Floor::At(at) => Some(at),
    }
}

pub(crate) fn freeze_bits(freeze: Freeze) -> i64 {
    i64::from(freeze.debit) | i64::from(freeze.credit) << 1
}

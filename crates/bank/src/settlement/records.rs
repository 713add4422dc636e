//! The tables of settlements, of days that were scheduled, and of claims for fees.

use super::{Settlement, SettlementState, Shares, Totals};
use ledger::AccountNo;
use sql::{Reading, Row, SqlError};
use store::{Migration, StoreError, Uow};
use vocabulary::{BookingDate, Id, kinds};

/// Settlements.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 35,
    name: "settlements",
    sql: "CREATE TABLE settlement (
        id BLOB PRIMARY KEY NOT NULL, merchant BLOB NOT NULL, currency INTEGER NOT NULL, day INTEGER NOT NULL,
        value_day INTEGER NOT NULL, state INTEGER NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL,
        opening INTEGER NOT NULL, closing INTEGER NOT NULL, payments INTEGER NOT NULL, payments_count INTEGER NOT NULL,
        refunds INTEGER NOT NULL, refunds_count INTEGER NOT NULL, charge_backs INTEGER NOT NULL, fees INTEGER NOT NULL,
        tax INTEGER NOT NULL, from_reserve INTEGER NOT NULL, settled INTEGER NOT NULL, other INTEGER NOT NULL,
        fees_put_back INTEGER NOT NULL, repaid INTEGER NOT NULL, fees_collected INTEGER NOT NULL, reserved INTEGER NOT NULL,
        paid_out INTEGER NOT NULL, owed INTEGER NOT NULL, payout BLOB, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX settlement_by_day ON settlement(merchant, currency, day);
        CREATE INDEX settlement_by_merchant ON settlement(merchant, id);
        CREATE TABLE settlement_day (day INTEGER PRIMARY KEY NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE settlement_claim (
        merchant BLOB NOT NULL, currency INTEGER NOT NULL, account INTEGER NOT NULL,
        PRIMARY KEY (merchant, currency)) STRICT, WITHOUT ROWID;",
}];

const COLUMNS: &str = "id, merchant, currency, day, value_day, state, first_line, last_line, opening, closing, payments, \
    payments_count, refunds, refunds_count, charge_backs, fees, tax, from_reserve, settled, other, fees_put_back, repaid, \
    fees_collected, reserved, paid_out, owed, payout, created";

fn read(row: &Row<'_>) -> Result<Settlement, SqlError> {
    Ok(Settlement {
        id: row.id(0)?,
        merchant: row.id(1)?,
        currency: row.small(2)?,
        day: BookingDate::from_days(row.small(3)?),
        value_day: BookingDate::from_days(row.small(4)?),
        state: SettlementState::from_number(row.small(5)?).ok_or(SqlError::Corrupt("a settlement's state"))?,
        lines: (row.small(6)?, row.small(7)?),
        balances: (row.int(8)?, row.int(9)?),
        totals: Totals {
            payments: row.int(10)?,
            payments_count: row.small(11)?,
            refunds: row.int(12)?,
            refunds_count: row.small(13)?,
            charge_backs: row.int(14)?,
            fees: row.int(15)?,
            tax: row.int(16)?,
            from_reserve: row.int(17)?,
            settled: row.int(18)?,
            other: row.int(19)?,
        },
        shares: Shares {
            fees_put_back: row.int(20)?,
            repaid: row.int(21)?,
            fees_collected: row.int(22)?,
            reserved: row.int(23)?,
            paid_out: row.int(24)?,
        },
        owed: row.int(25)?,
        payout: row.opt_id(26)?,
        created: row.time(27)?,
    })
}

/// The settlement.
///
/// # Errors
/// When the database fails.
pub fn by_id(reading: Reading<'_>, id: Id<kinds::Settlement>) -> Result<Option<Settlement>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM settlement WHERE id = ?1");
    Ok(reading.query_opt(&sql, sql::params![id], read)?)
}

/// A merchant's settlements, newest first, from before an id on.
///
/// # Errors
/// When the database fails.
pub fn list(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    before: Option<Id<kinds::Settlement>>,
    limit: u32,
) -> Result<Vec<Settlement>, StoreError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    let sql = format!(
        "SELECT {COLUMNS} FROM settlement WHERE merchant = ?1 AND id < ?2 ORDER BY merchant DESC, id DESC LIMIT ?3"
    );
    Ok(reading.query(&sql, sql::params![merchant, before, limit], read)?)
}

/// The last settlement of a merchant in a currency.
pub(crate) fn last(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    currency: u16,
) -> Result<Option<Settlement>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM settlement WHERE merchant = ?1 AND currency = ?2 \
        ORDER BY merchant DESC, currency DESC, day DESC LIMIT 1"
    );
    Ok(reading.query_opt(&sql, sql::params![merchant, currency], read)?)
}

/// Writes a new settlement.
pub(crate) fn insert(uow: &mut Uow<'_, '_>, row: &Settlement) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO settlement({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
        ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)"
    );
    let (totals, shares) = (&row.totals, &row.shares);
    let params = sql::params![
        row.id,
        row.merchant,
        row.currency,
        row.day.days(),
        row.value_day.days(),
        row.state as u8,
        row.lines.0,
        row.lines.1,
        row.balances.0,
        row.balances.1,
        totals.payments,
        totals.payments_count,
        totals.refunds,
        totals.refunds_count,
        totals.charge_backs,
        totals.fees,
        totals.tax,
        totals.from_reserve,
        totals.settled,
        totals.other,
        shares.fees_put_back,
        shares.repaid,
        shares.fees_collected,
        shares.reserved,
        shares.paid_out,
        row.owed,
        row.payout,
        row.created
    ];
    uow.put(&sql, params)
}

/// Writes how far a settlement has come.
pub(crate) fn set_state(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Settlement>,
    state: SettlementState,
    payout: Option<Id<kinds::Payout>>,
) -> Result<(), StoreError> {
    let sql = "UPDATE settlement SET state = ?2, payout = ?3 WHERE id = ?1";
    uow.put(sql, sql::params![id, state as u8, payout])
}

/// Notes that a day's job was scheduled. False when it was before.
pub(crate) fn note_day(uow: &mut Uow<'_, '_>, day: BookingDate) -> Result<bool, StoreError> {
    let now = uow.now();
    let sql = "INSERT INTO settlement_day(day, created) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(uow.execute(sql, sql::params![day.days(), now])? == 1)
}

/// Whether any day was scheduled.
pub(crate) fn any_day(reading: Reading<'_>) -> Result<bool, StoreError> {
    Ok(reading.number("SELECT count(*) FROM settlement_day", &[])? > 0)
}

/// The account of the bank's claim for a merchant's fees under gross terms.
pub(crate) fn claim(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    currency: u16,
) -> Result<Option<AccountNo>, StoreError> {
    let sql = "SELECT account FROM settlement_claim WHERE merchant = ?1 AND currency = ?2";
    Ok(reading.query_opt(sql, sql::params![merchant, currency], |row| row.small(0))?.map(AccountNo))
}

/// Writes that account.
pub(crate) fn insert_claim(
    uow: &mut Uow<'_, '_>,
    merchant: Id<kinds::Merchant>,
    currency: u16,
    account: AccountNo,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO settlement_claim(merchant, currency, account) VALUES (?1, ?2, ?3)";
    uow.put(sql, sql::params![merchant, currency, account.0])
}

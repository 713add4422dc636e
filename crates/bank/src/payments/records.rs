//! The tables of payments and their holds.
//!
//! A payment's row is written once on the hot path; ids grow with time, so the table grows at its end and no other page is
//! touched. What only holds need stands in a table of its own.

use super::{Method, Payment, PaymentState};
use crate::fees::FeeParts;
use crate::policies::{Bearer, Fee, RoundingRule};
use ledger::AccountNo;
use sql::{Reading, Row, SqlError};
use store::{Migration, StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// Payments, and what open holds need.
pub const MIGRATIONS: &[Migration] = &[PAYMENTS, HOLDS];

const PAYMENTS: Migration = Migration {
    version: 32,
    name: "payments",
    sql: "CREATE TABLE payment (
        id BLOB PRIMARY KEY NOT NULL, state INTEGER NOT NULL, method INTEGER NOT NULL, merchant BLOB NOT NULL, store BLOB,
        payer BLOB NOT NULL, wallet BLOB NOT NULL, from_account INTEGER NOT NULL, to_account INTEGER NOT NULL,
        reserve_account INTEGER NOT NULL, currency INTEGER NOT NULL, amount INTEGER NOT NULL, captured INTEGER NOT NULL,
        refunded INTEGER NOT NULL, waiting INTEGER NOT NULL, disputed INTEGER NOT NULL, charged_back INTEGER NOT NULL,
        refunds INTEGER NOT NULL, fee INTEGER NOT NULL, tax INTEGER NOT NULL, fee_back INTEGER NOT NULL,
        tax_back INTEGER NOT NULL, terms INTEGER NOT NULL, order_id BLOB, reference TEXT, description TEXT,
        entry INTEGER NOT NULL, day INTEGER NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

const HOLDS: Migration = Migration {
    version: 33,
    name: "holds and captures of payments",
    sql: "CREATE TABLE payment_hold (
        payment BLOB PRIMARY KEY NOT NULL, entry BLOB NOT NULL, expires INTEGER NOT NULL, fixed INTEGER NOT NULL,
        bps INTEGER NOT NULL, least INTEGER NOT NULL, most INTEGER, tax_bps INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE payment_capture (
        id BLOB PRIMARY KEY NOT NULL, payment BLOB NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL,
        tax INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX payment_capture_by_payment ON payment_capture(payment, id);",
};

const COLUMNS: &str = "id, state, method, merchant, store, payer, wallet, from_account, to_account, reserve_account, currency, \
    amount, captured, refunded, waiting, disputed, charged_back, refunds, fee, tax, fee_back, tax_back, terms, order_id, \
    reference, description, entry, day, created";

/// Bearer, refundable and rounding in one small integer.
fn pack(payment: &Payment) -> i64 {
    let rounding = match payment.rounding {
        RoundingRule::Down => 0,
        RoundingRule::Up => 1,
        RoundingRule::HalfUp => 2,
        RoundingRule::HalfEven => 3,
    };
    i64::from(payment.bearer == Bearer::Payer) | i64::from(payment.refundable) << 1 | rounding << 2
}

fn unpack(terms: i64) -> (Bearer, bool, RoundingRule) {
    let rounding = match terms >> 2 & 3 {
        0 => RoundingRule::Down,
        1 => RoundingRule::Up,
        2 => RoundingRule::HalfUp,
        _ => RoundingRule::HalfEven,
    };
    (if terms & 1 == 1 { Bearer::Payer } else { Bearer::Payee }, terms & 2 == 2, rounding)
}

fn read(row: &Row<'_>) -> Result<Payment, SqlError> {
    let method = if row.int(2)? == Method::Immediate as i64 { Method::Immediate } else { Method::Hold };
    let (bearer, refundable, rounding) = unpack(row.int(22)?);
    Ok(Payment {
        id: row.id(0)?,
        state: PaymentState::from_number(row.small(1)?).ok_or(SqlError::Corrupt("a payment's state"))?,
        method,
        merchant: row.id(3)?,
        store: row.opt_id(4)?,
        payer: row.id(5)?,
        wallet: row.id(6)?,
        from: AccountNo(row.small(7)?),
        to: AccountNo(row.small(8)?),
        reserve: AccountNo(row.small(9)?),
        currency: row.small(10)?,
        amount: row.int(11)?,
        captured: row.int(12)?,
        refunded: row.int(13)?,
        waiting: row.int(14)?,
        disputed: row.int(15)?,
        charged_back: row.int(16)?,
        refunds: row.small(17)?,
        charged: FeeParts { fee: row.int(18)?, tax: row.int(19)? },
        given_back: FeeParts { fee: row.int(20)?, tax: row.int(21)? },
        bearer,
        refundable,
        rounding,
        order: row.opt_id(23)?,
        reference: row.opt_text(24)?,
        description: row.opt_text(25)?,
        entry: row.small(26)?,
        day: row.small(27)?,
        created: row.time(28)?,
    })
}

/// The payment.
///
/// # Errors
/// When the database fails.
pub fn by_id(reading: Reading<'_>, id: Id<kinds::Payment>) -> Result<Option<Payment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM payment WHERE id = ?1");
    Ok(reading.query_opt(&sql, sql::params![id], read)?)
}

/// Writes a new payment.
pub(crate) fn insert(uow: &mut Uow<'_, '_>, payment: &Payment) -> Result<(), StoreError> {
    let sql = "INSERT INTO payment(id, state, method, merchant, store, payer, wallet, from_account, to_account, \
        reserve_account, currency, amount, captured, refunded, waiting, disputed, charged_back, refunds, fee, tax, fee_back, \
        tax_back, terms, order_id, reference, description, entry, day, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
        ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)";
    let params = sql::params![
        payment.id,
        payment.state as u8,
        payment.method as u8,
        payment.merchant,
        payment.store,
        payment.payer,
        payment.wallet,
        payment.from.0,
        payment.to.0,
        payment.reserve.0,
        payment.currency,
        payment.amount,
        payment.captured,
        payment.refunded,
        payment.waiting,
        payment.disputed,
        payment.charged_back,
        payment.refunds,
        payment.charged.fee,
        payment.charged.tax,
        payment.given_back.fee,
        payment.given_back.tax,
        pack(payment),
        payment.order,
        payment.reference.as_deref(),
        payment.description.as_deref(),
        payment.entry,
        payment.day,
        payment.created
    ];
    uow.put(sql, params)
}

/// Writes what changes in a payment's life: its state and its sums.
pub(crate) fn update(uow: &mut Uow<'_, '_>, payment: &Payment) -> Result<(), StoreError> {
    let sql = "UPDATE payment SET state = ?2, captured = ?3, refunded = ?4, waiting = ?5, disputed = ?6, charged_back = ?7, \
        refunds = ?8, fee = ?9, tax = ?10, fee_back = ?11, tax_back = ?12 WHERE id = ?1";
    let params = sql::params![
        payment.id,
        payment.state as u8,
        payment.captured,
        payment.refunded,
        payment.waiting,
        payment.disputed,
        payment.charged_back,
        payment.refunds,
        payment.charged.fee,
        payment.charged.tax,
        payment.given_back.fee,
        payment.given_back.tax
    ];
    uow.put(sql, params)
}

/// A payment's hold and the fee plan under which it was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentHold {
    /// The entry that placed it.
    pub entry: u128,
    /// When it expires.
    pub expires: Timestamp,
    /// The fee plan.
    pub fee: Fee,
}

/// The payment's hold, open or not.
pub(crate) fn hold(reading: Reading<'_>, payment: &Payment) -> Result<Option<PaymentHold>, StoreError> {
    let sql = "SELECT entry, expires, fixed, bps, least, most, tax_bps FROM payment_hold WHERE payment = ?1";
    Ok(reading.query_opt(sql, sql::params![payment.id], |row| {
        let fee = Fee {
            fixed_minor: row.int(2)?,
            bps: row.small(3)?,
            min_minor: row.int(4)?,
            max_minor: row.opt_int(5)?,
            bearer: payment.bearer,
            tax_bps: row.small(6)?,
            refundable: payment.refundable,
            rounding: payment.rounding,
        };
        Ok(PaymentHold { entry: row.u128(0)?, expires: row.time(1)?, fee })
    })?)
}

/// Writes a payment's hold.
pub(crate) fn insert_hold(
    uow: &mut Uow<'_, '_>,
    payment: Id<kinds::Payment>,
    hold: &PaymentHold,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO payment_hold(payment, entry, expires, fixed, bps, least, most, tax_bps) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let fee = &hold.fee;
    let entry = hold.entry.to_be_bytes();
    let params = sql::params![
        payment,
        &entry,
        hold.expires,
        fee.fixed_minor,
        fee.bps,
        fee.min_minor,
        fee.max_minor,
        fee.tax_bps
    ];
    uow.put(sql, params)
}

/// Writes a capture.
pub(crate) fn insert_capture(
    uow: &mut Uow<'_, '_>,
    (id, payment): (Id<kinds::Capture>, Id<kinds::Payment>),
    amount: i64,
    fee: FeeParts,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO payment_capture(id, payment, amount, fee, tax, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let now = uow.now();
    uow.put(sql, sql::params![id, payment, amount, fee.fee, fee.tax, now])
}

//! The table of orders.

use super::{Order, OrderState};
use sql::{Reading, Row, SqlError};
use store::{Migration, StoreError, Uow};
use vocabulary::{Id, kinds};

/// Orders.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 31,
    name: "orders",
    sql: "CREATE TABLE merchant_order (
        id BLOB PRIMARY KEY NOT NULL, merchant BLOB NOT NULL, store BLOB, currency INTEGER NOT NULL, amount INTEGER NOT NULL,
        reference TEXT NOT NULL, description TEXT, state INTEGER NOT NULL, expires INTEGER NOT NULL,
        created INTEGER NOT NULL, payment BLOB) STRICT, WITHOUT ROWID;
        CREATE INDEX merchant_order_by_merchant ON merchant_order(merchant, id);",
}];

const COLUMNS: &str = "id, merchant, store, currency, amount, reference, description, state, expires, created, payment";

fn read(row: &Row<'_>) -> Result<Order, SqlError> {
    Ok(Order {
        id: row.id(0)?,
        merchant: row.id(1)?,
        store: row.opt_id(2)?,
        currency: row.small(3)?,
        amount: row.int(4)?,
        reference: row.text(5)?,
        description: row.opt_text(6)?,
        state: OrderState::from_number(row.small(7)?).ok_or(SqlError::Corrupt("an order's state"))?,
        expires: row.time(8)?,
        created: row.time(9)?,
        payment: row.opt_id(10)?,
    })
}

/// The order.
///
/// # Errors
/// When the database fails.
pub fn by_id(reading: Reading<'_>, id: Id<kinds::Order>) -> Result<Option<Order>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchant_order WHERE id = ?1");
    Ok(reading.query_opt(&sql, sql::params![id], read)?)
}

/// A merchant's orders, newest first, from before an id on.
///
/// # Errors
/// When the database fails.
pub fn list(
    reading: Reading<'_>,
    merchant: Id<kinds::Merchant>,
    before: Option<Id<kinds::Order>>,
    limit: u32,
) -> Result<Vec<Order>, StoreError> {
    let before = before.unwrap_or(Id::from_u128(u128::MAX));
    let sql = format!(
        "SELECT {COLUMNS} FROM merchant_order WHERE merchant = ?1 AND id < ?2 ORDER BY merchant DESC, id DESC LIMIT ?3"
    );
    Ok(reading.query(&sql, sql::params![merchant, before, limit], read)?)
}

/// Writes a new order.
pub(crate) fn insert(uow: &mut Uow<'_, '_>, order: &Order) -> Result<(), StoreError> {
    let sql = "INSERT INTO merchant_order(id, merchant, store, currency, amount, reference, description, state, expires, \
        created, payment) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let params = sql::params![
        order.id,
        order.merchant,
        order.store,
        order.currency,
        order.amount,
        order.reference.as_str(),
        order.description.as_deref(),
        order.state as u8,
        order.expires,
        order.created,
        order.payment
    ];
    uow.put(sql, params)
}

/// Moves an order to a state, with the payment that concerns it.
pub(crate) fn set_state(
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Order>,
    state: OrderState,
    payment: Option<Id<kinds::Payment>>,
) -> Result<(), StoreError> {
    let sql = "UPDATE merchant_order SET state = ?2, payment = ?3 WHERE id = ?1";
    uow.put(sql, sql::params![id, state as u8, payment])
}

//! Orders: what a merchant wants to be paid, once; each with a dynamic code.

use crate::dto::{Cursor, Listing, Moment, Money, Page, Ref, ids, page};
use bank::orders::{self, CreateOrder, OrderView};
use bank::{BankError, Currencies};
use edge::caller::{AsMerchant, PaymentsRead, PaymentsWrite};
use edge::reply::{self, Handled, Reply};
use edge::{BareCommand, Command, Params, PathId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// An order to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": "25.00", "currency": "CNY"}, "reference": "A-1001", "description": "Two bowls of noodles"}))]
pub struct NewOrder {
    /// How much.
    pub amount: Money,
    /// The merchant's name for it, unique for ever.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: String,
    /// What the payer is shown.
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// At which store.
    pub store: Option<ids::Store>,
    /// How many seconds it can be paid; as the bank's policy says when absent.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub expires_in: Option<u32>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: ids::Order,
    /// At which store.
    pub store: Option<ids::Store>,
    /// How much.
    pub amount: Money,
    /// The merchant's name for it.
    #[schema(example = "A-1001")]
    pub reference: String,
    /// What the payer is shown.
    pub description: Option<String>,
    /// Its state.
    #[schema(value_type = OrderState)]
    pub state: orders::OrderState,
    /// From then on it cannot be paid.
    pub expires_at: Moment,
    /// When it was opened.
    pub created_at: Moment,
    /// The payment that pays it, or holds money for it.
    pub payment: Option<ids::Payment>,
}

/// The state of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum OrderState {
    /// It can be paid.
    Open,
    /// Somebody's money is held for it.
    Authorized,
    /// It was paid.
    Paid,
    /// The merchant took it back.
    Cancelled,
    /// Its time is over.
    Expired,
}

fn show(currencies: &Currencies, view: OrderView) -> Order {
    Order {
        id: view.id.into(),
        store: view.store.map(Ref),
        amount: Money::of(currencies, view.amount, &view.currency),
        reference: view.reference,
        description: view.description,
        state: view.state,
        expires_at: view.expires_at.into(),
        created_at: view.created_at.into(),
        payment: view.payment.map(Ref),
    }
}

/// Open an order
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = NewOrder,
    responses((status = 201, description = "The order.", body = Order)))]
pub async fn create(who: AsMerchant<PaymentsWrite>, command: Command<NewOrder>) -> Handled<Order> {
    let Command { key, body, .. } = command;
    let create = CreateOrder {
        principal: who.principal(),
        key: Some(key),
        merchant: who.merchant(),
        store: body.store.map(|store| store.0),
        amount: body.amount.positive(&who.bank, "/amount")?,
        reference: body.reference,
        description: body.description,
        seconds: body.expires_in,
    };
    let currencies = who.bank.currencies();
    reply::created(&who.bank, orders::create(&who.bank, create).await, |view| show(&currencies, view))
}

/// Look at an order
#[utoipa::path(get, path = "/v1/orders/{order}", tag = "orders",
    responses((status = 200, description = "The order.", body = Order)))]
pub async fn get(who: AsMerchant<PaymentsRead>, PathId(id): PathId<kinds::Order>) -> Handled<Order> {
    let (merchant, currencies) = (who.merchant(), who.bank.currencies());
    let known = who.bank.currencies();
    let found = who.bank.store().read(move |snapshot| {
        let found = orders::by_id(snapshot.reading(), id)?.filter(|order| order.merchant == merchant);
        Ok(found.map(|order| order.view(&known, snapshot.now())))
    });
    let view = reply::found(found.await.map_err(BankError::from))?;
    Ok(Reply::ok(show(&currencies, view)))
}

/// List orders
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<Order>)))]
pub async fn list(who: AsMerchant<PaymentsRead>, Params(listing): Params<Listing>) -> Handled<Page<Order>> {
    let (before, limit) = (listing.before()?, listing.rows()?);
    let (merchant, currencies) = (who.merchant(), who.bank.currencies());
    let known = who.bank.currencies();
    let rows = who.bank.store().read(move |snapshot| {
        let found = orders::list(snapshot.reading(), merchant, before, limit)?;
        Ok(found.iter().map(|order| order.view(&known, snapshot.now())).collect::<Vec<_>>())
    });
    let rows = rows.await.map_err(BankError::from)?;
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view))
}

/// Take an order back
#[utoipa::path(post, path = "/v1/orders/{order}/cancel", tag = "orders",
    responses((status = 200, description = "The order.", body = Order)))]
pub async fn cancel(
    who: AsMerchant<PaymentsWrite>,
    PathId(id): PathId<kinds::Order>,
    command: BareCommand,
) -> Handled<Order> {
    let currencies = who.bank.currencies();
    let answer = orders::cancel(&who.bank, who.principal(), Some(command.key), id).await;
    reply::done(&who.bank, answer, |view| show(&currencies, view))
}

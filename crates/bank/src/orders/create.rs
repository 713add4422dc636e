//! Create an order.
//!
//! Race closed: two requests with one reference — the second finds the order that the first made and is answered with it, or
//! refused when it asked for something else.

use super::expire::JOB_EXPIRE;
use super::rules::{self, CreateRejection};
use super::{Order, OrderState, OrderView, records};
use crate::references::{self, Named};
use crate::{Answer, Bank, BankError, Desk, Principal, Refusal, Wish, merchants};
use money::Money;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{Id, kinds};

/// A wish for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOrder {
    /// Who asks.
    pub principal: Principal,
    /// The idempotency key.
    pub key: Option<String>,
    /// The merchant to be paid.
    pub merchant: Id<kinds::Merchant>,
    /// At which store, if it matters.
    pub store: Option<Id<kinds::Store>>,
    /// How much.
    pub amount: Money,
    /// The merchant's name for it, unique for ever.
    pub reference: String,
    /// What the payer is shown.
    pub description: Option<String>,
    /// Its life in seconds; as the policy says when not given.
    pub seconds: Option<u32>,
}

/// Creates an order.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn create(bank: &Bank, command: CreateOrder) -> Result<Answer<OrderView>, BankError> {
    let wish = match &command.key {
        Some(key) => {
            let amount = (command.amount.minor(), command.amount.currency().number());
            let asked = (command.merchant, command.store, amount, &command.reference, &command.description);
            let body = format!("{asked:?} {:?}", command.seconds);
            Wish::new(command.principal, "orders.create", key, body.as_bytes())
        }
        None => Wish::internal(command.principal, "orders.create"),
    };
    let (desk, id) = (bank.desk(), bank.new_id());
    bank.once(wish, move |uow| {
        Ok(match act(&desk, uow, &command, id)? {
            Ok(order) => Outcome::Done(order.view(desk.currencies(), uow.now())),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

fn no(rejection: CreateRejection) -> Refusal {
    Refusal::new(rejection.code(), rejection.sentence())
}

fn act(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    command: &CreateOrder,
    id: Id<kinds::Order>,
) -> Result<Result<Order, Refusal>, StoreError> {
    if let Err(text) = references::check(Some(&command.reference), command.description.as_deref()) {
        return Ok(Err(Refusal::new(text.code(), text.sentence()).at(text.field())));
    }
    let policies = desk.policies();
    let (usual, shortest) = (policies.order_seconds, policies.order_shortest_seconds);
    let lives = rules::Lives { usual, shortest, times: policies.order_longest_times };
    let seconds = match rules::create(command.amount.minor(), command.seconds, lives) {
        Ok(seconds) => seconds,
        Err(rejection) => return Ok(Err(no(rejection))),
    };
    if let Some(found) = references::find(uow.reading(), command.merchant, Named::Order, &command.reference)? {
        let found = records::by_id(uow.reading(), Id::from_u128(found))?.filter(|found| same(found, command));
        return Ok(found.ok_or_else(|| no(CreateRejection::ReferenceReused)));
    }
    let currency = command.amount.currency();
    let account = merchants::account(uow.reading(), command.merchant, currency)?;
    if account.is_none_or(|account| !account.active) {
        return Ok(Err(no(CreateRejection::MerchantNotActive)));
    }
    if let Some(store) = command.store
        && merchants::records::store(uow.reading(), store)?.is_none_or(|store| store.merchant != command.merchant)
    {
        return Ok(Err(no(CreateRejection::StoreNotFound)));
    }

    // After this point it must succeed.
    let now = uow.now();
    let order = Order {
        id,
        merchant: command.merchant,
        store: command.store,
        amount: command.amount.minor(),
        currency: currency.number(),
        reference: command.reference.clone(),
        description: command.description.clone(),
        state: OrderState::Open,
        expires: now.plus_seconds(seconds),
        created: now,
        payment: None,
    };
    references::claim(uow, order.merchant, (Named::Order, &order.reference), id.as_u128())?;
    records::insert(uow, &order)?;
    uow.schedule(order.expires, JOB_EXPIRE, id.as_u128())?;
    tell(uow, "order.created", &order);
    Ok(Ok(order))
}

fn same(found: &Order, command: &CreateOrder) -> bool {
    found.amount == command.amount.minor()
        && found.currency == command.amount.currency().number()
        && found.store == command.store
        && found.description == command.description
}

/// Tells the merchant what happened to an order.
pub(super) fn tell(uow: &mut Uow<'_, '_>, kind: &'static str, order: &Order) {
    let body = format!(
        "{{\"order\":\"{}\",\"merchant\":\"{}\",\"amount_minor\":{},\"currency_number\":{}}}",
        order.id, order.merchant, order.amount, order.currency
    );
    let owner = Some(order.merchant.as_u128());
    uow.emit(NewEvent { kind, version: 1, owner, subject: order.id.as_u128(), body });
}

//! Cancel an order: the merchant takes it back.
//!
//! Race closed: cancel against pay — whichever comes first in the writer's order decides, the other is refused; an order for
//! which money is held cannot be cancelled before its hold is voided.

use super::create::tell;
use super::expire::JOB_EXPIRE;
use super::{OrderState, OrderView, records, rules};
use crate::{Answer, Bank, BankError, Principal, Refusal, Wish};
use store::Outcome;
use vocabulary::{ErrorCode, Id, kinds};

/// Cancels an order.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn cancel(
    bank: &Bank,
    principal: Principal,
    key: Option<String>,
    order: Id<kinds::Order>,
) -> Result<Answer<OrderView>, BankError> {
    let wish = match &key {
        Some(key) => Wish::new(principal, "orders.cancel", key, order.to_string().as_bytes()),
        None => Wish::internal(principal, "orders.cancel"),
    };
    let desk = bank.desk();
    bank.once(wish, move |uow| {
        let found = records::by_id(uow.reading(), order)?.filter(|found| match principal {
            Principal::Merchant(merchant) => found.merchant == merchant,
            Principal::Staff(_) | Principal::System => true,
            Principal::Customer(_) => false,
        });
        let Some(mut found) = found else { return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound))) };
        if let Err(no) = rules::cancellable(&found, uow.now()) {
            return Ok(Outcome::Refused(Refusal::new(no.code(), no.sentence())));
        }
        found.state = OrderState::Cancelled;
        records::set_state(uow, order, OrderState::Cancelled, None)?;
        uow.cancel_jobs(JOB_EXPIRE, order.as_u128())?;
        tell(uow, "order.cancelled", &found);
        Ok(Outcome::Done(found.view(desk.currencies(), uow.now())))
    })
    .await
}

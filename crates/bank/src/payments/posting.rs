//! What every action of a payment does with the books and the outbox.

use super::Payment;
use super::refund_rules::Till;
use crate::entries::{self, Intent};
use crate::{Desk, Refusal};
use ledger::{Posted, Step};
use money::Currency;
use store::{NewEvent, StoreError, Uow};
use vocabulary::ErrorCode;

/// A decision: done, or the business "no"; around it the store's trouble.
pub(crate) type Decided<T> = Result<Result<T, Refusal>, StoreError>;

/// The bank's own accounts for fees in a currency.
pub(crate) fn till(desk: &Desk, uow: &mut Uow<'_, '_>, currency: Currency) -> Result<Till, StoreError> {
    let [income, tax] = Till::ACCOUNTS;
    Ok(Till { income: desk.chart().own(uow, income, currency)?, tax: desk.chart().own(uow, tax, currency)? })
}

/// Posts an entry; the ledger's "no" in the words of the one who asked.
pub(crate) fn post(desk: &Desk, uow: &mut Uow<'_, '_>, intent: Intent, steps: Vec<Step>) -> Decided<(u128, Posted)> {
    let entry = entries::draft(desk, uow, intent, steps);
    match uow.post(&entry)? {
        Ok(posted) => Ok(Ok((entry.id, posted))),
        Err(refusal) => Ok(Err(Refusal::of_ledger(desk, uow, intent.principal, &refusal)?)),
    }
}

/// What an account has available; a bank's own account, which has no floor, gives nothing to anybody here.
pub(crate) fn available(uow: &mut Uow<'_, '_>, account: ledger::AccountNo) -> Result<i64, StoreError> {
    Ok(uow.account(account)?.and_then(|account| account.available()).unwrap_or(0))
}

/// Tells the merchant what happened to a payment; `more` is further members of the payload, each with a leading comma.
pub(crate) fn tell(uow: &mut Uow<'_, '_>, kind: &'static str, payment: &Payment, currency: Currency, more: &str) {
    let order = payment.order.map_or_else(String::new, |order| format!(",\"order\":\"{order}\""));
    let body = format!(
        "{{\"payment\":\"{}\",\"merchant\":\"{}\",\"amount_minor\":{},\"captured_minor\":{},\"refunded_minor\":{},\
         \"currency\":\"{currency}\"{order}{more}}}",
        payment.id, payment.merchant, payment.amount, payment.captured, payment.refunded
    );
    let owner = Some(payment.merchant.as_u128());
    uow.emit(NewEvent { kind, version: 1, owner, subject: payment.id.as_u128(), body });
}

/// The payment's currency.
pub(crate) fn currency_of(desk: &Desk, payment: &Payment) -> Result<Currency, StoreError> {
    let found = desk.currencies().by_number(payment.currency);
    found.ok_or(StoreError::Corrupt { table: "payment", finding: "a currency that the tenant does not know" })
}

/// The refusal of an amount whose fee leaves the range.
pub(crate) fn too_large() -> Refusal {
    Refusal::of(ErrorCode::AmountTooLarge).at("amount")
}

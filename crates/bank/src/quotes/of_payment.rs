//! Quote a payment, at once or by a hold.

use super::promise::{self, Made};
use super::{Arrival, QuoteView};
use crate::entries::{self, EntryKind, Intent};
use crate::forecast::{self, Of};
use crate::payments::{self, Checked, How, PayCommand, Prepared};
use crate::policies::Bearer;
use crate::{Bank, BankError, Desk, Refusal};
use money::Money;
use store::{StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// Quotes a payment without making it. Refused as the payment would be, and with `invalid_field` when the command names
/// a quote itself.
///
/// # Errors
/// Trouble.
pub async fn of_payment(bank: &Bank, command: PayCommand, how: How) -> Result<Result<QuoteView, Refusal>, BankError> {
    if command.quote.is_some() {
        let detail = "a quote is not made from another one; leave the quote out";
        return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("quote")));
    }
    let prepared = match payments::prepare(bank, &command).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (desk, id) = (bank.desk(), bank.new_id());
    promise::make(bank, command.principal, move |uow| act(&desk, uow, (&command, &prepared, how), id)).await
}

fn act(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (command, prepared, how): (&PayCommand, &Prepared, How),
    id: Id<kinds::Quote>,
) -> Result<Result<QuoteView, Refusal>, StoreError> {
    let prepared = match payments::check(uow, command, (prepared, how))? {
        Checked::Go(prepared) => prepared,
        Checked::Before(_) => return Ok(Err(Refusal::of(ErrorCode::ReferenceReused).at("reference"))),
        Checked::No(refusal) => return Ok(Err(refusal)),
    };
    let large = || Refusal::of(ErrorCode::AmountTooLarge).at("amount");
    let Ok(fee) = prepared.fee.compute(prepared.amount) else { return Ok(Err(large())) };
    let on_top = if prepared.fee.bearer == Bearer::Payer { fee.total() } else { 0 };
    let (plan, kind, arrival) = match how {
        How::AtOnce => {
            let till = payments::till(desk, uow, prepared.currency)?;
            (payments::plan_pay(&prepared, till), EntryKind::Payment, Arrival::AtOnce)
        }
        How::Hold { seconds } => match payments::hold_life(desk, seconds) {
            Ok(life) => (payments::plan_hold(&prepared, life), EntryKind::PaymentHold, Arrival::OnCapture),
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let (Ok(plan), Ok(amount)) = (plan, Money::new(prepared.amount, prepared.currency)) else {
        return Ok(Err(large()));
    };
    let (principal, channel) = (command.principal, command.channel);
    let entry = entries::draft(desk, uow, Intent { kind, principal, channel, cause: id.as_u128() }, plan.steps);
    let total = prepared.amount + on_top;
    let of = Of { who: principal, account: prepared.payer.account, amount, fee: on_top, total };
    let forecast = match forecast::of(desk, uow, of, entry)? {
        Ok(forecast) => forecast,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let made = Made {
        terms: Some(prepared.fee),
        forecast,
        fee,
        fee_bearer: prepared.fee.bearer,
        payee_receives: prepared.amount - (fee.total() - on_top),
        arrival,
        decided_by: None,
    };
    promise::promise(desk, uow, id, (command.asked(how), made)).map(Ok)
}

//! Authorize: set the amount aside on the payer's account, to be captured, voided, or to expire.
//!
//! Races closed: holds count in what is available, so holds together never exceed the balance, however many ask at once;
//! the expiry job commits with the hold, so no crash leaves a hold that nobody ends.

use super::expire::JOB_EXPIRE;
use super::parties::{self, Prepared};
use super::pay::{self, Checked, How, PayCommand};
use super::plan::plan_hold;
use super::posting::{self, Decided};
use super::records::{self, PaymentHold};
use super::{Method, PaymentView};
use crate::confirmations::{Confirming, Wanted};
use crate::entries::EntryKind;
use crate::orders::OrderState;
use crate::{Answer, Bank, BankError, Desk, Refusal, Wish, quotes};
use store::{Outcome, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// A wish to set money aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeCommand {
    /// Who, whom, how much.
    pub pay: PayCommand,
    /// For how long; as long as the policy says when not given, and never longer.
    pub seconds: Option<u32>,
}

/// Sets the amount aside.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn authorize(bank: &Bank, command: AuthorizeCommand) -> Result<Answer<PaymentView>, BankError> {
    let prepared = parties::prepare(bank, &command.pay).await?;
    let mut body = command.pay.body(false);
    body.extend(command.seconds.unwrap_or(0).to_be_bytes());
    let principal = command.pay.principal;
    let wish = match &command.pay.key {
        Some(key) => Wish::new(principal, "payments.authorize", key, &body),
        None => Wish::internal(principal, "payments.authorize"),
    };
    let (desk, id, confirming) = (bank.desk(), bank.new_id(), Confirming::of(bank));
    bank.once(wish, move |uow| {
        let prepared = match &prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return Ok(Outcome::Refused(refusal.clone())),
        };
        Ok(match act(&desk, uow, &command, (prepared, id, confirming))? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

/// How long a hold lives.
pub(crate) fn life(desk: &Desk, asked: Option<u32>) -> Result<u32, Refusal> {
    let longest = desk.policies().hold_days.saturating_mul(86_400);
    match asked {
        None => Ok(longest),
        Some(seconds) if seconds > 0 && seconds <= longest => Ok(seconds),
        Some(_) => Err(Refusal::new(ErrorCode::InvalidField, format!("a hold lives between 1 and {longest} seconds"))
            .at("seconds")),
    }
}

fn act(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    command: &AuthorizeCommand,
    (prepared, id, confirming): (&Prepared, Id<kinds::Payment>, Confirming),
) -> Decided<PaymentView> {
    let seconds = match life(desk, command.seconds) {
        Ok(seconds) => seconds,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let how = How::Hold { seconds: command.seconds };
    let prepared = match pay::check(uow, &command.pay, (prepared, how))? {
        Checked::Go(prepared) => prepared,
        Checked::Before(payment) => return Ok(Ok(payment.view(desk.currencies()))),
        Checked::No(refusal) => return Ok(Err(refusal)),
    };
    let pass = match pay::confirmed(desk, uow, (&command.pay, confirming), (&prepared, Wanted::Hold))? {
        Ok(pass) => pass,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Ok(plan) = plan_hold(&prepared, seconds) else { return Ok(Err(posting::too_large())) };
    let intent = pay::intent_of(&command.pay, EntryKind::PaymentHold, id);
    let (entry, posted) = match posting::post(desk, uow, intent, plan.steps)? {
        Ok(posted) => posted,
        Err(refusal) => return Ok(Err(refusal)),
    };

    // After this point it must succeed.
    let payment = pay::fresh(uow, &command.pay, (&prepared, id), (Method::Hold, posted.entry));
    let expires = uow.now().plus_seconds(i64::from(seconds));
    pay::write(uow, &payment, OrderState::Authorized)?;
    pass.done(uow)?;
    quotes::consume(uow, command.pay.quote, id.as_u128())?;
    records::insert_hold(uow, id, &PaymentHold { entry, expires, fee: prepared.fee })?;
    uow.schedule(expires, JOB_EXPIRE, id.as_u128())?;
    posting::tell(uow, "payment.held", &payment, prepared.currency, "");
    let mut view = payment.view(desk.currencies());
    view.expires_at = Some(expires);
    view.payer_balance = uow.account(payment.from)?.map(|account| account.posted());
    Ok(Ok(view))
}

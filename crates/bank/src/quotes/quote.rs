//! Make a quote for a payment, and redeem it.

use super::records::{self, Quote};
use crate::entries::{self, EntryKind, Intent};
use crate::fees::FeeParts;
use crate::forecast::{self, Forecast, Of};
use crate::payments::{self, Checked, Method, PayCommand, Prepared};
use crate::policies::{Bearer, Fee};
use crate::{Answer, Bank, BankError, Desk, Refusal, Wish};
use money::Money;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A quote as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteView {
    /// Its id, to pay with.
    pub id: Id<kinds::Quote>,
    /// What the payment would come to for the payer: fee, balances after, limits left.
    pub forecast: Forecast,
    /// Fee and tax, whoever bears them.
    pub fee: FeeParts,
    /// Who bears them.
    pub fee_bearer: Bearer,
    /// What the merchant gets, minor units.
    pub payee_receives: i64,
    /// When the merchant has it: at once, or when it captures.
    pub arrival: String,
    /// Until when it is promised.
    pub expires_at: Timestamp,
}

/// Quotes a payment, immediate or by a hold, without making it.
///
/// # Errors
/// Trouble; what would refuse the payment refuses the quote.
pub async fn quote(bank: &Bank, command: PayCommand, method: Method) -> Result<Answer<QuoteView>, BankError> {
    let operation = match method {
        Method::Immediate => "quotes.pay",
        Method::Hold => "quotes.authorize",
    };
    let wish = match &command.key {
        Some(key) => Wish::new(command.principal, operation, key, &command.body(true)),
        None => Wish::internal(command.principal, operation),
    };
    let prepared = payments::prepare(bank, &command).await?;
    let (desk, id) = (bank.desk(), bank.new_id());
    bank.once(wish, move |uow| {
        let prepared = match &prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return Ok(Outcome::Refused(refusal.clone())),
        };
        Ok(match act(&desk, uow, (&command, prepared, method), id)? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

fn act(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (command, prepared, method): (&PayCommand, &Prepared, Method),
    id: Id<kinds::Quote>,
) -> Result<Result<QuoteView, Refusal>, StoreError> {
    let prepared = match payments::check(uow, command, (prepared, method))? {
        Checked::Go(prepared) => prepared,
        Checked::Before(_) => return Ok(Err(Refusal::of(ErrorCode::ReferenceReused).at("reference"))),
        Checked::No(refusal) => return Ok(Err(refusal)),
    };
    let large = || Refusal::of(ErrorCode::AmountTooLarge).at("amount");
    let Ok(fee) = prepared.fee.compute(prepared.amount) else { return Ok(Err(large())) };
    let on_top = if prepared.fee.bearer == Bearer::Payer { fee.total() } else { 0 };
    let plan = match method {
        Method::Immediate => payments::plan_pay(&prepared, payments::till(desk, uow, prepared.currency)?),
        Method::Hold => payments::plan_hold(&prepared, desk.policies().hold_days.saturating_mul(86_400)),
    };
    let (Ok(plan), Ok(amount)) = (plan, Money::new(prepared.amount, prepared.currency)) else {
        return Ok(Err(large()));
    };
    let kind = if method == Method::Immediate { EntryKind::Payment } else { EntryKind::PaymentHold };
    let (principal, channel) = (command.principal, command.channel);
    let entry = entries::draft(desk, uow, Intent { kind, principal, channel, cause: id.as_u128() }, plan.steps);
    let total = prepared.amount + on_top;
    let of = Of { who: principal, account: prepared.payer.account, amount, fee: on_top, total };
    let forecast = match forecast::of(desk, uow, of, entry)? {
        Ok(forecast) => forecast,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let expires = uow.now().plus_seconds(i64::from(desk.policies().quote_seconds));
    let quote = Quote {
        actor: principal.actor(),
        method: method as u8,
        fingerprint: Wish::fingerprint_of(&command.body(true)),
        fee: prepared.fee,
        expires,
    };
    records::insert(uow, id, &quote)?;
    Ok(Ok(QuoteView {
        id,
        forecast,
        fee,
        fee_bearer: prepared.fee.bearer,
        payee_receives: prepared.amount - (fee.total() - on_top),
        arrival: if method == Method::Immediate { "at_once" } else { "on_capture" }.to_owned(),
        expires_at: expires,
    }))
}

/// The fee terms that a quote promised for this very wish.
pub(crate) fn redeem(
    uow: &Uow<'_, '_>,
    id: Id<kinds::Quote>,
    (command, method): (&PayCommand, Method),
) -> Result<Result<Fee, Refusal>, StoreError> {
    let actor = command.principal.actor();
    let Some(quote) = records::by_id(uow.reading(), id)?.filter(|quote| quote.actor == actor) else {
        return Ok(Err(Refusal::of(ErrorCode::NotFound).at("quote")));
    };
    if uow.now() >= quote.expires {
        return Ok(Err(Refusal::of(ErrorCode::QuoteExpired)));
    }
    if !quote.is_for(actor, method, &Wish::fingerprint_of(&command.body(true))) {
        return Ok(Err(Refusal::of(ErrorCode::QuoteDiffers)));
    }
    Ok(Ok(quote.fee))
}

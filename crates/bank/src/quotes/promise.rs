//! Promise the terms of a movement, and redeem the promise once.

use super::records::{self, Quote};
use super::{Arrival, Movement, QuoteView};
use crate::fees::FeeParts;
use crate::forecast::Forecast;
use crate::policies::{Bearer, Fee};
use crate::{Bank, BankError, Desk, Principal, Refusal, Wish};
use store::{Fingerprint, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// What was asked for: who wants which movement, and a digest of everything about it that a quote ties down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) who: Principal,
    pub(crate) movement: Movement,
    pub(crate) fingerprint: Fingerprint,
}

/// What a dry run found, to be shown and promised.
pub(crate) struct Made {
    /// The terms of the fee; none where the bank takes none.
    pub(crate) terms: Option<Fee>,
    pub(crate) forecast: Forecast,
    pub(crate) fee: FeeParts,
    pub(crate) fee_bearer: Bearer,
    pub(crate) payee_receives: i64,
    pub(crate) arrival: Arrival,
    pub(crate) decided_by: Option<Timestamp>,
}

/// Runs the unit of work that makes a quote.
pub(crate) async fn make<F>(bank: &Bank, who: Principal, mut body: F) -> Result<Result<QuoteView, Refusal>, BankError>
where
    F: FnMut(&mut Uow<'_, '_>) -> Result<Result<QuoteView, Refusal>, StoreError> + Send + 'static,
{
    let unit = move |uow: &mut Uow<'_, '_>| {
        Ok(match body(uow)? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    };
    Ok(bank.once(Wish::internal(who, "quotes.make"), unit).await?.result)
}

/// Writes a promise.
pub(crate) fn promise(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    id: Id<kinds::Quote>,
    (asked, made): (Asked, Made),
) -> Result<QuoteView, StoreError> {
    let expires = uow.now().plus_seconds(i64::from(desk.policies().quote_seconds));
    let (actor, movement) = (asked.who.actor(), asked.movement);
    let quote = Quote {
        actor,
        movement: movement as u8,
        fingerprint: asked.fingerprint,
        fee: made.terms,
        expires,
        redeemed: None,
    };
    records::insert(uow, id, &quote)?;
    Ok(made.view(movement, Some((id, expires))))
}

impl Made {
    /// As shown, with what is promised if anything is.
    pub(super) fn view(self, movement: Movement, promised: Option<(Id<kinds::Quote>, Timestamp)>) -> QuoteView {
        QuoteView {
            id: promised.map(|(id, _)| id),
            movement,
            forecast: self.forecast,
            fee: self.fee,
            fee_bearer: self.fee_bearer,
            payee_receives: self.payee_receives,
            arrival: self.arrival,
            decided_by: self.decided_by,
            expires_at: promised.map(|(_, expires)| expires),
        }
    }
}

/// The fee terms that a quote promised for this very movement. Refused with `not_found` (somebody else's looks the same as
/// none), `quote_used`, `quote_expired`, `quote_differs`. The quote stays as it is: whoever makes the movement then calls
/// [`consume`] in the same unit.
pub(crate) fn redeem(
    uow: &Uow<'_, '_>,
    id: Id<kinds::Quote>,
    asked: &Asked,
) -> Result<Result<Option<Fee>, Refusal>, StoreError> {
    let actor = asked.who.actor();
    let no = |code: ErrorCode| Ok(Err(Refusal::of(code).at("quote")));
    let Some(quote) = records::by_id(uow.reading(), id)?.filter(|quote| quote.actor == actor) else {
        return no(ErrorCode::NotFound);
    };
    if quote.redeemed.is_some() {
        return no(ErrorCode::QuoteUsed);
    }
    if uow.now() >= quote.expires {
        return no(ErrorCode::QuoteExpired);
    }
    if quote.movement != asked.movement as u8 || quote.fingerprint != asked.fingerprint {
        return no(ErrorCode::QuoteDiffers);
    }
    Ok(Ok(quote.fee))
}

/// The fee terms of a product: those that the quote promised, or those in force when there is none.
pub(crate) fn terms(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    quote: Option<Id<kinds::Quote>>,
    asked: &Asked,
) -> Result<Result<Option<Fee>, Refusal>, StoreError> {
    match quote {
        Some(id) => redeem(uow, id, asked),
        None => Ok(Ok(asked.movement.product().and_then(|product| desk.policies().fee(product)).copied())),
    }
}

/// Ends a quote by the movement that was made with it. Part of the unit that makes the movement, after everything that may
/// refuse it; [`redeem`] has looked at the quote in the same unit.
pub(crate) fn consume(uow: &mut Uow<'_, '_>, quote: Option<Id<kinds::Quote>>, by: u128) -> Result<(), StoreError> {
    let Some(id) = quote else { return Ok(()) };
    if records::redeem(uow, id, by)? {
        return Ok(());
    }
    Err(StoreError::Bug("a quote was redeemed twice in one unit of work".to_owned()))
}

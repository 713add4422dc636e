//! The payer's word, and looking at what is to be confirmed.

use super::records::{self, State, shown_place};
use super::rules::Reason;
use crate::bank::Bank;
use crate::error::BankError;
use crate::factors::{self, Proof};
use crate::refusal::Refusal;
use crate::sessions::Session;
use crate::wish::Wish;
use serde::{Deserialize, Serialize};
use store::Outcome;
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// What is to be confirmed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationView {
    /// Its id: the header `Confirmation` of the request that makes the movement.
    pub id: Id<kinds::Confirmation>,
    /// `payment`, `hold`, `transfer` or `payout`.
    pub movement: String,
    /// Who is paid: a merchant's name, a person's masked name, a bank account's masked number; none when nobody holds the alias yet.
    pub payee: Option<String>,
    /// How much, minor units.
    pub amount_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// Why it has to be confirmed.
    pub reason: Reason,
    /// `asked`, `confirmed` or `used`.
    pub state: String,
    /// Until when it can be confirmed and used.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for ConfirmationView {
    /// Neither payee nor amount: they are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConfirmationView({})", self.id)
    }
}

/// A customer's confirmation.
///
/// # Errors
/// Trouble.
pub async fn find(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    id: Id<kinds::Confirmation>,
) -> Result<Option<ConfirmationView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(row) = records::by_id(reading, id)?.filter(|row| row.customer == customer) else { return Ok(None) };
        let Some(key) = desk.sealing().key(reading, customer.as_u128())? else { return Ok(None) };
        Ok(Some((row.shown.open(&key, shown_place(id))?, row.state)))
    });
    let Some((plain, state)) = found.await? else { return Ok(None) };
    let mut view: ConfirmationView = serde_json::from_slice(&plain).map_err(|_| BankError::Unsealed("confirmation"))?;
    view.state = state.name().to_owned();
    Ok(Some(view))
}

/// Confirms exactly what is shown. In order: `not_found`, `invalid_field` (a recovery code is no confirmation),
/// `too_many_attempts`, `confirmation_not_valid` (confirmed or used before, or over), `factor_wrong`. Not recorded under a key, so
/// that no proof can be guessed from a record.
///
/// # Errors
/// Trouble.
pub async fn confirm(
    bank: &Bank,
    session: Session,
    id: Id<kinds::Confirmation>,
    proof: Proof,
) -> Result<Result<ConfirmationView, Refusal>, BankError> {
    let customer = session.customer;
    let Some(view) = find(bank, customer, id).await? else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
    if matches!(proof, Proof::RecoveryCode(_)) {
        let detail = "confirm with the PIN, an authenticator's code or the password";
        return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("proof")));
    }
    let prepared = match factors::prepare(bank, customer, proof).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let wish = Wish::internal(session.principal(), "confirmations.confirm");
    let answer = bank.once(wish, move |uow| {
        let now = uow.now();
        let row = records::by_id(uow.reading(), id)?;
        if !row.is_some_and(|row| row.state == State::Asked && now < row.expires) {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::ConfirmationNotValid)));
        }
        if let Err(refusal) = prepared.decide(uow)? {
            return Ok(Outcome::Refused(refusal));
        }
        records::set_state(uow, id, State::Confirmed)?;
        Ok(Outcome::Done(()))
    });
    let confirmed = ConfirmationView { state: State::Confirmed.name().to_owned(), ..view };
    Ok(answer.await?.result.map(|()| confirmed))
}

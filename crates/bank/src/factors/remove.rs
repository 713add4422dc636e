//! Removing a factor, with another one proved in the same request.

use super::change::{Change, forget};
use super::prove::{self, Proof};
use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sessions::Session;
use crate::wish::Wish;
use store::Outcome;
use vocabulary::{ErrorCode, Id, kinds};

/// Removes a factor of the session's customer. In order: `not_found`, `invalid_field` (the proof is of the very factor),
/// `too_many_attempts`, `factor_wrong`.
///
/// # Errors
/// Trouble.
pub async fn remove(
    bank: &Bank,
    session: Session,
    id: Id<kinds::Factor>,
    proof: Proof,
) -> Result<Result<(), Refusal>, BankError> {
    let customer = session.customer;
    let found = bank.store().read(move |snapshot| records::by_id(snapshot.reading(), id)).await?;
    let Some(row) = found.filter(|row| row.customer == customer) else {
        return Ok(Err(Refusal::of(ErrorCode::NotFound)));
    };
    if proof.kind() == row.kind {
        let detail = "prove another factor than the one that is to go, such as the password";
        return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("proof")));
    }
    let prepared = match prove::prepare(bank, customer, proof).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let said = match row.kind {
        records::Kind::Pin => "Your payment PIN was removed.",
        _ => "An authenticator app was removed from your account.",
    };
    let change = Change::of(bank, customer, (row.kind, "customer.factor_removed", said)).await?;
    let wish = Wish::internal(session.principal(), "factors.remove");
    let answer = bank.once_then(
        wish,
        move |uow| {
            if records::by_id(uow.reading(), id)?.is_none() {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            if let Err(refusal) = prepared.decide(uow)? {
                return Ok(Outcome::Refused(refusal));
            }
            records::delete(uow, id)?;
            change.made(uow)?;
            Ok(Outcome::Done(()))
        },
        move |bank| {
            forget(bank, customer);
            Ok(())
        },
    );
    Ok(answer.await?.result)
}

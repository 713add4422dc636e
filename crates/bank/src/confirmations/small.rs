//! What a customer lets pass unconfirmed: at most what the bank does, and less if she says so.

use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use crate::factors::{self, Proof};
use crate::refusal::Refusal;
use crate::sessions::Session;
use crate::wish::Wish;
use money::{Currency, Money};
use store::Outcome;
use vocabulary::{ErrorCode, Id, kinds};

/// What passes unconfirmed in a currency; minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmallView {
    /// The currency.
    pub currency: Currency,
    /// The largest amount.
    pub each_minor: i64,
    /// The most that the bank allows her to set.
    pub most_minor: i64,
    /// What is left in sum until something has to be confirmed.
    pub left_minor: i64,
    /// How many are left until then.
    pub left_count: u32,
}

/// What passes unconfirmed for a customer in a currency.
///
/// # Errors
/// Trouble.
pub async fn small(bank: &Bank, customer: Id<kinds::Customer>, currency: Currency) -> Result<SmallView, BankError> {
    let policies = bank.policies();
    let of = (customer, currency.number());
    let read = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        Ok((records::own_most(reading, of)?, records::passed(reading, of)?))
    });
    let (own, (total, number)) = read.await?;
    let (most_minor, sum) = policies.step_up.small(currency);
    Ok(SmallView {
        currency,
        each_minor: own.map_or(most_minor, |own| own.min(most_minor)),
        most_minor,
        left_minor: sum.saturating_sub(total).max(0),
        left_count: policies.step_up.small_count.saturating_sub(number),
    })
}

/// Sets the largest amount that passes unconfirmed for the session's customer. Lowering it needs nothing; taking a lowered one up
/// again, to at most the bank's, needs a proof. In order: `limit_exceeded` (above the bank's), `missing_field` (it goes up
/// without a proof), `too_many_attempts`, `factor_wrong`.
///
/// # Errors
/// Trouble.
pub async fn set_small(
    bank: &Bank,
    session: Session,
    most: Money,
    proof: Option<Proof>,
) -> Result<Result<SmallView, Refusal>, BankError> {
    let customer = session.customer;
    let (currency, minor) = (most.currency(), most.minor());
    let bank_most = bank.policies().step_up.small(currency).0;
    if minor > bank_most {
        return Ok(Err(
            Refusal::new(ErrorCode::LimitExceeded, "the bank lets less pass; set a smaller amount").at("amount")
        ));
    }
    let prepared = match proof {
        Some(proof) => match factors::prepare(bank, customer, proof).await? {
            Ok(prepared) => Some(prepared),
            Err(refusal) => return Ok(Err(refusal)),
        },
        None => None,
    };
    let of = (customer, currency.number());
    let wish = Wish::internal(session.principal(), "confirmations.set_small");
    let answer = bank.once(wish, move |uow| {
        let present = records::own_most(uow.reading(), of)?.unwrap_or(bank_most);
        match &prepared {
            Some(prepared) => {
                if let Err(refusal) = prepared.decide(uow)? {
                    return Ok(Outcome::Refused(refusal));
                }
            }
            None if minor > present => {
                let detail = "to let more pass than now, prove a factor";
                return Ok(Outcome::Refused(Refusal::new(ErrorCode::MissingField, detail).at("proof")));
            }
            None => {}
        }
        records::set_own_most(uow, of, minor)?;
        Ok(Outcome::Done(()))
    });
    match answer.await?.result {
        Ok(()) => Ok(Ok(small(bank, customer, currency).await?)),
        Err(refusal) => Ok(Err(refusal)),
    }
}

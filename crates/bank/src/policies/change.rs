//! Setting a policy from a moment on.

use super::records::{self, PolicyRow};
use super::{JOB_EFFECTIVE, Policies, PolicyBook, push_profiles};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wish::{Answer, Principal, Wish};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Outcome;
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A policy to be set.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which: the name of a field of [`Policies`].
    pub name: String,
    /// Its value.
    pub value: Value,
    /// From when; at once when none or in the past.
    pub from: Option<Timestamp>,
    /// Where it comes from, for auditors.
    pub source: String,
}

/// A policy row as staff see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Its id.
    pub id: Id<kinds::Policy>,
    /// Which policy.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// From when it is in force.
    pub effective_from: Timestamp,
    /// Where it comes from.
    pub source: String,
    /// Who set it.
    pub staff: Option<Id<kinds::Staff>>,
}

impl From<PolicyRow> for PolicyView {
    fn from(row: PolicyRow) -> Self {
        let PolicyRow { id, name, value, effective_from, source, staff } = row;
        Self { id, name, value, effective_from, source, staff }
    }
}

/// Sets a policy from a moment on. Refused with `policy_invalid` when there is no such policy or the value is out of range
/// together with everything that will then be in force.
///
/// # Errors
/// Trouble.
pub async fn set(bank: &Bank, wish: Wish, change: Change) -> Result<Answer<PolicyView>, BankError> {
    let desk = bank.desk();
    let id = bank.new_id();
    let staff = match wish.principal {
        Principal::Staff(id) => Some(id),
        _ => None,
    };
    bank.once_then(
        wish,
        move |uow| {
            let now = uow.now();
            let from = change.from.map_or(now, |from| from.max(now));
            let mut book = PolicyBook::read(uow.reading())?;
            if let Err(refusal) = check(&book, &change, from) {
                return Ok(Outcome::Refused(refusal));
            }
            let (name, value, source) = (change.name.clone(), change.value.clone(), change.source.clone());
            let row = PolicyRow { id, name, value, effective_from: from, source, staff };
            records::insert(uow, &row)?;
            if from <= now {
                book = PolicyBook::read(uow.reading())?;
                push_profiles(uow, &book.resolve(now)?, desk.currencies())?;
            } else {
                uow.schedule(from, JOB_EFFECTIVE, id.as_u128())?;
            }
            Ok(Outcome::Done(PolicyView::from(row)))
        },
        Bank::reload_policies,
    )
    .await
}

fn check(book: &PolicyBook, change: &Change, from: Timestamp) -> Result<(), Refusal> {
    let invalid = |detail: String| Refusal::new(ErrorCode::PolicyInvalid, detail);
    let mut values = book.values(from);
    if values.insert(change.name.clone(), change.value.clone()).is_none() {
        return Err(
            invalid(format!("there is no policy {}; use a name from the list of policies", change.name)).at("name")
        );
    }
    if change.source.trim().is_empty() {
        return Err(invalid("name the source: a law, a contract, a decision".to_owned()).at("source"));
    }
    let policies: Policies = serde_json::from_value(Value::Object(values))
        .map_err(|error| invalid(format!("the value has not the policy's form: {error}")).at("value"))?;
    policies.check().map_err(|(name, why)| invalid(format!("{name}: {why}")).at("value"))
}

/// Every policy row, in the order in which they come into force.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank) -> Result<Vec<PolicyView>, BankError> {
    let book = bank.store().read(|snapshot| PolicyBook::read(snapshot.reading())).await?;
    Ok(book.rows().iter().cloned().map(PolicyView::from).collect())
}

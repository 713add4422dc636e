//! All policy rows, and what they come to at a moment.

use super::records::{self, PolicyRow};
use super::{Policies, push_profiles};
use crate::currencies::Currencies;
use serde_json::{Map, Value};
use sql::Reading;
use store::{Outcome, Store, StoreError};
use vocabulary::{Entropy, Id, Timestamp};

/// Every row, in the order in which they come into force.
#[derive(Clone, Debug, Default)]
pub struct PolicyBook {
    rows: Vec<PolicyRow>,
}

impl PolicyBook {
    /// Reads the rows.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(reading: Reading<'_>) -> Result<Self, StoreError> {
        Ok(Self { rows: records::all(reading)? })
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[PolicyRow] {
        &self.rows
    }

    /// The values in force, by name.
    pub(super) fn values(&self, now: Timestamp) -> Map<String, Value> {
        let effective = self.rows.iter().filter(|row| row.effective_from <= now);
        effective.map(|row| (row.name.clone(), row.value.clone())).collect()
    }

    /// What is in force at a moment.
    ///
    /// # Errors
    /// `Corrupt` when the rows do not make up policies.
    pub fn resolve(&self, now: Timestamp) -> Result<Policies, StoreError> {
        let corrupt = StoreError::Corrupt { table: "policy", finding: "the values do not make up policies" };
        let mut policies: Policies = serde_json::from_value(Value::Object(self.values(now))).map_err(|_| corrupt)?;
        let count = self.rows.iter().filter(|row| row.effective_from <= now).count();
        policies.version = u32::try_from(count).unwrap_or(u32::MAX);
        policies.valid_until = self.rows.iter().map(|row| row.effective_from).find(|from| *from > now);
        Ok(policies)
    }

    /// Writes the default of every policy that has no row yet, sets the store's limit profiles, and reads the book.
    pub(crate) fn prepare(store: &Store, entropy: &dyn Entropy, currencies: &Currencies) -> Result<Self, StoreError> {
        let defaults = serde_json::to_value(Policies::defaults(currencies));
        let Ok(Value::Object(defaults)) = defaults else {
            return Err(StoreError::Bug("the default policies are not an object".to_owned()));
        };
        let rows: Vec<(Id<_>, String, Value)> =
            defaults.into_iter().map(|(name, value)| (Id::draw(store.now(), entropy), name, value)).collect();
        let currencies = currencies.clone();
        let outcome = store.write_blocking(move |uow| {
            let present = Self::read(uow.reading())?;
            for (id, name, value) in &rows {
                if !present.rows.iter().any(|row| row.name == *name) {
                    records::insert(uow, &PolicyRow::of_default(*id, name, value))?;
                }
            }
            let now = uow.now();
            let book = Self::read(uow.reading())?;
            push_profiles(uow, &book.resolve(now)?, &currencies)?;
            Ok(Outcome::<Self, ()>::Done(book))
        })?;
        match outcome {
            Outcome::Done(book) => Ok(book),
            Outcome::Refused(()) => Ok(Self::default()),
        }
    }
}

//! What a customer has set.

use super::records;
use crate::bank::Bank;
use crate::error::BankError;
use vocabulary::{Id, Timestamp, kinds};

/// A factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorView {
    /// Its id.
    pub id: Id<kinds::Factor>,
    /// `pin` or `totp`.
    pub kind: &'static str,
    /// When it was set.
    pub created: Timestamp,
    /// When it was last proved.
    pub last_used: Option<Timestamp>,
}

/// A customer's factors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factors {
    /// Those in use, oldest first.
    pub factors: Vec<FactorView>,
    /// How many recovery codes are left.
    pub recovery_codes_left: i64,
}

/// A customer's factors.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, customer: Id<kinds::Customer>) -> Result<Factors, BankError> {
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let rows = records::of(reading, customer)?.into_iter().filter(|row| row.confirmed.is_some());
        let view = |row: records::FactorRow| {
            let (id, kind, created, last_used) = (row.id, row.kind.name(), row.created, row.last_used);
            FactorView { id, kind, created, last_used }
        };
        let recovery_codes_left = records::codes_left(reading, customer)?;
        Ok(Factors { factors: rows.map(view).collect(), recovery_codes_left })
    });
    Ok(found.await?)
}

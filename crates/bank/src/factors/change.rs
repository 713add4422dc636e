//! What every change of a factor leaves behind: an event, a message, the moment, the mark on her accounts.

use super::records::{self, Kind};
use crate::bank::Bank;
use crate::error::BankError;
use crate::notices::{self, Draft};
use crate::wallets;
use store::{NewEvent, StoreError, Uow};
use vocabulary::{Id, kinds};

/// A change that is about to be made.
pub(super) struct Change {
    pub(super) customer: Id<kinds::Customer>,
    kind: Kind,
    event: &'static str,
    notice: Option<Draft>,
}

impl Change {
    /// Prepares what is told of it.
    pub(super) async fn of(
        bank: &Bank,
        customer: Id<kinds::Customer>,
        (kind, event, said): (Kind, &'static str, &str),
    ) -> Result<Self, BankError> {
        let text = format!("{said} If that was not you, tell the bank at once.");
        let notice = notices::to_customer(bank, customer, &text).await?;
        Ok(Self { customer, kind, event, notice })
    }

    /// Tells it, in the unit that makes it.
    pub(super) fn made(&self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
        let customer = self.customer;
        records::set_changed(uow, customer)?;
        let guarded = records::of(uow.reading(), customer)?.iter().any(|row| row.confirmed.is_some());
        wallets::records::set_guarded(uow, customer, guarded)?;
        if let Some(notice) = &self.notice {
            notice.write(uow)?;
        }
        let body = serde_json::json!({ "customer": customer, "factor": self.kind.name() }).to_string();
        let (owner, subject) = (Some(customer.as_u128()), customer.as_u128());
        uow.emit(NewEvent { kind: self.event, version: 1, owner, subject, body });
        Ok(())
    }
}

/// Forgets in memory what a change may have made untrue.
pub(super) fn forget(bank: &Bank, customer: Id<kinds::Customer>) {
    bank.caches().wallets.forget_where(|found| found.customer == customer);
}
